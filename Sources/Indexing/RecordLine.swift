// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import SegmentLog

/// What sealing has to know of a record's line, found without reading the line as JSON.
struct RecordLine {
    let id: ExchangeID
    let startedAtUs: Int64
    /// From where its conversation begins to the line's end.
    let order: Range<Int>

    /// How far into a body its conversation is looked for, bytes.
    private static let searchedBytes = 64 << 10

    /// Reads a line as Weir writes it; nil where it is not one.
    init?(_ line: ByteRun) {
        let idStart = RecordLine.opening.count
        guard line.hasPrefix(RecordLine.opening), line.count > idStart + 36,
            let id = ExchangeID(text: line.slice(idStart, idStart + 36).text),
            let start = RecordLine.end(of: RecordLine.startKey, in: line, from: idStart),
            let startedAtUs = RecordLine.integer(line, at: start)
        else { return nil }
        self.id = id
        self.startedAtUs = startedAtUs
        guard let body = RecordLine.end(of: RecordLine.bodyKey, in: line, from: start) else {
            order = line.count..<line.count
            return
        }
        order = RecordLine.conversation(in: line, from: body)..<line.count
    }

    private static var opening: ByteRun { ByteRun("{\"v\":1,\"id\":\"") }
    private static var startKey: ByteRun { ByteRun(",\"started_at_us\":") }
    private static var bodyKey: ByteRun { ByteRun(",\"request_body\":\"") }

    /// The first beginning of a conversation at or after an offset, or the offset.
    private static func conversation(in line: ByteRun, from start: Int) -> Int {
        let end = min(line.count, start + searchedBytes)
        let searched = line.slice(0, end)
        var from = start
        while let at = searched.firstIndex(of: UInt8(ascii: "\\"), from: from) {
            if isBeginning(searched.slice(at, end)) { return at }
            from = at + 1
        }
        return start
    }

    /// Whether a key begins here, in a body that is a JSON string, behind which the conversation stands.
    private static func isBeginning(_ run: ByteRun) -> Bool {
        guard run.hasPrefix(ByteRun("\\\"")) else { return false }
        return run.hasPrefix(ByteRun("\\\"messages\\\":")) || run.hasPrefix(ByteRun("\\\"system\\\":"))
            || run.hasPrefix(ByteRun("\\\"contents\\\":")) || run.hasPrefix(ByteRun("\\\"input\\\":"))
            || run.hasPrefix(ByteRun("\\\"prompt\\\":")) || run.hasPrefix(ByteRun("\\\"instructions\\\":"))
            || run.hasPrefix(ByteRun("\\\"system_instruction\\\":")) || run.hasPrefix(ByteRun("\\\"systemInstruction\\\":"))
    }

    /// Where a text ends that is looked for from an offset on, or nil.
    private static func end(of text: ByteRun, in line: ByteRun, from start: Int) -> Int? {
        var from = start
        let first = unsafe text.base.load(as: UInt8.self)
        while let at = line.firstIndex(of: first, from: from) {
            if line.slice(at, line.count).hasPrefix(text) { return at + text.count }
            from = at + 1
        }
        return nil
    }

    private static func integer(_ line: ByteRun, at start: Int) -> Int64? {
        var value: Int64 = 0
        var at = start
        while at < line.count, at - start < 17 {
            let digit = unsafe line.base.load(fromByteOffset: at, as: UInt8.self)
            guard digit >= 0x30, digit <= 0x39 else { break }
            value = value * 10 + Int64(digit - 0x30)
            at += 1
        }
        return at > start ? value : nil
    }
}

extension ByteRun {
    fileprivate func hasPrefix(_ other: ByteRun) -> Bool { count >= other.count && slice(0, other.count).equals(other) }
}
