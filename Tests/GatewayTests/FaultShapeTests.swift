// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Testing

@testable import Gateway

@Suite struct FaultShapeTests {
    private static let codes: [FaultCode] = [
        .badRequest, .badControlHeader, .invalidGatewayKey, .notAllowed, .unknownRoute, .requestTimeout, .bodyTooLarge,
        .headersTooLarge, .upstreamUnreachable, .upstreamProtocolError, .draining, .overloaded, .upstreamTimeout,
    ]

    @Test(arguments: [nil] + APIFamily.known.map(Optional.some))
    func writesFaultsInTheShapeOfTheAPI(api: APIFamily?) throws {
        for code in FaultShapeTests.codes {
            let said = "what \"happened\"\n\u{1}"
            let body = Fault(code, said).body(for: api)
            let json = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
            let error = json["error"] as? [String: Any]
            let coded = "\(code.name): \(said)"
            switch api?.rawValue.split(separator: "-").first {
            case "anthropic":
                #expect(json["type"] as? String == "error" && error?["type"] is String)
                #expect(error?["message"] as? String == coded)
            case "gemini", "vertex":
                #expect(error?["code"] as? Int == code.status && error?["message"] as? String == coded)
                #expect(error?["status"] is String)
            case "bedrock": #expect(json["code"] as? String == code.name && json["message"] as? String == said)
            case "cohere": #expect(json as? [String: String] == ["message": coded])
            case "ollama": #expect(json as? [String: String] == ["error": coded])
            default:
                #expect(error?["code"] as? String == code.name && error?["message"] as? String == said)
                #expect(error?["type"] is String && error?["param"] is NSNull)
            }
        }
    }

    /// Google's own words for the statuses that Weir answers (google.rpc.Code).
    @Test(arguments: [
        (FaultCode.badRequest, "INVALID_ARGUMENT"), (.invalidGatewayKey, "UNAUTHENTICATED"), (.notAllowed, "PERMISSION_DENIED"),
        (.unknownRoute, "NOT_FOUND"), (.requestTimeout, "DEADLINE_EXCEEDED"), (.bodyTooLarge, "INVALID_ARGUMENT"),
        (.upstreamUnreachable, "UNAVAILABLE"), (.draining, "UNAVAILABLE"), (.upstreamTimeout, "DEADLINE_EXCEEDED"),
    ])
    func speaksGooglesStatus(code: FaultCode, status: String) { #expect(code.googleStatus == status) }

    @Test func takesTheShapeOfTheSDKWhereThePathTellsNone() throws {
        #expect(Router.faultShape(of: try requestHead("/v1/models", ["anthropic-version: 1"])) == .anthropicMessages)
        #expect(Router.faultShape(of: try requestHead("/v1beta/models", ["x-goog-api-key: k"])) == .geminiGenerate)
        #expect(Router.faultShape(of: try requestHead("/v1/models", [])) == nil)
        #expect(Router.faultShape(of: try requestHead("/p/x/v1/chat/completions", ["anthropic-version: 1"])) == .openaiChat)
    }
}
