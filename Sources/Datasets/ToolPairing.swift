// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The rules between calls of tools and their results.
enum ToolPairing {
    /// Checks that each call before the last turn is answered once, right after it, and puts results in the order of the calls.
    static func settle(_ turns: inout [CanonicalTurn], changes: inout RowChanges) throws(DropReason) {
        var start = 0
        while start < turns.count {
            guard turns[start].role == .assistant else {
                if turns[start].role == .tool { throw .orphanToolResult }
                start += 1
                continue
            }
            try check(turns[start])
            let calls = turns[start].toolCalls
            var end = start + 1
            while end < turns.count, turns[end].role == .tool { end += 1 }
            let ordered = try inOrder(Array(turns[start + 1..<end]), of: calls)
            if ordered != Array(turns[start + 1..<end]) {
                changes.insert(.toolResultsReordered)
                turns.replaceSubrange(start + 1..<end, with: ordered)
            }
            start = end
        }
    }

    private static func inOrder(_ results: [CanonicalTurn], of calls: [ToolCall]) throws(DropReason) -> [CanonicalTurn] {
        // Ids are equal where their bytes are.
        var byID: [[UInt8]: CanonicalTurn] = [:]
        for result in results {
            guard let id = result.answeredCall, byID.updateValue(result, forKey: Array(id.utf8)) == nil else {
                throw .orphanToolResult
            }
        }
        var ordered: [CanonicalTurn] = []
        for call in calls {
            guard let result = byID.removeValue(forKey: Array(call.id.utf8)) else { throw .unansweredToolCall }
            ordered.append(result)
        }
        guard byID.isEmpty else { throw .orphanToolResult }
        return ordered
    }

    /// Checks one turn of the assistant's: text before calls, ids distinct, arguments a JSON object.
    static func check(_ turn: CanonicalTurn) throws(DropReason) {
        var ids: Set<String> = []
        for block in turn.blocks {
            switch block {
            case .text(let text):
                if !ids.isEmpty, text.utf8.contains(where: { $0 > 0x20 }) { throw .textAfterToolCall }
            case .toolCall(let call):
                guard ids.insert(call.id).inserted, ids.count <= DatasetLimits.callsPerTurn else { throw .requestMalformed }
                guard JSONDocument.read(call.arguments.utf8)?.root.kind == .object else { throw .toolArgumentsNotJSON }
            case .image, .toolResult, .reasoning: break
            }
        }
    }
}
