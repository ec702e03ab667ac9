// SPDX-License-Identifier: Apache-2.0

/// One message of a WebSocket connection, its fragments joined.
struct WebSocketMessage: Equatable {
    /// Whether it is text; else it is bytes.
    let isText: Bool
    /// What it says, unmasked.
    let payload: [UInt8]
    /// Offset in the body just after its last frame.
    let endOffset: Int
}

/// The messages in one direction of a WebSocket connection (RFC 6455 section 5), masked or not.
///
/// Control frames are skipped. A message that an extension has compressed is left out and named; after a frame that breaks the
/// rules nothing more is read, since nothing marks where the next one begins.
/// Total: any bytes give a finite list of messages, and all payloads together are no longer than the body.
/// - Complexity: O(n) for all messages together.
struct WebSocketMessages: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private var held: (isText: Bool, isPacked: Bool, payload: [UInt8])?
    /// Whether a frame was damaged or not whole.
    private(set) var isDamaged = false
    /// Whether a message was left out because it is compressed.
    private(set) var isCompressed = false

    private struct Frame {
        let isFinal: Bool
        let isPacked: Bool
        let opcode: UInt8
        let payload: [UInt8]
    }

    /// The messages of a part of a body that begins with a frame.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next whole message, or nil at the end or after damage.
    mutating func next() -> WebSocketMessage? {
        while position < end {
            guard let frame = nextFrame() else {
                isDamaged = true
                position = end
                return nil
            }
            if frame.opcode >= 8 { continue }
            guard join(frame) else {
                isDamaged = true
                position = end
                return nil
            }
            guard frame.isFinal, let whole = held else { continue }
            held = nil
            if whole.isPacked {
                isCompressed = true
                continue
            }
            return WebSocketMessage(isText: whole.isText, payload: whole.payload, endOffset: position)
        }
        return nil
    }

    /// Adds a data frame to its message; false where it fits none.
    private mutating func join(_ frame: Frame) -> Bool {
        if frame.opcode == 0 {
            guard held != nil, !frame.isPacked else { return false }
            held?.payload.append(contentsOf: frame.payload)
            return true
        }
        guard held == nil, frame.opcode <= 2 else { return false }
        held = (frame.opcode == 1, frame.isPacked, frame.payload)
        return true
    }

    private mutating func nextFrame() -> Frame? {
        guard end - position >= 2 else { return nil }
        let first = bytes[position]
        let second = bytes[position + 1]
        let opcode = first & 0x0F
        guard first & 0x30 == 0, opcode <= 2 || (opcode >= 8 && opcode <= 10) else { return nil }
        var place = position + 2
        var length = UInt64(second & 0x7F)
        let extra = length == 126 ? 2 : length == 127 ? 8 : 0
        guard end - place >= extra else { return nil }
        if extra > 0 { length = bytes[place..<place + extra].reduce(0) { $0 << 8 | UInt64($1) } }
        place += extra
        let isMasked = second & 0x80 != 0
        guard end - place >= (isMasked ? 4 : 0) else { return nil }
        let mask = isMasked ? Array(bytes[place..<place + 4]) : []
        place += mask.count
        // A control frame is whole and short.
        guard length <= UInt64(end - place), opcode < 8 || (length <= 125 && first & 0x80 != 0) else { return nil }
        let stop = place + Int(length)
        var payload = Array(bytes[place..<stop])
        if isMasked { for i in payload.indices { payload[i] ^= mask[i & 3] } }
        position = stop
        return Frame(isFinal: first & 0x80 != 0, isPacked: first & 0x40 != 0, opcode: opcode, payload: payload)
    }
}
