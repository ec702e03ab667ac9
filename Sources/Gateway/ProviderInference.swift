// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import HTTPWire

/// The providers that a request can be told to be for without being named.
enum InferredProvider: UInt8, CaseIterable {
    case openai, anthropic, gemini, vertexAI, azureOpenAI, groq, bedrock

    /// Its catalogue name.
    var name: String {
        switch self {
        case .openai: "openai"
        case .anthropic: "anthropic"
        case .gemini: "gemini"
        case .vertexAI: "vertex-ai"
        case .azureOpenAI: "azure-openai"
        case .groq: "groq"
        case .bedrock: "bedrock"
        }
    }
}

/// Tells the provider from a request that names none (`contract.md`, Which provider, rule 3).
enum ProviderInference {
    /// The provider, or nil where nothing matches.
    static func provider(_ control: ControlHeaders, path: ArraySlice<UInt8>, query: ArraySlice<UInt8>?) -> InferredProvider? {
        if control.namesAnthropic { return .anthropic }
        if isVertex(path) { return .vertexAI }
        if control.namesGoogle { return .gemini }
        guard path.count > 1 else { return nil }
        switch path[path.startIndex + 1] {
        case UInt8(ascii: "v"): return versioned(path)
        case UInt8(ascii: "o"): return belowOpenAI(path, query: query, namesAzure: control.namesAzure)
        case UInt8(ascii: "m"): return isBedrock(path) ? .bedrock : nil
        default: return nil
        }
    }

    private static func isVertex(_ path: ArraySlice<UInt8>) -> Bool {
        ByteMatching.hasPrefix(path, "/v1/projects/") || ByteMatching.hasPrefix(path, "/v1beta1/projects/")
    }

    private static func versioned(_ path: ArraySlice<UInt8>) -> InferredProvider? {
        guard ByteMatching.hasPrefix(path, "/v1/") else {
            let isGemini = ByteMatching.hasPrefix(path, "/v1beta/") || ByteMatching.hasPrefix(path, "/v1beta1/")
            return isGemini ? .gemini : nil
        }
        if ByteMatching.hasPrefix(path, "/v1/m") {
            if isAtOrBelow(path, "/v1/messages") { return .anthropic }
            // A fine-tuned OpenAI model has colons too.
            if ByteMatching.hasPrefix(path, "/v1/models/"), APIRoute.endsWithGeminiMethod(path) { return .gemini }
        }
        return .openai
    }

    private static func belowOpenAI(
        _ path: ArraySlice<UInt8>, query: ArraySlice<UInt8>?, namesAzure: Bool
    ) -> InferredProvider? {
        if ByteMatching.hasPrefix(path, "/openai/deployments/") { return .azureOpenAI }
        guard ByteMatching.hasPrefix(path, "/openai/v1/") else { return nil }
        return namesAzure || (query.map { QueryString.holds($0, "api-version") } ?? false) ? .azureOpenAI : .groq
    }

    private static func isAtOrBelow(_ path: ArraySlice<UInt8>, _ base: StaticString) -> Bool {
        guard ByteMatching.hasPrefix(path, base) else { return false }
        let end = path.startIndex + base.utf8CodeUnitCount
        return end == path.endIndex || path[end] == ByteMatching.slash
    }

    /// `/model/X/converse...` or `/model/X/invoke...`.
    private static func isBedrock(_ path: ArraySlice<UInt8>) -> Bool {
        guard ByteMatching.hasPrefix(path, "/model/"), let slash = ByteMatching.last(ByteMatching.slash, in: path),
            slash > path.startIndex + 7
        else { return false }
        let last = path[(slash + 1)...]
        return ByteMatching.hasPrefix(last, "converse") || ByteMatching.hasPrefix(last, "invoke")
    }

    /// Where the key goes for a server that is not in the catalogue.
    static func placement(ofPath path: ArraySlice<UInt8>, family: APIFamily?) -> KeyPlacement {
        if APIRoute.endsWithGeminiMethod(path) { return .xGoogAPIKey }
        if family == .anthropicMessages || family == .anthropicCountTokens {
            // Anthropic's models on Vertex AI are called by a method after a colon and take Google's tokens.
            let slash = ByteMatching.last(ByteMatching.slash, in: path) ?? path.startIndex
            return path[slash...].contains(UInt8(ascii: ":")) ? .bearer : .xAPIKey
        }
        return .bearer
    }

    /// The location that a Vertex AI path names, `global` where it names none, nil where it names what is no location.
    static func vertexLocation(_ path: ArraySlice<UInt8>) -> String? {
        let segments = path.split(separator: ByteMatching.slash, maxSplits: 6)
        guard let place = segments.firstIndex(where: { ByteMatching.equals($0, "locations") }), place + 1 < segments.count else {
            return "global"
        }
        let text = String(decoding: segments[place + 1], as: UTF8.self)
        return Provider.isRegion(text) ? text : nil
    }
}
