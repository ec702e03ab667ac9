// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One message of Amazon's binary event stream.
package struct EventStreamFrame: Equatable, Sendable {
    /// Headers whose value is text, by name; of a name given twice the last one.
    package let headers: [String: String]
    /// Where the payload lies in the body.
    package let payload: Range<Int>
    /// Offset in the body just after the message.
    package let endOffset: Int

    /// The name of the event, or of the exception that came instead of one.
    package var name: String? { headers[":event-type"] ?? exception }

    /// The exception, or the code of the error, where the message is none but an event.
    package var exception: String? { headers[":exception-type"] ?? headers[":error-code"] }
}

/// The messages of a body as `application/vnd.amazon.eventstream` frames them.
///
/// A message is its length, the length of its headers, a CRC-32 of those eight bytes, the headers, the payload, and a CRC-32
/// of all before it; integers are big-endian. A message whose sum is wrong is left out, and where even the first eight bytes
/// are damaged the next place is sought at which a prelude is whole: one damaged message costs no other.
/// Total: any bytes give a finite list of messages, and `isDamaged` tells that something was left out.
/// - Complexity: O(n) for all messages together, plus O(1) for each place tried after damage.
package struct EventStreamFrames: Sequence, IteratorProtocol, Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    /// Whether bytes were skipped, or the last message is not whole.
    package private(set) var isDamaged = false

    /// The messages of a whole body.
    ///
    /// - Parameter bytes: the body.
    package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count) }

    /// The messages of a part of a body.
    ///
    /// A part that begins inside a message needs nothing else: its first whole prelude is found by its sum.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// Whether a body begins with the prelude of a message.
    package static func begins(_ bytes: [UInt8]) -> Bool { EventStreamFrames(bytes, in: 0..<bytes.count).lengths(at: 0) != nil }

    /// The next whole message, or nil at the end.
    package mutating func next() -> EventStreamFrame? {
        while position < end {
            guard let (total, headers) = lengths(at: position) else {
                isDamaged = true
                position += 1
                continue
            }
            let start = position
            guard total <= end - start else {
                // Whole preludes are not found by chance: what is left is the beginning of this message.
                isDamaged = true
                position = end
                return nil
            }
            position = start + total
            let sumPlace = position - 4
            guard CRC32.checksum(bytes[start..<sumPlace]) == word(at: sumPlace) else {
                isDamaged = true
                continue
            }
            return EventStreamFrame(
                headers: self.headers(in: start + 12..<start + 12 + headers), payload: start + 12 + headers..<sumPlace,
                endOffset: position)
        }
        return nil
    }

    /// The lengths in the prelude at a place, where its sum is right and they fit each other.
    private func lengths(at place: Int) -> (total: Int, headers: Int)? {
        guard end - place >= 16, bytes[place] <= 2 else { return nil }
        let total = Int(word(at: place))
        let headers = Int(word(at: place + 4))
        guard total >= 16 + headers, total <= DialectLimits.frameBytes, headers <= DialectLimits.frameHeaderBytes,
            CRC32.checksum(bytes[place..<place + 8]) == word(at: place + 8)
        else {
            return nil
        }
        return (total, headers)
    }

    private func word(at place: Int) -> UInt32 {
        UInt32(bytes[place]) << 24 | UInt32(bytes[place + 1]) << 16 | UInt32(bytes[place + 2]) << 8 | UInt32(bytes[place + 3])
    }

    /// The headers with text in a range; from the first malformed one on, none.
    private func headers(in range: Range<Int>) -> [String: String] {
        var found: [String: String] = [:]
        var rest = bytes[range]
        while let nameLength = rest.popFirst().map(Int.init), rest.count > nameLength {
            let name = rest.prefix(nameLength)
            rest = rest.dropFirst(nameLength)
            guard let kind = rest.popFirst(), let length = EventStreamFrames.valueLength(kind, &rest), rest.count >= length
            else {
                break
            }
            if kind == 7, length <= DialectLimits.nameBytes {
                found[String(decoding: name, as: UTF8.self)] = String(decoding: rest.prefix(length), as: UTF8.self)
            }
            rest = rest.dropFirst(length)
        }
        return found
    }

    /// How many bytes a header's value takes, its own length taken off where it has one; nil for an unknown kind.
    private static func valueLength(_ kind: UInt8, _ rest: inout ArraySlice<UInt8>) -> Int? {
        switch kind {
        case 0, 1: return 0
        case 2: return 1
        case 3: return 2
        case 4: return 4
        case 5, 8: return 8
        case 9: return 16
        case 6, 7:
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return Int(high) << 8 | Int(low)
        default: return nil
        }
    }
}
