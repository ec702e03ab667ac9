// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Questions in the shapes of Google and Amazon.
extension QuestionReader {
    static func readGenerate(_ root: JSONNode, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        guard let contents = root["contents"], contents.kind == .array else { throw bad("contents is not specified") }
        if let system = root["systemInstruction"] ?? root["system_instruction"] {
            asked.messages.append(AskedMessage(role: "system", text: textOf(system["parts"])))
        }
        for content in contents.elements {
            let parts = elements(content["parts"])
            var text = textOf(content["parts"])
            var isResult = false
            for part in parts {
                if let result = part["functionResponse"] ?? part["function_response"] {
                    isResult = true
                    text += String(decoding: result.lexeme, as: UTF8.self)
                }
                if let call = part["functionCall"] ?? part["function_call"] {
                    text += String(decoding: call.lexeme, as: UTF8.self)
                }
            }
            let role = content["role"]?.string == "model" ? "assistant" : "user"
            asked.messages.append(AskedMessage(role: role, text: text, isToolResult: isResult))
        }
        let generation = root["generationConfig"] ?? root["generation_config"]
        asked.maxTokens = bounded(generation?["maxOutputTokens"])
        asked.wantsJSON = generation?["responseMimeType"]?.string == "application/json"
        for tool in elements(root["tools"]) {
            for function in elements(tool["functionDeclarations"] ?? tool["function_declarations"]) {
                let schema = function["parameters"] == nil ? "parametersJsonSchema" : "parameters"
                if let offer = offered(function, schema: schema) { asked.tools.append(offer) }
            }
        }
        switch root["toolConfig"]?["functionCallingConfig"]?["mode"]?.string {
        case "ANY": asked.toolChoice = .required
        case "NONE": asked.toolChoice = .none
        default: break
        }
    }

    static func readEmbedContent(_ root: JSONNode, isBatch: Bool, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        let requests = isBatch ? elements(root["requests"]) : [root]
        guard !requests.isEmpty, requests.count <= FakeProviderLimits.embeddingInputs else {
            throw bad("requests: must hold 1 to \(FakeProviderLimits.embeddingInputs) items")
        }
        for request in requests {
            guard let content = request["content"] else { throw bad("content is not specified") }
            let text = textOf(content["parts"])
            asked.inputs.append((text, max(1, (text.utf8.count + 3) / 4)))
            let wanted = request["outputDimensionality"] ?? request["output_dimensionality"]
            guard let wanted = wanted?.int else { continue }
            guard (1...Int64(FakeProviderLimits.embeddingDimensions)).contains(wanted) else {
                throw bad("outputDimensionality is out of range")
            }
            asked.dimensions = Int(wanted)
        }
    }

    static func readConverse(_ root: JSONNode, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        guard let messages = root["messages"], messages.kind == .array else {
            throw bad("1 validation error detected: Value at 'messages' failed to satisfy constraint: Member must not be null")
        }
        for block in elements(root["system"]) {
            if let text = block["text"]?.string { asked.messages.append(AskedMessage(role: "system", text: text)) }
            if block["cachePoint"] != nil { asked.asksForCache = true }
        }
        for message in messages.elements {
            guard let role = message["role"]?.string else { throw bad("messages.role: Member must not be null") }
            let blocks = elements(message["content"])
            var text = textOf(message["content"])
            for block in blocks {
                if block["cachePoint"] != nil { asked.asksForCache = true }
                if let use = block["toolUse"]?["input"] { text += String(decoding: use.lexeme, as: UTF8.self) }
                if let result = block["toolResult"]?["content"] { text += String(decoding: result.lexeme, as: UTF8.self) }
            }
            let isResult = blocks.contains { $0["toolResult"] != nil }
            asked.messages.append(AskedMessage(role: role, text: text, isToolResult: isResult))
        }
        asked.maxTokens = bounded(root["inferenceConfig"]?["maxTokens"])
        for tool in elements(root["toolConfig"]?["tools"]) {
            guard let name = tool["toolSpec"]?["name"]?.string else { continue }
            var properties: [(name: String, schema: JSONNode)] = []
            if let members = tool["toolSpec"]?["inputSchema"]?["json"]?["properties"]?.members {
                for (key, value) in members { properties.append((key.string ?? "", value)) }
            }
            asked.tools.append(OfferedTool(name: name, properties: properties))
        }
        let choice = root["toolConfig"]?["toolChoice"]
        if choice?["any"] != nil || choice?["tool"] != nil { asked.toolChoice = .required }
    }
}
