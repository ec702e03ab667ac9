// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The pieces of text that the events of a stream carry, put together: a value is found though it came token by token.
///
/// Pieces are the JSON strings under the names that providers give to what grows from event to event, each name by itself, and by
/// itself in each type of event: what grows in one is often sent again in another, as a whole.
struct StreamPieces: Sendable {
    /// Where a piece lies in the text put together, and in the body.
    struct Piece: Sendable {
        let joined: Int
        let original: Int
        let count: Int
    }

    /// The pieces under one name in one type of event.
    struct Row: Sendable {
        let name: Int
        var event: UInt64
        var text: [UInt8] = []
        var pieces: [Piece] = []
    }

    /// Names of what grows.
    private static let names: [StaticString] = [
        "\"content", "\"text", "\"delta", "\"arguments", "\"partial_json", "\"thinking", "\"reasoning_content", "\"reasoning",
        "\"refusal", "\"transcript",
    ]
    private static let keptBytes = 1 << 20
    /// Rows of one name; types of events beyond share the last, so that no body costs more than its bytes.
    private static let rowsOfName = 6

    /// Those of one name stand together; the ones that are not in use have no pieces.
    private(set) var rows: [Row] = names.indices.flatMap { name in
        [Row](repeating: Row(name: name, event: 0), count: rowsOfName)
    }

    /// Collects the pieces of a body.
    ///
    /// - Complexity: O(n).
    mutating func gather(_ run: ByteRun) {
        for i in rows.indices {
            let keeps = rows[i].text.capacity <= StreamPieces.keptBytes
            rows[i].text.removeAll(keepingCapacity: keeps)
            rows[i].pieces.removeAll(keepingCapacity: keeps)
        }
        var at = 0
        var events = EventTypes()
        while let colon = StreamPieces.nextColon(run, from: at) {
            at = colon + 1
            guard let name = StreamPieces.name(run, before: colon - 1) else { continue }
            var start = colon + 1
            if run.byte(start) == 0x20 { start += 1 }
            guard start < run.count, run.byte(start) == 0x22 else { continue }
            start += 1
            guard let end = StreamPieces.end(run, from: start) else { return }
            if end > start {
                let row = row(name, in: events.type(at: start, of: run))
                let piece = Piece(joined: rows[row].text.count, original: start, count: end - start)
                rows[row].pieces.append(piece)
                rows[row].text.append(contentsOf: UnsafeRawBufferPointer(start: run.base + start, count: end - start))
            }
            at = end
        }
    }

    /// The row of a name in a type of event: the one that has it, or the first that is free.
    private mutating func row(_ name: Int, in event: UInt64) -> Int {
        let first = name * StreamPieces.rowsOfName
        for row in first..<first + StreamPieces.rowsOfName {
            if rows[row].pieces.isEmpty { rows[row].event = event }
            if rows[row].event == event { return row }
        }
        return first + StreamPieces.rowsOfName - 1
    }

    /// The next colon between a quotation mark and one more, or a space.
    private static func nextColon(_ run: ByteRun, from: Int) -> Int? {
        var at = from
        while let colon = run.firstIndex(of: 0x3A, from: at) {
            guard colon + 1 < run.count else { return nil }
            let next = run.byte(colon + 1)
            if colon > 0, run.byte(colon - 1) == 0x22, next == 0x22 || next == 0x20 { return colon }
            at = colon + 1
        }
        return nil
    }

    /// The number of the name that ends before a quotation mark; nil for other names.
    private static func name(_ run: ByteRun, before quote: Int) -> Int? {
        guard quote > 5 else { return nil }
        let last = run.byte(quote - 1)
        for (i, name) in names.enumerated() {
            let count = name.utf8CodeUnitCount
            guard last == name.utf8Start[count - 1], quote >= count, run.slice(quote - count, quote).equals(ByteRun(name)) else {
                continue
            }
            return quote > count && run.byte(quote - count - 1) == 0x5C ? nil : i
        }
        return nil
    }

    /// The quotation mark that ends a string; nil where none does.
    private static func end(_ run: ByteRun, from start: Int) -> Int? {
        var at = start
        while at < run.count {
            let byte = run.byte(at)
            if byte == 0x22 { return at }
            at += byte == 0x5C ? 2 : 1
        }
        return nil
    }
}

/// Of what type the events of a stream are: by their `event:` line, else by a type within them that names an event.
private struct EventTypes {
    private var lineStart = 0
    /// Where the line at hand ends: behind the body where no line end follows; nil: not looked for.
    private var lineEnd: Int?
    /// Of the event to which the line at hand belongs; 0: not told.
    private var type: UInt64 = 0
    /// Whether the line at hand was looked through for a type.
    private var isLineRead = false
    private var lineType: UInt64 = 0

    /// Names of events have a dot in them, as in `response.output_text.delta`; those of parts, as `text`, have none.
    private static let key: StaticString = "\"type\":"
    private static let longestType = 80

    /// The type at an offset; asked for in order, so that every line is looked at once.
    mutating func type(at offset: Int, of run: ByteRun) -> UInt64 {
        while true {
            let end = lineEnd ?? run.firstIndex(of: 0x0A, from: lineStart) ?? run.count
            lineEnd = end
            guard end < offset else { break }
            noteLine(run.slice(lineStart, end))
            lineStart = end + 1
            lineEnd = nil
            isLineRead = false
        }
        if type != 0 { return type }
        if !isLineRead {
            lineType = EventTypes.typeWithin(run.slice(lineStart, offset))
            isLineRead = true
        }
        return lineType
    }

    private mutating func noteLine(_ line: ByteRun) {
        if line.count <= 1 { type = 0 }
        if line.hasPrefixIgnoringCase("event:") { type = EventTypes.hash(line.slice(6, line.count)) }
    }

    /// The type that stands before the first piece of a line; 0 where none names an event.
    private static func typeWithin(_ line: ByteRun) -> UInt64 {
        var at = 0
        while let quote = line.firstIndex(of: 0x22, from: at) {
            at = quote + 1
            guard line.count - quote > key.utf8CodeUnitCount,
                line.slice(quote, quote + key.utf8CodeUnitCount).equals(ByteRun(key))
            else { continue }
            var start = quote + key.utf8CodeUnitCount
            if line.byte(start) == 0x20 { start += 1 }
            guard start < line.count, line.byte(start) == 0x22,
                let end = line.firstIndex(of: 0x22, from: start + 1), end - start <= longestType
            else { return 0 }
            let type = line.slice(start + 1, end)
            return type.firstIndex(of: 0x2E) == nil ? 0 : hash(type)
        }
        return 0
    }

    /// FNV-1a without the blanks around; never 0.
    private static func hash(_ text: ByteRun) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in 0..<text.count where text.byte(i) > 0x20 { value = (value ^ UInt64(text.byte(i))) &* 0x100_0000_01B3 }
        return value | 1
    }
}

extension ByteRun {
    /// The byte at an offset; bounds are the caller's business.
    func byte(_ i: Int) -> UInt8 { base.load(fromByteOffset: i, as: UInt8.self) }
}
