// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension RowDemands {
    /// Checks what is offered, called and answered.
    func checkTools(_ row: DatasetRow) throws(FormatRefusal) {
        guard row.tools.count <= toolsMax else { throw .tooManyTools }
        var names: Set<[UInt8]> = []
        for tool in row.tools {
            guard let schema = JSONDocument.read(tool.parameters)?.root, schema.kind == .object else {
                throw .toolSchemaNotObject
            }
            guard JSONText.depth(tool.parameters) <= FormatLimits.valueDepth else { throw .nestedTooDeep }
            if draft7Schemas, !ToolSchemaCheck.isDraft7(schema) { throw .toolSchemaForm }
            try checkName(tool.name)
            guard names.insert(Array(tool.name.utf8)).inserted || repeatsNames || tools == .none else { throw .toolNameRepeated }
        }
        guard row.usesTools else { return }
        if tools == .none { throw .toolContent }
        try checkPairs(row.prompt)
        for turn in row.turns + row.rejected { try checkCalls(turn) }
    }

    private func checkName(_ name: String) throws(FormatRefusal) {
        guard !name.utf8.isEmpty else { throw .toolNameForm }
        if openaiToolNames, !ToolName.isOpenAI(name.utf8) { throw .toolNameForm }
        if geminiToolNames, !ToolName.isGemini(name.utf8) { throw .toolNameForm }
    }

    private func checkCalls(_ turn: CanonicalTurn) throws(FormatRefusal) {
        let calls = turn.toolCalls
        guard !calls.isEmpty else { return }
        guard turn.role == .assistant else { throw .rolesMisplaced }
        var ids: Set<[UInt8]> = []
        for call in calls {
            try checkName(call.name)
            guard !call.id.utf8.isEmpty, ids.insert(Array(call.id.utf8)).inserted else { throw .toolResultsUnpaired }
            let arguments = JSONDocument.read(call.arguments.utf8)?.root
            guard arguments != nil else { throw .toolArgumentsNotObject }
            if arguments?.kind != .object { throw .toolArgumentsNotObject }
            guard JSONText.depth(call.arguments.utf8) <= FormatLimits.valueDepth else { throw .nestedTooDeep }
        }
        if tools == .serialCalls, calls.count > 1 { throw .parallelCalls }
        var hasCalled = false
        for block in turn.blocks {
            if case .toolCall = block { hasCalled = true }
            if case .text(let text) = block, hasCalled, text.utf8.contains(where: { $0 > 0x20 }) { throw .textAfterToolCall }
        }
        if speaksOrCalls, !turn.joinedText.utf8.isEmpty { throw .contentBesideToolCalls }
    }

    /// Each call in the prompt is answered once, right after its turn.
    private func checkPairs(_ turns: [CanonicalTurn]) throws(FormatRefusal) {
        var waiting: [[UInt8]] = []
        for turn in turns {
            if turn.role == .tool {
                guard turn.blocks.count == 1, let id = turn.answeredCall.map({ Array($0.utf8) }) else {
                    throw .toolResultsUnpaired
                }
                guard let place = waiting.firstIndex(of: id), place == 0 || !ordersResults else { throw .toolResultsUnpaired }
                waiting.remove(at: place)
                continue
            }
            for case .toolResult in turn.blocks { throw .toolResultsUnpaired }
            guard waiting.isEmpty else { throw .toolResultsUnpaired }
            waiting = turn.toolCalls.map { Array($0.id.utf8) }
        }
        guard waiting.isEmpty else { throw .toolResultsUnpaired }
    }
}

/// What names of tools may be made of.
enum ToolName {
    /// Letters, digits, `_` and `-`, 1 to 64 of them.
    static func isOpenAI(_ name: some Collection<UInt8>) -> Bool {
        guard (1...64).contains(name.count) else { return false }
        return name.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
    }

    /// A letter or `_`, then letters, digits, `_`, `.` and `-`, 1 to 64 in all.
    static func isGemini(_ name: some Collection<UInt8>) -> Bool {
        guard (1...64).contains(name.count), let first = name.first, isWord(first), !(0x30...0x39).contains(first) else {
            return false
        }
        return name.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isWord(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == UInt8(ascii: "_") }
}
