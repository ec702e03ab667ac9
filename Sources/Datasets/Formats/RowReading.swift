// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Rows of the shapes that the row reader knows.
enum RowReading {
    /// A row with its id.
    static func row(_ root: JSONNode, turns: [CanonicalTurn]) -> DatasetRow {
        let id = root["id"]
        return DatasetRow(
            id: id?.string ?? id?.int.map(String.init) ?? root.text("description").map(TemplateText.undo) ?? "", turns: turns)
    }

    static func user(_ texts: [String]) -> CanonicalTurn { CanonicalTurn(role: .user, blocks: texts.map { .text($0) }) }

    static func assistant(_ text: String) -> CanonicalTurn { CanonicalTurn(role: .assistant, blocks: [.text(text)]) }

    /// `{messages, tools, system}`; a reference beside them is the right answer.
    static func conversation(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        guard let list = root.present("messages") else { throw RowFault("messages-missing", "there are no messages") }
        var turns = try MessageReading.turns(list)
        if let system = root.present("system") {
            // A uniform file has an empty text where there is no system prompt.
            let turn = CanonicalTurn(role: .system, blocks: try MessageReading.content(system))
            if !turn.isEmpty { turns.insert(turn, at: 0) }
        }
        var row = row(root, turns: turns)
        row.tools = try MessageReading.tools(root)
        row.reference = root.text("reference_answer")
        let last = list.opened.elements.reduce(nil as JSONNode?) { _, node in node }
        row.answerWeight = last?["weight"]?.int.map { Int(clamping: $0) }
        return row
    }

    static func pair(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        guard let input = root["input"]?.opened, let messages = input["messages"] else {
            throw RowFault("messages-missing", "input has no messages")
        }
        var row = row(root, turns: [])
        row.prompt = try MessageReading.turns(messages)
        row.tools = try MessageReading.tools(input)
        try readOutputs(root, "preferred_output", "non_preferred_output", into: &row)
        return row
    }

    /// `{prompt, chosen, rejected}` of TRL: lists of messages or texts; with no prompt of its own, what both begin with.
    static func promptPair(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        var row = row(root, turns: [])
        row.prompt = try turnsOrText(root["prompt"], role: .user)
        row.tools = try MessageReading.tools(root)
        try readOutputs(root, "chosen", "rejected", into: &row)
        return row
    }

    private static func readOutputs(_ root: JSONNode, _ good: String, _ bad: String, into row: inout DatasetRow) throws(RowFault)
    {
        let answers = try turnsOrText(root[good], role: .assistant)
        guard let answer = answers.last, answer.role == .assistant else {
            throw RowFault("answer-missing", "\(good) holds no message of the assistant's")
        }
        row.prompt += answers.dropLast()
        row.answer = answer
        if let worse = try turnsOrText(root[bad], role: .assistant).last, worse.role == .assistant { row.rejected = [worse] }
    }

    /// A list of messages, or a text that one role says.
    static func turnsOrText(_ node: JSONNode?, role: TurnRole) throws(RowFault) -> [CanonicalTurn] {
        guard let node, !node.isNull else { return [] }
        let opened = node.opened
        if opened.kind == .array, opened.elements.first?["role"] != nil { return try MessageReading.turns(opened) }
        if let text = node.string { return [CanonicalTurn(role: role, blocks: [.text(text)])] }
        if opened.kind == .array, !opened.isFilled { return [] }
        if opened.kind == .array, opened.elements.allSatisfy({ $0.kind == .string }) {
            return [CanonicalTurn(role: role, blocks: opened.elements.compactMap { $0.string.map { .text($0) } })]
        }
        throw RowFault("content-unknown", "a text or a list of messages is wanted")
    }

    static func promptCompletion(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        var turns = try turnsOrText(root["prompt"], role: .user)
        if let system = root.filledText("system") { turns.insert(CanonicalTurn(role: .system, blocks: [.text(system)]), at: 0) }
        for key in ["completion", "response"] where root.present(key) != nil {
            turns += try turnsOrText(root[key], role: .assistant)
            break
        }
        var row = row(root, turns: turns)
        row.tools = try MessageReading.tools(root)
        row.reference = root.text("target")
        return row
    }

    /// `{input, ideal | output | target}`, with `instruction` before the input where there is one.
    static func inputIdeal(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        var turns = try turnsOrText(root["input"], role: .user)
        if let instruction = root.filledText("instruction") {
            if turns.first?.role == .user {
                turns[0].blocks.insert(.text(instruction), at: 0)
            } else {
                turns.insert(user([instruction]), at: 0)
            }
        }
        var row = row(root, turns: turns)
        row.tools = try MessageReading.tools(root)
        for key in ["ideal", "target", "output"] where row.reference == nil {
            let node = root.present(key)
            row.reference = node?.string ?? node?.elements.first?.string
        }
        if row.reference == nil, let output = root.present("output") {
            row.answer = try turnsOrText(output, role: .assistant).last
        }
        return row
    }

    /// `{conversations: [{from, value}]}`.
    static func shareGPT(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        guard let list = root["conversations"]?.opened, list.kind == .array else {
            throw RowFault("conversations-not-list", "conversations must be a list")
        }
        var turns: [CanonicalTurn] = []
        if let system = root.filledText("system") { turns.append(CanonicalTurn(role: .system, blocks: [.text(system)])) }
        var open: [String] = []
        for (position, item) in list.elements.enumerated() {
            guard let name = item.text("from") ?? item.text("role"), let text = item.text("value") ?? item.text("content") else {
                throw RowFault("turn-malformed", "conversations[\(position)] must have from and value")
            }
            let turn = try shareTurn(name, text, position, &open)
            if turn.role != .tool { open = turn.toolCalls.map(\.id) }
            turns.append(turn)
        }
        var row = row(root, turns: turns)
        row.tools = try MessageReading.tools(root)
        return row
    }

    /// One turn; `open` are the ids of calls that nothing has answered yet, which results answer in their order.
    private static func shareTurn(
        _ name: String, _ text: String, _ position: Int, _ open: inout [String]
    ) throws(RowFault) -> CanonicalTurn {
        switch name {
        case "system": return CanonicalTurn(role: .system, blocks: [.text(text)])
        case "human", "user": return user([text])
        case "gpt", "assistant", "model", "chatgpt", "bing", "bard": return assistant(text)
        case "function_call":
            return CanonicalTurn(role: .assistant, blocks: try shareCalls(text, position))
        case "observation", "tool":
            let callID = open.isEmpty ? "call_\(position - 1)_0" : open.removeFirst()
            return CanonicalTurn(role: .tool, blocks: [.toolResult(callID: callID, content: [.text(text)], isError: false)])
        default: throw RowFault("role-unknown", "conversations[\(position)] is of an unknown role '\(name.prefix(40))'")
        }
    }

    /// One call, or a list of calls that were made together.
    private static func shareCalls(_ text: String, _ position: Int) throws(RowFault) -> [ContentBlock] {
        guard let root = JSONDocument.read(text.utf8)?.root, root.isFilled else {
            throw RowFault("tool-call-malformed", "conversations[\(position)] must hold {name, arguments}")
        }
        var blocks: [ContentBlock] = []
        for (number, call) in root.listed.enumerated() {
            guard let name = call.text("name") else {
                throw RowFault("tool-call-malformed", "conversations[\(position)] must hold {name, arguments}")
            }
            let arguments = ChatReader.callArguments(call["arguments"])
            blocks.append(.toolCall(ToolCall(id: "call_\(position)_\(number)", name: name, arguments: arguments)))
        }
        return blocks
    }

    /// `{vars, assert}`: the variable `conversation` or `messages` where it is a list of messages, else all texts.
    static func promptfoo(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        guard let vars = root.present("vars") else { throw RowFault("vars-missing", "there are no variables") }
        var row = row(root, turns: [])
        for key in ["conversation", "messages"] where row.prompt.isEmpty {
            guard let list = vars[key]?.opened, list.kind == .array, list.elements.first?["role"] != nil else { continue }
            row = self.row(root, turns: try MessageReading.turns(list))
        }
        if row.turns.isEmpty { row.prompt = try strings(vars).prompt }
        for item in root["assert"]?.elements ?? JSONNode.noElements where row.reference == nil {
            row.reference = item.text("value").map(TemplateText.undo)
        }
        if let metadata = root["metadata"]?.opened { row.tools = try MessageReading.tools(metadata) }
        return row
    }

    /// Every text of the row, in order, as one turn of the user's.
    static func strings(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        var texts: [String] = []
        gather(root, &texts)
        guard !texts.isEmpty else { throw RowFault("no-text", "the row holds no text: leave it out") }
        return row(root, turns: [user(texts)])
    }

    private static func gather(_ node: JSONNode, _ texts: inout [String]) {
        if let text = node.string { texts.append(text) }
        for element in node.elements { gather(element, &texts) }
        for member in node.members { gather(member.value, &texts) }
    }
}
