// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// A fault that Weir itself answers (`notebooks-docs/runbooks/errors.md` lists them all).
package struct FaultCode: Sendable, Equatable {
    /// The HTTP status.
    package let status: Int
    /// The low-cardinality name: the `code` in the body, and `error_code` in the record.
    package let name: String
    /// The error's type in OpenAI's and Anthropic's words.
    let type: String
    /// How an exchange that ends so is recorded.
    let outcome: Outcome

    private init(_ name: String, _ status: Int, _ type: String, _ outcome: Outcome) {
        self.status = status
        self.name = name
        self.type = type
        self.outcome = outcome
    }

    /// The status in Google's words (google.rpc.Code).
    var googleStatus: String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 402, 429: "RESOURCE_EXHAUSTED"
        case 408, 504: "DEADLINE_EXCEEDED"
        case 500...503: "UNAVAILABLE"
        default: "INVALID_ARGUMENT"
        }
    }

    /// Malformed HTTP, or a target that is no path.
    package static let badRequest = FaultCode("bad_request", 400, "invalid_request_error", .refused)
    /// A control header that cannot be used.
    package static let badControlHeader = FaultCode("bad_control_header", 400, "invalid_request_error", .refused)
    /// The gateway key is missing or unknown.
    package static let invalidGatewayKey = FaultCode("invalid_gateway_key", 401, "authentication_error", .refused)
    /// An address that callers may not name.
    package static let notAllowed = FaultCode("not_allowed", 403, "permission_error", .refused)
    /// No provider can be told.
    package static let unknownRoute = FaultCode("unknown_route", 404, "not_found_error", .refused)
    /// The request came too slowly.
    package static let requestTimeout = FaultCode("request_timeout", 408, "timeout_error", .timedOut)
    /// The request body is over the limit.
    package static let bodyTooLarge = FaultCode("body_too_large", 413, "request_too_large", .refused)
    /// The request head is over the limit.
    package static let headersTooLarge = FaultCode("headers_too_large", 431, "request_too_large", .refused)
    /// The provider could not be reached, or went away before its answer.
    package static let upstreamUnreachable = FaultCode("upstream_unreachable", 502, "api_error", .upstreamFailed)
    /// The provider's answer is not HTTP that we accept.
    package static let upstreamProtocolError = FaultCode("upstream_protocol_error", 502, "api_error", .upstreamFailed)
    /// Weir is shutting down.
    package static let draining = FaultCode("draining", 503, "overloaded_error", .refused)
    /// Too much is running.
    package static let overloaded = FaultCode("overloaded", 503, "overloaded_error", .refused)
    /// The provider took too long.
    package static let upstreamTimeout = FaultCode("upstream_timeout", 504, "timeout_error", .timedOut)
}

/// A fault with its message: what happened and what to do; never a key, never a URL's query.
package struct Fault: Error, Sendable {
    /// Which fault.
    package let code: FaultCode
    /// What happened and what to do.
    package let message: String

    /// Names a fault.
    package init(_ code: FaultCode, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The body in the shape of the caller's API.
    ///
    /// The code stands in `error.code` for OpenAI and its like, in `code` for Bedrock, before the message for the others.
    /// - Parameter api: the API family where it is known.
    /// - Returns: JSON.
    package func body(for api: APIFamily?) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        switch api {
        case .some(.anthropicMessages), .some(.anthropicCountTokens): writeAnthropic(to: &json)
        case .some(.geminiGenerate), .some(.geminiEmbed), .some(.geminiCountTokens), .some(.geminiInteractions),
            .some(.vertexPredict):
            writeGemini(to: &json)
        case .some(.bedrockConverse), .some(.bedrockInvoke): writeBedrock(to: &json)
        case .some(.cohereChat), .some(.cohereEmbed): write("message", codedMessage, to: &json)
        case .some(.ollama): write("error", codedMessage, to: &json)
        default: writeOpenAI(to: &json)
        }
        json.endObject()
        return json.bytes
    }

    private var codedMessage: String { "\(code.name): \(message)" }

    private func write(_ key: String, _ text: String, to json: inout JSONWriter) {
        json.key(key)
        json.value(text)
    }

    private func writeOpenAI(to json: inout JSONWriter) {
        json.key("error")
        json.beginObject()
        write("message", message, to: &json)
        write("type", code.type, to: &json)
        json.key("param")
        json.null()
        write("code", code.name, to: &json)
        json.endObject()
    }

    private func writeAnthropic(to json: inout JSONWriter) {
        write("type", "error", to: &json)
        json.key("error")
        json.beginObject()
        write("type", code.type, to: &json)
        write("message", codedMessage, to: &json)
        json.endObject()
    }

    private func writeGemini(to json: inout JSONWriter) {
        json.key("error")
        json.beginObject()
        json.key("code")
        json.value(Int64(code.status))
        write("message", codedMessage, to: &json)
        write("status", code.googleStatus, to: &json)
        json.endObject()
    }

    /// AWS's SDKs read the class of an error from `code` where no header names it.
    private func writeBedrock(to json: inout JSONWriter) {
        write("code", code.name, to: &json)
        write("message", message, to: &json)
    }
}
