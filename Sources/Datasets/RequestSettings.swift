// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension SamplingParameters {
    /// From members by OpenAI's names; those that others use for the bound of tokens are taken too.
    static func read(_ root: JSONNode) -> SamplingParameters {
        var sampling = SamplingParameters()
        sampling.temperature = root.lexeme("temperature")
        sampling.topP = root.lexeme("top_p")
        sampling.maxTokens = root.lexeme("max_completion_tokens") ?? root.lexeme("max_tokens") ?? root.lexeme("max_output_tokens")
        sampling.seed = root.lexeme("seed") ?? root.lexeme("random_seed")
        sampling.toolChoice = root.lexeme("tool_choice")
        sampling.parallelToolCalls = root.lexeme("parallel_tool_calls")
        return sampling
    }

    /// From Gemini's `generationConfig`, whose members have two spellings, and from `toolConfig`.
    static func read(gemini root: JSONNode) -> SamplingParameters {
        var sampling = SamplingParameters()
        if let config = root.present("generationConfig", "generation_config") {
            sampling.temperature = config.lexeme("temperature")
            sampling.topP = config.lexeme("topP") ?? config.lexeme("top_p")
            sampling.maxTokens = config.lexeme("maxOutputTokens") ?? config.lexeme("max_output_tokens")
            sampling.seed = config.lexeme("seed")
        }
        let calling = root.present("toolConfig", "tool_config")?.present("functionCallingConfig", "function_calling_config")
        sampling.toolChoice = calling.map(JSONText.compactText)
        return sampling
    }

    /// From Bedrock's `inferenceConfig` and `toolConfig`.
    static func read(converse root: JSONNode) -> SamplingParameters {
        var sampling = SamplingParameters()
        if let config = root.present("inferenceConfig") {
            sampling.temperature = config.lexeme("temperature")
            sampling.topP = config.lexeme("topP") ?? config.lexeme("top_p")
            sampling.maxTokens = config.lexeme("maxTokens") ?? config.lexeme("max_new_tokens")
        }
        sampling.toolChoice = root["toolConfig"]?.lexeme("toolChoice")
        return sampling
    }

    /// From Ollama's `options`.
    static func read(ollama root: JSONNode) -> SamplingParameters {
        var sampling = SamplingParameters()
        guard let options = root.present("options") else { return sampling }
        sampling.temperature = options.lexeme("temperature")
        sampling.topP = options.lexeme("top_p")
        sampling.maxTokens = options.lexeme("num_predict")
        sampling.seed = options.lexeme("seed")
        return sampling
    }
}

extension ResponseFormat {
    /// From `{"type": …}`, the schema inside or in `json_schema`: as OpenAI writes it, and as those do who took it over.
    static func read(_ node: JSONNode?) -> ResponseFormat? {
        guard let node, node.kind == .object, let type = node.filledText("type"), type != "text" else { return nil }
        let inner = node.present("json_schema") ?? node
        // Cohere, and some who speak as OpenAI, put the schema itself there.
        let schema = inner.present("schema") ?? (inner["type"]?.string == "object" ? inner : nil)
        var format = ResponseFormat(kind: kind(type, hasSchema: schema != nil))
        format.name = inner.filledText("name")
        format.strict = inner["strict"]?.bool
        format.schema = schema.map(JSONText.compact)
        return format
    }

    private static func kind(_ type: String, hasSchema: Bool) -> Kind {
        switch type {
        case "json_schema": .schema
        case "json_object": hasSchema ? .schema : .json
        default: .other
        }
    }

    /// From Gemini's `generationConfig`.
    static func read(gemini root: JSONNode) -> ResponseFormat? {
        guard let config = root.present("generationConfig", "generation_config") else { return nil }
        if let schema = config.present("responseJsonSchema", "response_json_schema") ?? config.present("_responseJsonSchema") {
            return ResponseFormat(kind: .schema, schema: JSONText.compact(schema))
        }
        if let schema = config.present("responseSchema", "response_schema") {
            var isRespelled = false
            return ResponseFormat(kind: .schema, schema: GeminiSchema.normal(schema, isRespelled: &isRespelled))
        }
        guard let type = config.filledText("responseMimeType") ?? config.filledText("response_mime_type"), type != "text/plain"
        else { return nil }
        return ResponseFormat(kind: type == "application/json" ? .json : .other)
    }

    /// From Converse's `outputConfig`, whose schema is JSON inside a string.
    static func read(converse root: JSONNode) -> ResponseFormat? {
        guard let format = root["outputConfig"]?.present("textFormat") else { return nil }
        let inner = format["structure"]?.present("jsonSchema")
        let schema = inner?.present("schema").flatMap { $0.string.flatMap { JSONDocument.read($0.utf8)?.root } ?? $0 }
        return ResponseFormat(
            kind: format.text("type") == "json_schema" ? .schema : .other, name: inner?.filledText("name"),
            schema: schema.map(JSONText.compact))
    }

    /// From Ollama's `format`: the word `json`, or the schema itself.
    static func read(ollama root: JSONNode) -> ResponseFormat? {
        guard let format = root.present("format"), format.isFilled else { return nil }
        if format.kind == .object { return ResponseFormat(kind: .schema, schema: JSONText.compact(format)) }
        return ResponseFormat(kind: format.string == "json" ? .json : .other)
    }
}
