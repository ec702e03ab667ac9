// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One part of a Gemini content, in either spelling of its keys.
enum GeminiPart {
    case block(ContentBlock)
    case call(id: String?, name: String, arguments: String)
    case result(id: String?, name: String?, content: [ContentBlock], isError: Bool)
    /// A signature, or nothing at all.
    case nothing

    /// Tells a part's kind by its keys.
    ///
    /// - Parameters:
    ///   - part: the part.
    ///   - malformed: what to throw where it breaks the API's own rules.
    /// - Returns: what it says.
    /// - Throws: the reason why no row can hold it.
    static func read(_ part: JSONNode, malformed: DropReason) throws(DropReason) -> GeminiPart {
        guard part.kind == .object else { throw malformed }
        if let call = part.present("functionCall", "function_call") { return try read(call: call, malformed: malformed) }
        if let result = part.present("functionResponse", "function_response") { return try read(result: result) }
        if let data = part.present("inlineData", "inline_data") { return .block(try inline(data)) }
        if let file = part.present("fileData", "file_data") { return .block(try read(file: file)) }
        for key in ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"] {
            if part.present(key, snake(key)) != nil { throw .builtinToolItem }
        }
        if let text = part.text("text") {
            return .block(part["thought"]?.bool == true ? .reasoning(text) : .text(text))
        }
        for (key, _) in part.members where !silent.contains(where: { key.equals($0) }) { throw .unknownContent }
        return .nothing
    }

    /// Members that say nothing by themselves.
    private static let silent = ["thought", "thoughtSignature", "thought_signature", "videoMetadata", "video_metadata", "text"]

    private static func read(call: JSONNode, malformed: DropReason) throws(DropReason) -> GeminiPart {
        // Arguments that come in pieces with a path each: the model's own text is not in the answer.
        if call.present("partialArgs", "partial_args") != nil || call.present("willContinue", "will_continue") != nil
            || !call.isFilled
        {
            throw .streamedArguments
        }
        guard let name = call.filledText("name") else { throw malformed }
        return .call(id: call.filledText("id"), name: name, arguments: ChatReader.callArguments(call["args"]))
    }

    private static func read(result: JSONNode) throws(DropReason) -> GeminiPart {
        var content: [ContentBlock] = []
        var isError = false
        if let response = result.present("response") {
            let said = GeminiResponse.said(response)
            content.append(.text(said.text))
            isError = said.isError
        }
        for part in result.present("parts")?.listed ?? [] {
            guard case .block(let block) = try read(part, malformed: .requestMalformed) else { throw .unknownContent }
            content.append(block)
        }
        return .result(id: result.filledText("id"), name: result.filledText("name"), content: content, isError: isError)
    }

    private static func inline(_ data: JSONNode) throws(DropReason) -> ContentBlock {
        let type = data.text("mimeType") ?? data.text("mime_type") ?? ""
        try checkImage(type)
        return .image("data:\(type);base64,\(data.text("data") ?? "")")
    }

    private static func read(file: JSONNode) throws(DropReason) -> ContentBlock {
        try checkImage(file.text("mimeType") ?? file.text("mime_type") ?? "")
        guard let link = file.filledText("fileUri") ?? file.filledText("file_uri") else { throw .fileContent }
        return .image(link)
    }

    private static func checkImage(_ type: String) throws(DropReason) {
        if type.hasPrefix("audio/") { throw .audioContent }
        guard type.hasPrefix("image/") else { throw .fileContent }
    }

    /// A key as protobuf's own names spell it.
    private static func snake(_ key: String) -> String {
        key.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }
}

/// What a function gave, which the API wants as an object: with a text under `output`, or under `error` where it failed, or any other.
enum GeminiResponse {
    /// The text under `output` or `error`, where that is all there is; else the object as JSON without needless escapes.
    static func said(_ response: JSONNode) -> (text: String, isError: Bool) {
        var members = response.members
        if let (key, value) = members.next(), members.next() == nil, let text = value.string {
            if key.equals("output") { return (text, false) }
            if key.equals("error") { return (text, true) }
        }
        return (JSONText.plainText(response), false)
    }
}

/// Google's own way of writing schemas, in which types stand in capitals.
enum GeminiSchema {
    /// A schema with its types in small letters; all other lexemes stay.
    ///
    /// - Parameters:
    ///   - schema: as the caller wrote it.
    ///   - isRespelled: set where a type was changed.
    /// - Returns: JSON without white space between tokens.
    static func normal(_ schema: JSONNode, isRespelled: inout Bool) -> [UInt8] {
        var out: [UInt8] = []
        append(schema, to: &out, &isRespelled)
        return out
    }

    private static let types: [String] = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"]

    /// Depth is bounded by `JSONLimits.depth`.
    private static func append(_ schema: JSONNode, to out: inout [UInt8], _ isRespelled: inout Bool) {
        guard schema.kind == .object else {
            out += JSONText.compact(schema)
            return
        }
        out.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in schema.members {
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            out += key.lexeme
            out.append(UInt8(ascii: ":"))
            append(member: key, value, to: &out, &isRespelled)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func append(member key: JSONNode, _ value: JSONNode, to out: inout [UInt8], _ isRespelled: inout Bool) {
        if key.equals("type"), let type = types.first(where: { value.equals($0) }) {
            isRespelled = true
            out += Array("\"\(type.lowercased())\"".utf8)
        } else if key.equals("properties"), value.kind == .object {
            appendEach(value, to: &out, &isRespelled)
        } else if key.equals("items") || key.equals("additionalProperties") {
            append(value, to: &out, &isRespelled)
        } else if key.equals("anyOf") || key.equals("any_of"), value.kind == .array {
            out.append(UInt8(ascii: "["))
            for (position, one) in value.elements.enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                append(one, to: &out, &isRespelled)
            }
            out.append(UInt8(ascii: "]"))
        } else {
            out += JSONText.compact(value)
        }
    }

    /// An object whose members are schemas, whatever their names.
    private static func appendEach(_ properties: JSONNode, to out: inout [UInt8], _ isRespelled: inout Bool) {
        out.append(UInt8(ascii: "{"))
        for (position, member) in properties.members.enumerated() {
            if position > 0 { out.append(UInt8(ascii: ",")) }
            out += member.key.lexeme
            out.append(UInt8(ascii: ":"))
            append(member.value, to: &out, &isRespelled)
        }
        out.append(UInt8(ascii: "}"))
    }
}
