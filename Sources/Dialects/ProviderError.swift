// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// What kind of error a provider gave (`record.md`, `provider_error`): a closed list, the same for every provider.
package enum ProviderErrorClass: String, Sendable, CaseIterable {
    /// The credential is missing or wrong.
    case authentication
    /// The credential is good and may not do this.
    case permission
    /// Too many requests or tokens for now.
    case rateLimit = "rate_limit"
    /// Money or a contingent has run out; waiting does not help.
    case quota
    /// The request is wrong in itself.
    case invalidRequest = "invalid_request"
    /// The prompt, or prompt and answer, do not fit the model.
    case contextLength = "context_length"
    /// No such model, deployment or route.
    case notFound = "not_found"
    /// The provider has no capacity now.
    case overloaded
    /// The provider failed.
    case serverError = "server_error"
    /// The provider gave up waiting.
    case timeout
    /// The provider's policy refused the content.
    case contentFilter = "content_filter"
    /// An error of no known kind.
    case other
}

/// A provider's error: its class, and the provider's own word for it.
struct ProviderFailure {
    let errorClass: ProviderErrorClass
    let code: String?
}

/// Sorts a provider's error: first by its own words, then by what the message says, then by the HTTP status.
enum ErrorClassifier {
    /// The error of an answer whose status says error.
    ///
    /// - Parameters:
    ///   - status: of the answer.
    ///   - root: the body, where it is JSON; its `error` member, or the body itself, is looked at.
    ///   - name: what a header calls the error (`x-amzn-errortype`), where the body does not say.
    /// - Returns: the class, and the code.
    static func failure(status: Int, root: JSONNode?, name: String?) -> ProviderFailure {
        let body = root?[0] ?? root
        let error = body?.filled("error") ?? body
        return ProviderFailure(errorClass: classify(error: error, name: name, status: status), code: code(of: error) ?? name)
    }

    /// The error of an error object inside an answer whose status says success.
    ///
    /// - Parameters:
    ///   - error: the object.
    ///   - name: what the framing calls it, where the object does not name itself.
    /// - Returns: the class, and the code.
    static func failure(inBand error: JSONNode, name: String? = nil) -> ProviderFailure {
        ProviderFailure(errorClass: classify(error: error, name: name, status: nil), code: code(of: error) ?? name)
    }

    /// The name in a header such as `ValidationException:http://internal.amazon.com/...`.
    static func name(inHeader value: String) -> String? {
        let name = value.utf8.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: ",") }
        return name.isEmpty || name.count > DialectLimits.nameBytes ? nil : String(decoding: name, as: UTF8.self)
    }

    /// The provider's own word: its code where that is a word, else its type or status, else the number that it has for a code.
    private static func code(of error: JSONNode?) -> String? {
        guard let error else { return nil }
        return error.name("code") ?? error.name("type") ?? error.name("status") ?? error["code"]?.int.map { String($0) }
    }

    private static func classify(error: JSONNode?, name: String?, status: Int?) -> ProviderErrorClass {
        let words = (["code", "type", "status"].compactMap { error?.name($0) } + [name].compactMap { $0 }).map { $0.lowercased() }
        for word in words { if let found = specific[word] { return found } }
        if let found = byMessage(error) { return found }
        let statuses = [status, number(error?["code"]), number(error?["status_code"])]
        for status in statuses { if let status, let found = byStatus(status) { return found } }
        return words.contains { $0.hasPrefix("invalid") } ? .invalidRequest : .other
    }

    /// A status written as a number or as its digits.
    private static func number(_ node: JSONNode?) -> Int? {
        guard let node, let value = node.int ?? ASCIIInteger.parse(node.unescapedBytes.prefix(8)) else { return nil }
        return Int(exactly: value)
    }

    private static func byMessage(_ error: JSONNode?) -> ProviderErrorClass? {
        guard let error, let text = error.kind == .string ? error : error.filled("message") ?? error.filled("detail"),
            text.kind == .string
        else {
            return nil
        }
        let message = String(decoding: text.unescapedBytes.prefix(DialectLimits.messageBytes), as: UTF8.self).lowercased()
        for (phrase, found) in phrases where message.contains(phrase) { return found }
        return nil
    }

    private static func byStatus(_ status: Int) -> ProviderErrorClass? {
        switch status {
        case 401: .authentication
        case 402: .quota
        case 403: .permission
        case 404, 410: .notFound
        case 408, 504, 524: .timeout
        case 429: .rateLimit
        case 503, 529: .overloaded
        case 500...599: .serverError
        case 400...499: .invalidRequest
        default: nil
        }
    }

    /// Codes and types that say more than the status does.
    private static let specific: [String: ProviderErrorClass] = [
        "invalid_api_key": .authentication, "authentication_error": .authentication, "invalid_authentication": .authentication,
        "unauthorized": .authentication, "unauthenticated": .authentication, "missing_api_key": .authentication,
        "permission_error": .permission, "permission_denied": .permission, "forbidden": .permission,
        "unsupported_country_region_territory": .permission,
        "rate_limit_error": .rateLimit, "rate_limit_exceeded": .rateLimit, "ratelimitreached": .rateLimit,
        "too_many_requests": .rateLimit,
        "rate_limited": .rateLimit, "throttlingexception": .rateLimit, "throttling_exception": .rateLimit,
        "resource_exhausted": .rateLimit,
        "insufficient_quota": .quota, "billing_error": .quota, "billing_hard_limit_reached": .quota, "quota_exceeded": .quota,
        "insufficient_balance": .quota, "payment_required": .quota,
        "context_length_exceeded": .contextLength, "exceed_context_size_error": .contextLength,
        "context_window_exceeded": .contextLength,
        "model_not_found": .notFound, "not_found_error": .notFound, "not_found": .notFound, "invalid_model": .notFound,
        "deploymentnotfound": .notFound, "model_not_available": .notFound,
        "overloaded_error": .overloaded, "server_overloaded": .overloaded, "engine_overloaded": .overloaded,
        "overloaded": .overloaded,
        "service_unavailable": .overloaded, "unavailable": .overloaded, "slow_down": .overloaded,
        "server_error": .serverError, "api_error": .serverError, "internal_server_error": .serverError,
        "internal_error": .serverError,
        "internal": .serverError,
        "timeout": .timeout, "timeout_error": .timeout, "request_timeout": .timeout, "deadline_exceeded": .timeout,
        "content_filter": .contentFilter, "content_policy_violation": .contentFilter,
        "responsibleaipolicyviolation": .contentFilter,
        "image_content_policy_violation": .contentFilter, "moderation_blocked": .contentFilter,
        "accessdeniedexception": .permission, "unrecognizedclientexception": .authentication,
        "expiredtokenexception": .authentication,
        "invalidsignatureexception": .authentication, "servicequotaexceededexception": .rateLimit,
        "resourcenotfoundexception": .notFound, "modelnotreadyexception": .overloaded,
        "serviceunavailableexception": .overloaded, "modeltimeoutexception": .timeout,
        "internalserverexception": .serverError, "modelerrorexception": .serverError,
        "modelstreamerrorexception": .serverError,
        "tool_use_failed": .invalidRequest,
    ]

    /// Phrases of messages whose code says less, lower case.
    private static let phrases: [(String, ProviderErrorClass)] = [
        ("context length", .contextLength), ("input tokens exceeded", .contextLength),
        ("exceeds the maximum number of tokens", .contextLength), ("input is too long", .contextLength),
        ("token limit reached", .contextLength), ("api key not valid", .authentication),
        ("model identifier is invalid", .notFound), ("' does not exist", .notFound),
        ("specified model not found", .notFound),
        ("context window", .contextLength), ("context size", .contextLength),
        ("prompt is too long", .contextLength), ("prompt too long", .contextLength),
        ("credit balance is too low", .quota), ("exceeded your current quota", .quota), ("insufficient credits", .quota),
        ("insufficient balance", .quota), ("content management policy", .contentFilter), ("content policy", .contentFilter),
    ]
}
