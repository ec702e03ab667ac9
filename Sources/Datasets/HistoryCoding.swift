// SPDX-License-Identifier: Apache-2.0

/// A recorded response as bytes, for a file that lives as long as a build: every part with its length before it.
enum HistoryCoding {
    /// Results hold texts and images, nothing deeper.
    private static let depthMax = 4

    static func encode(_ response: RecordedResponse) -> [UInt8] {
        var out: [UInt8] = []
        append(response.changes.rawValue, to: &out)
        switch response.continues {
        case nil: out.append(0)
        case .response(let id):
            out.append(1)
            append(id, to: &out)
        case .conversation(let id):
            out.append(2)
            append(id, to: &out)
        }
        append(UInt32(clamping: response.turns.count), to: &out)
        for turn in response.turns {
            append(turn.role.rawValue, to: &out)
            append(turn.blocks, to: &out)
        }
        return out
    }

    private static func append(_ blocks: [ContentBlock], to out: inout [UInt8]) {
        append(UInt32(clamping: blocks.count), to: &out)
        for block in blocks {
            switch block {
            case .text(let text): append(0, [text], to: &out)
            case .image(let reference): append(1, [reference], to: &out)
            case .reasoning(let text): append(2, [text], to: &out)
            case .toolCall(let call): append(3, [call.id, call.name, call.arguments], to: &out)
            case .toolResult(let callID, let content, let isError):
                append(isError ? 5 : 4, [callID], to: &out)
                append(content, to: &out)
            }
        }
    }

    private static func append(_ tag: UInt8, _ texts: [String], to out: inout [UInt8]) {
        out.append(tag)
        for text in texts { append(text, to: &out) }
    }

    private static func append(_ text: String, to out: inout [UInt8]) {
        append(UInt32(clamping: text.utf8.count), to: &out)
        out.append(contentsOf: text.utf8)
    }

    private static func append(_ number: some FixedWidthInteger, to out: inout [UInt8]) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) { out.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    /// The response; nil where the bytes are not what was written.
    static func decode(_ bytes: [UInt8]) -> RecordedResponse? {
        var reader = Reader(bytes: bytes)
        guard let changes: UInt32 = reader.number(), let tag: UInt8 = reader.number() else { return nil }
        var link: HistoryLink?
        if tag != 0 {
            guard let id = reader.text() else { return nil }
            link = tag == 1 ? .response(id) : .conversation(id)
        }
        guard let count: UInt32 = reader.number() else { return nil }
        var response = RecordedResponse(turns: [], continues: link)
        response.changes = RowChanges(rawValue: changes)
        for _ in 0..<count {
            guard let role = reader.text().flatMap(TurnRole.init(rawValue:)), let blocks = reader.blocks(depth: depthMax) else {
                return nil
            }
            response.turns.append(CanonicalTurn(role: role, blocks: blocks))
        }
        return reader.isAtEnd ? response : nil
    }

    private struct Reader {
        let bytes: [UInt8]
        private var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { at == bytes.count }

        mutating func number<Number: FixedWidthInteger>() -> Number? {
            let size = Number.bitWidth / 8
            guard bytes.count - at >= size else { return nil }
            var value: Number = 0
            for place in 0..<size { value |= Number(truncatingIfNeeded: bytes[at + place]) << (8 * place) }
            at += size
            return value
        }

        mutating func text() -> String? {
            guard let count: UInt32 = number(), bytes.count - at >= Int(count) else { return nil }
            defer { at += Int(count) }
            return String(decoding: bytes[at..<at + Int(count)], as: UTF8.self)
        }

        mutating func blocks(depth: Int) -> [ContentBlock]? {
            guard depth > 0, let count: UInt32 = number() else { return nil }
            var blocks: [ContentBlock] = []
            for _ in 0..<count {
                guard let block = block(depth: depth) else { return nil }
                blocks.append(block)
            }
            return blocks
        }

        private mutating func block(depth: Int) -> ContentBlock? {
            guard let tag: UInt8 = number(), let first = text() else { return nil }
            switch tag {
            case 0: return .text(first)
            case 1: return .image(first)
            case 2: return .reasoning(first)
            case 3:
                guard let name = text(), let arguments = text() else { return nil }
                return .toolCall(ToolCall(id: first, name: name, arguments: arguments))
            case 4, 5:
                return blocks(depth: depth - 1).map { .toolResult(callID: first, content: $0, isError: tag == 5) }
            default: return nil
            }
        }
    }
}
