// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One event of a server-sent event stream.
package struct ServerSentEvent: Equatable, Sendable {
    /// The `event` field, or nil where none was given.
    package let name: String?
    /// The `data` lines, joined by line feeds, without the last one.
    package let data: [UInt8]
    /// Offset in the body just after the event's last byte, its blank line included.
    package let endOffset: Int
    /// False where the body ended before the blank line that ends an event.
    package let isTerminated: Bool

    /// An event as it was read.
    package init(name: String?, data: [UInt8], endOffset: Int, isTerminated: Bool) {
        self.name = name
        self.data = data
        self.endOffset = endOffset
        self.isTerminated = isTerminated
    }
}

/// The events of a whole body, by the rules of the WHATWG HTML standard (section 9.2.6, "interpreting an event stream").
///
/// Lines end in LF, CRLF or CR; a byte order mark at the start and comments are skipped; an event without a `data` line is
/// none; `id`, `retry` and unknown fields are ignored. One rule is wider than the standard: where the body ends inside an
/// event, that event is yielded too, with `isTerminated` false, because providers are seen to leave out the last blank
/// line after the event that carries the usage.
///
/// Total: any bytes give a finite list of events, and the data of all events together is no longer than the body.
/// - Complexity: O(n) for all events together.
package struct ServerSentEvents: Sequence, IteratorProtocol, Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// The events of a body.
    ///
    /// - Parameter bytes: the whole body, content coding undone.
    package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count, startsCut: false) }

    /// The events in a part of a body; of a part that begins inside an event, those after its first blank line.
    init(_ bytes: [UInt8], in range: Range<Int>, startsCut: Bool) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
        if startsCut {
            // The first line may be the rest of one; an event begins behind a blank line.
            _ = nextLine()
            while let line = nextLine(), !line.isEmpty {}
        } else if bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) {
            position += 3
        }
    }

    /// The next event, or nil at the end of the body.
    package mutating func next() -> ServerSentEvent? {
        var name: String?
        var data: [UInt8] = []
        var hasData = false
        while let line = nextLine() {
            if line.isEmpty {
                if hasData { return ServerSentEvent(name: name, data: data, endOffset: position, isTerminated: true) }
                name = nil
                continue
            }
            let (field, value) = field(of: line)
            switch field {
            case .data:
                if hasData { data.append(0x0A) }
                hasData = true
                data.append(contentsOf: bytes[value])
            case .event: name = value.isEmpty ? nil : String(decoding: bytes[value], as: UTF8.self)
            case .other: break
            }
        }
        guard hasData else { return nil }
        return ServerSentEvent(name: name, data: data, endOffset: end, isTerminated: false)
    }

    /// The line under the cursor without its end, or nil at the end of the body; moves behind the line end.
    private mutating func nextLine() -> Range<Int>? {
        let start = position
        guard start < end else { return nil }
        let stop = bytes.withUnsafeBytes { ByteRun($0).slice(0, end).lineEnd(from: start) }
        position = stop
        if position < end {
            let isPair = bytes[stop] == 0x0D && stop + 1 < end && bytes[stop + 1] == 0x0A
            position += isPair ? 2 : 1
        }
        return start..<stop
    }

    /// The fields that are looked at.
    private enum Field { case data, event, other }

    /// The field of a line and its value, one leading space removed; a comment has an empty name.
    private func field(of line: Range<Int>) -> (field: Field, value: Range<Int>) {
        bytes.withUnsafeBytes { all in
            let run = ByteRun(all).slice(line.lowerBound, line.upperBound)
            let colon = run.firstIndex(of: UInt8(ascii: ":")) ?? run.count
            let name = run.slice(0, colon)
            let field: Field = name.equals(ByteRun("data")) ? .data : name.equals(ByteRun("event")) ? .event : .other
            var from = line.lowerBound + (colon < run.count ? colon + 1 : colon)
            if from < line.upperBound, all[from] == 0x20 { from += 1 }
            return (field, from..<line.upperBound)
        }
    }
}
