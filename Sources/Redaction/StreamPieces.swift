// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The pieces of text that the events of a stream carry, put together: a value is found though it came token by token.
///
/// Pieces are the JSON strings under the names that providers give to what grows from event to event, each name by itself.
struct StreamPieces: Sendable {
    /// Where a piece lies in the text put together, and in the body.
    struct Piece: Sendable {
        let joined: Int
        let original: Int
        let count: Int
    }

    /// The pieces under one name.
    struct Row: Sendable {
        var text: [UInt8] = []
        var pieces: [Piece] = []
    }

    /// Names of what grows.
    private static let names: [StaticString] = [
        "\"content", "\"text", "\"delta", "\"arguments", "\"partial_json", "\"thinking", "\"reasoning_content", "\"reasoning",
        "\"refusal", "\"transcript",
    ]
    private static let keptBytes = 1 << 20

    private(set) var rows = [Row](repeating: Row(), count: names.count)

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
        while let colon = StreamPieces.nextColon(run, from: at) {
            at = colon + 1
            guard let row = StreamPieces.row(run, before: colon - 1) else { continue }
            var start = colon + 1
            if run.byte(start) == 0x20 { start += 1 }
            guard start < run.count, run.byte(start) == 0x22 else { continue }
            start += 1
            guard let end = StreamPieces.end(run, from: start) else { return }
            if end > start {
                let piece = Piece(joined: rows[row].text.count, original: start, count: end - start)
                rows[row].pieces.append(piece)
                rows[row].text.append(contentsOf: UnsafeRawBufferPointer(start: run.base + start, count: end - start))
            }
            at = end
        }
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

    /// The row of the name that ends before a quotation mark; nil for other names.
    private static func row(_ run: ByteRun, before quote: Int) -> Int? {
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

extension ByteRun {
    /// The byte at an offset; bounds are the caller's business.
    func byte(_ i: Int) -> UInt8 { base.load(fromByteOffset: i, as: UInt8.self) }
}
