// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Which API a route belongs to, told by the end of its path.
package enum APIRoute {
    /// The family of a path, whatever stands before its end: a host's own prefix, a version, an Azure deployment.
    ///
    /// Repeated and trailing slashes are tolerated, a query is ignored, case counts. Paths below a family's own
    /// (`/messages/count_tokens`, `/messages/batches`, `/responses/{id}`) belong to none, nor do the messages of a thread.
    /// - Parameter path: as received, percent-encoding kept.
    /// - Returns: the family, or nil for a route that is opaque.
    package static func family(ofPath path: some Collection<UInt8>) -> APIFamily? {
        let path = Array(path.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        let segments = path.split(separator: UInt8(ascii: "/"))
        guard let last = segments.last else { return nil }
        let before = segments.dropLast()
        if last.elementsEqual("completions".utf8) { return ends(before, with: "chat") ? .openaiChat : nil }
        if last.elementsEqual("responses".utf8) { return .openaiResponses }
        if last.elementsEqual("embeddings".utf8) { return .openaiEmbeddings }
        if last.elementsEqual("messages".utf8) { return contains(before, "threads") ? nil : .anthropicMessages }
        return ofModelCall(last, before: before)
    }

    /// The family of a path given as text.
    ///
    /// - Parameter path: as received, percent-encoding kept.
    /// - Returns: the family, or nil for a route that is opaque.
    package static func family(ofPath path: String) -> APIFamily? { family(ofPath: path.utf8) }

    /// The family of a request: model calls are made by POST, so that listings on the same path are opaque.
    ///
    /// - Parameters:
    ///   - method: as received.
    ///   - path: as received, percent-encoding kept.
    /// - Returns: the family, or nil for a request that is opaque.
    package static func family(method: String, path: String) -> APIFamily? { method == "POST" ? family(ofPath: path) : nil }

    /// Families that name the model in the path: `models/M:verb`, `model/M/verb`.
    private static func ofModelCall(_ last: ArraySlice<UInt8>, before: ArraySlice<ArraySlice<UInt8>>) -> APIFamily? {
        if let colon = last.lastIndex(of: UInt8(ascii: ":")) {
            switch String(decoding: last[(colon + 1)...], as: UTF8.self) {
            case "generateContent", "streamGenerateContent": return .geminiGenerate
            case "rawPredict", "streamRawPredict": return contains(before, "anthropic") ? .anthropicMessages : nil
            default: break
            }
        }
        guard contains(before, "model") else { return nil }
        switch String(decoding: last, as: UTF8.self) {
        case "converse", "converse-stream": return .bedrockConverse
        case "invoke", "invoke-with-response-stream": return .bedrockInvoke
        default: return nil
        }
    }

    private static func ends(_ segments: ArraySlice<ArraySlice<UInt8>>, with name: String) -> Bool {
        segments.last?.elementsEqual(name.utf8) ?? false
    }

    private static func contains(_ segments: ArraySlice<ArraySlice<UInt8>>, _ name: String) -> Bool {
        segments.contains { $0.elementsEqual(name.utf8) }
    }
}
