// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Whether a request bears the demanded key, where its provider wants it and nowhere else.
struct CredentialCheck {
    /// Why a request is refused.
    struct Refusal: Error {
        var status = 401
        var amazonType: String?
        let message: String
    }

    let script: FakeProviderScript
    let provider: FakeProviderName

    private static let places = ["authorization", "x-api-key", "x-goog-api-key", "api-key"]

    /// Where this provider wants its key; Anthropic takes it in two places.
    private func place(_ request: SeenRequest) -> String {
        switch provider {
        case .anthropic:
            request.header("x-api-key") == nil && request.header("authorization") != nil ? "authorization" : "x-api-key"
        case .gemini: "x-goog-api-key"
        case .azure: "api-key"
        default: "authorization"
        }
    }

    /// Checks a request; nothing is demanded where the script demands nothing.
    ///
    /// - Parameters:
    ///   - request: as seen.
    ///   - body: whole, or nil where it was too large to keep; a signature then fails.
    /// - Throws: what to answer in place of the answer.
    func check(_ request: SeenRequest, body: [UInt8]?) throws(Refusal) {
        if provider == .bedrock, let key = script.awsKey, isSigned(request) || script.demandedKey == nil {
            do throws(SignatureCheck.Refusal) {
                try SignatureCheck(request: request, body: body ?? [], key: key).check()
            } catch {
                throw Refusal(status: 403, amazonType: error.type, message: error.message)
            }
            return try refuseOthers(request, but: "authorization")
        }
        guard let demanded = script.demandedKey else { return }
        let place = place(request)
        if provider == .gemini, request.header(place) == nil, queryKey(request) == demanded {
            return try refuseOthers(request, but: nil)
        }
        let wanted = place == "authorization" ? "Bearer \(demanded)" : demanded
        let values = request.headers.filter { $0.name.lowercased() == place }.map(\.value)
        guard values == [wanted] else {
            throw Refusal(
                message: "Incorrect API key provided: \(place) was sent \(values.count) times, without the right value.")
        }
        try refuseOthers(request, but: place)
    }

    private func isSigned(_ request: SeenRequest) -> Bool {
        request.header("authorization")?.hasPrefix(SignatureCheck.algorithm) ?? false
    }

    private func refuseOthers(_ request: SeenRequest, but place: String?) throws(Refusal) {
        for header in request.headers {
            let name = header.name.lowercased()
            let isStray = (Self.places.contains(name) && name != place) || name.hasPrefix("x-inference-")
            if isStray { throw Refusal(message: "Incorrect API key provided: a credential came in \(name) too.") }
        }
    }

    private func queryKey(_ request: SeenRequest) -> String? {
        let query = request.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        return query.split(separator: "&").first { $0.hasPrefix("key=") }.map { PercentDecoding.decoded(String($0.dropFirst(4))) }
    }
}
