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
    /// - Parameter api: the API family where it is known.
    /// - Returns: JSON.
    package func body(for api: APIFamily?) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        switch api {
        case .anthropicMessages: writeAnthropic(to: &json)
        case .geminiGenerate: writeGemini(to: &json)
        default: writeOpenAI(to: &json)
        }
        json.endObject()
        return json.bytes
    }

    private func writeOpenAI(to json: inout JSONWriter) {
        json.key("error")
        json.beginObject()
        json.key("message")
        json.value(message)
        json.key("type")
        json.value(code.type)
        json.key("param")
        json.null()
        json.key("code")
        json.value(code.name)
        json.endObject()
    }

    private func writeAnthropic(to json: inout JSONWriter) {
        json.key("type")
        json.value("error")
        json.key("error")
        json.beginObject()
        json.key("type")
        json.value(code.type)
        json.key("message")
        json.value("\(code.name): \(message)")
        json.endObject()
    }

    private func writeGemini(to json: inout JSONWriter) {
        json.key("error")
        json.beginObject()
        json.key("code")
        json.value(Int64(code.status))
        json.key("message")
        json.value(message)
        json.key("status")
        json.value(code.name.uppercased())
        json.endObject()
    }
}
