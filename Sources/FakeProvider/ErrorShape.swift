// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Errors, in each provider's shape.
struct ErrorShape {
    let provider: FakeProviderName
    let status: Int
    let message: String
    let requestID: String
    private let kind: Kind

    private typealias Kind = (openAI: String, code: String?, anthropic: String, google: String, amazon: String, message: String)

    init(provider: FakeProviderName, status: Int, message: String?, requestID: String) {
        self.provider = provider
        self.status = status
        self.requestID = requestID
        kind = Self.kinds(status)
        self.message = message ?? kind.message
    }

    /// The name that Amazon puts into a header rather than the body.
    var amazonType: String { kind.amazon }

    func body() -> [UInt8] {
        switch provider {
        case .anthropic:
            return JSONWriter.objectBytes { writer in
                writer.field("type", "error")
                writer.object("error") { writer in
                    writer.field("type", kind.anthropic)
                    writer.field("message", message)
                }
                writer.field("request_id", requestID)
            }
        case .gemini, .vertex:
            return JSONWriter.objectBytes { writer in
                writer.object("error") { writer in
                    writer.field("code", status)
                    writer.field("message", message)
                    writer.field("status", kind.google)
                }
            }
        case .bedrock: return JSONWriter.objectBytes { $0.field("message", message) }
        case .ollama: return JSONWriter.objectBytes { $0.field("error", message) }
        case .cohere:
            return JSONWriter.objectBytes { writer in
                writer.field("id", requestID)
                writer.field("message", message)
            }
        case .mistral: return mistral()
        case .openrouter:
            return JSONWriter.objectBytes { writer in
                writer.object("error") { writer in
                    writer.field("message", message)
                    writer.field("code", status)
                }
            }
        default:
            return JSONWriter.objectBytes { writer in
                writer.object("error") { writer in
                    writer.field("message", message)
                    writer.field("type", kind.openAI)
                    writer.nullField("param")
                    writer.field("code", kind.code)
                }
            }
        }
    }

    private func mistral() -> [UInt8] {
        JSONWriter.objectBytes { writer in
            writer.field("object", "error")
            writer.field("message", message)
            writer.field("type", kind.openAI)
            writer.nullField("param")
            writer.field("code", String(status * 10))
            writer.field("raw_status_code", status)
        }
    }

    /// The error as an event inside a stream that has begun.
    func event(_ framing: StreamFraming) -> AnswerEvent {
        switch (framing, provider) {
        case (.eventStream, _): AnswerEvent(bytes: EventStreamFrame.exception(streamException, payload: body()), pace: .content)
        case (.lines, _): .line(body(), .content)
        case (.array, _): AnswerEvent(bytes: Array(",\r\n".utf8) + body() + Array("]".utf8), pace: .content)
        case (.events, .anthropic): .named("error", body(), .content)
        case (.events, _): .data(body(), .content)
        }
    }

    private var streamException: String {
        switch status {
        case 429: "throttlingException"
        case 503: "serviceUnavailableException"
        case 500...: "internalServerException"
        default: "validationException"
        }
    }

    private static func kinds(_ status: Int) -> Kind {
        let invalid = "invalid_request_error"
        switch status {
        case 401:
            return (
                invalid, "invalid_api_key", "authentication_error", "UNAUTHENTICATED", "UnrecognizedClientException",
                "Incorrect API key provided."
            )
        case 403:
            return (
                invalid, "permission_denied", "permission_error", "PERMISSION_DENIED", "AccessDeniedException",
                "You may not use this resource."
            )
        case 404: return (invalid, "unknown_url", "not_found_error", "NOT_FOUND", "ResourceNotFoundException", "Not found.")
        case 413:
            return (
                invalid, "request_too_large", "request_too_large", "INVALID_ARGUMENT", "ValidationException",
                "The request body is too large."
            )
        case 429:
            return (
                "requests", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException",
                "Rate limit reached. Please try again later."
            )
        case 503:
            return (
                "server_error", nil, "api_error", "UNAVAILABLE", "ServiceUnavailableException",
                "The engine is currently overloaded, please try again later."
            )
        case 529: return ("server_error", "overloaded", "overloaded_error", "UNAVAILABLE", "ModelNotReadyException", "Overloaded")
        case 500...:
            return (
                "server_error", nil, "api_error", "INTERNAL", "InternalServerException",
                "The server had an error while processing your request."
            )
        default:
            return (invalid, nil, invalid, "INVALID_ARGUMENT", "ValidationException", "The request could not be processed.")
        }
    }
}
