// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Which API a route belongs to, told by the end of its path.
///
/// Runs once a request on the hot path: it allocates nothing.
package enum APIRoute {
    /// The family of a path, whatever stands before its end: a host's own prefix, a version, an Azure deployment.
    ///
    /// Repeated and trailing slashes are tolerated, a query is ignored, case counts. Listings and administration (models,
    /// files, batches, the messages of a thread, `/responses/{id}`) belong to no family.
    /// - Parameter path: as received, percent-encoding kept.
    /// - Returns: the family, or nil for a route that is opaque.
    package static func family(ofPath path: ArraySlice<UInt8>) -> APIFamily? {
        let end = path.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? path.endIndex
        var rest = path[..<end]
        guard let last = takeLast(&rest) else { return nil }
        if let colon = lastColon(last), let family = ofMethod(last[(colon + 1)...], before: rest) { return family }
        return ofName(last, before: rest)
    }

    /// The family of a path given as text.
    ///
    /// - Parameter path: as received, percent-encoding kept.
    /// - Returns: the family, or nil for a route that is opaque.
    package static func family(ofPath path: String) -> APIFamily? { family(ofPath: Array(path.utf8)[...]) }

    /// The family of a request: model calls are made by POST, so that listings on the same path are opaque; Realtime is
    /// opened by GET.
    ///
    /// - Parameters:
    ///   - method: as received.
    ///   - path: as received, percent-encoding kept.
    /// - Returns: the family, or nil for a request that is opaque.
    package static func family(method: String, path: String) -> APIFamily? {
        let family = family(ofPath: path)
        return method == "POST" || (method == "GET" && family == .openaiRealtime) ? family : nil
    }

    /// Whether a path ends with a known Gemini method after its last colon; a fine-tuned OpenAI model has colons too.
    package static func endsWithGeminiMethod(_ path: ArraySlice<UInt8>) -> Bool {
        guard let colon = lastColon(path) else { return false }
        let method = path[(colon + 1)...]
        for known in geminiMethods where equals(method, known) { return true }
        return false
    }

    private static let geminiMethods: [StaticString] = [
        "generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents", "predict",
        "predictLongRunning", "batchGenerateContent", "asyncBatchEmbedContent", "generateAnswer", "embedText", "generateText",
        "generateMessage", "countMessageTokens",
    ]

    /// Families that name the method after a colon: `models/M:verb`.
    private static func ofMethod(_ method: ArraySlice<UInt8>, before: ArraySlice<UInt8>) -> APIFamily? {
        switch method.count {
        case 7: return equals(method, "predict") ? .vertexPredict : nil
        case 10: return equals(method, "rawPredict") && holds(before, "anthropic") ? .anthropicMessages : nil
        case 11: return equals(method, "countTokens") ? .geminiCountTokens : nil
        case 12: return equals(method, "embedContent") ? .geminiEmbed : nil
        case 15: return equals(method, "generateContent") ? .geminiGenerate : nil
        case 16: return equals(method, "streamRawPredict") && holds(before, "anthropic") ? .anthropicMessages : nil
        case 18: return equals(method, "batchEmbedContents") ? .geminiEmbed : nil
        case 21: return equals(method, "streamGenerateContent") ? .geminiGenerate : nil
        default: return nil
        }
    }

    /// Families told by the last segment's name, by length so that few are compared.
    private static func ofName(_ last: ArraySlice<UInt8>, before: ArraySlice<UInt8>) -> APIFamily? {
        switch last.count {
        case 4: return equals(last, "chat") ? chat(before) : nil
        case 5: return five(last, before)
        case 6: return six(last, before)
        case 7: return equals(last, "compact") && ends(before, "responses") ? .openaiResponsesAux : nil
        case 8: return eight(last, before)
        case 9: return equals(last, "responses") ? .openaiResponses : nil
        case 10: return ten(last, before)
        case 11: return eleven(last, before)
        case 12: return longer(last, before)
        case 14: return audio(last, before, "transcriptions")
        case 15: return equals(last, "converse-stream") && holds(before, "model") ? .bedrockConverse : nil
        case 27: return equals(last, "invoke-with-response-stream") && holds(before, "model") ? .bedrockInvoke : nil
        default: return nil
        }
    }

    private static func chat(_ before: ArraySlice<UInt8>) -> APIFamily? {
        if ends(before, "api") { return .ollama }
        return isVersion(before) ? .cohereChat : nil
    }

    private static func five(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>) -> APIFamily? {
        if equals(last, "embed") { return isVersion(before) ? .cohereEmbed : nil }
        return equals(last, "edits") && ends(before, "images") ? .openaiImages : nil
    }

    private static func six(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>) -> APIFamily? {
        if equals(last, "speech") { return ends(before, "audio") ? .openaiAudio : nil }
        if equals(last, "rerank") { return .rerank }
        return equals(last, "invoke") && holds(before, "model") ? .bedrockInvoke : nil
    }

    private static func eight(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>) -> APIFamily? {
        if equals(last, "messages") { return holds(before, "threads") ? nil : .anthropicMessages }
        if equals(last, "converse") { return holds(before, "model") ? .bedrockConverse : nil }
        if equals(last, "generate") { return ends(before, "api") ? .ollama : nil }
        return equals(last, "realtime") ? .openaiRealtime : nil
    }

    private static func ten(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>) -> APIFamily? {
        if equals(last, "embeddings") { return .openaiEmbeddings }
        return equals(last, "variations") && ends(before, "images") ? .openaiImages : nil
    }

    private static func longer(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>) -> APIFamily? {
        if equals(last, "interactions") { return .geminiInteractions }
        if equals(last, "count_tokens") { return ends(before, "messages") ? .anthropicCountTokens : nil }
        if equals(last, "input_tokens") { return ends(before, "responses") ? .openaiResponsesAux : nil }
        return audio(last, before, "translations")
    }

    private static func audio(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>, _ name: StaticString) -> APIFamily? {
        equals(last, name) && ends(before, "audio") ? .openaiAudio : nil
    }

    /// `/chat/completions` is one family; what else ends so is the older one, with others' routes beside it.
    private static func eleven(_ last: ArraySlice<UInt8>, _ before: ArraySlice<UInt8>) -> APIFamily? {
        if equals(last, "completions") { return ends(before, "chat") ? .openaiChat : .openaiCompletions }
        if equals(last, "generations") { return ends(before, "images") ? .openaiImages : nil }
        return equals(last, "moderations") ? .openaiModerations : nil
    }

    // MARK: Segments

    /// Takes the last segment off that is not empty.
    private static func takeLast(_ path: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let slash = UInt8(ascii: "/")
        var end = path.endIndex
        while end > path.startIndex, path[end - 1] == slash { end -= 1 }
        guard end > path.startIndex else { return nil }
        var start = end
        while start > path.startIndex, path[start - 1] != slash { start -= 1 }
        let segment = path[start..<end]
        path = path[..<start]
        return segment
    }

    private static func ends(_ path: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        var rest = path
        return takeLast(&rest).map { equals($0, name) } ?? false
    }

    private static func holds(_ path: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        var rest = path
        while let segment = takeLast(&rest) {
            if equals(segment, name) { return true }
        }
        return false
    }

    /// Whether the last segment is `v1`, `v2`, ...
    private static func isVersion(_ path: ArraySlice<UInt8>) -> Bool {
        var rest = path
        guard let segment = takeLast(&rest), segment.count == 2, segment.first == UInt8(ascii: "v") else { return false }
        return segment.last.map { $0 >= 0x30 && $0 <= 0x39 } ?? false
    }

    private static func lastColon(_ bytes: ArraySlice<UInt8>) -> Int? {
        var i = bytes.endIndex
        while i > bytes.startIndex {
            i -= 1
            if bytes[i] == UInt8(ascii: ":") { return i }
        }
        return nil
    }

    private static func equals(_ bytes: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in
            let start = bytes.startIndex
            for k in 0..<text.count where bytes[start + k] != text[k] { return false }
            return true
        }
    }
}
