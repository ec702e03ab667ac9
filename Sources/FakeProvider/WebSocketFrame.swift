// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto

/// One frame of RFC 6455.
struct WebSocketFrame: Equatable {
    enum Opcode: UInt8 { case continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 }

    var isFinal = true
    var opcode: Opcode
    var payload: [UInt8]

    /// The value of `Sec-WebSocket-Accept` for a key.
    static func accept(_ key: String) -> String {
        let digest = Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return String(decoding: Base64.encode(Array(digest)[...]), as: UTF8.self)
    }

    /// A close frame with a status code.
    static func close(_ code: UInt16, _ reason: String = "") -> WebSocketFrame {
        let bytes = [UInt8(truncatingIfNeeded: code >> 8), UInt8(truncatingIfNeeded: code)]
        return WebSocketFrame(opcode: .close, payload: bytes + Array(reason.utf8.prefix(123)))
    }

    /// The frame as a server sends it: not masked.
    var bytes: [UInt8] {
        var out = [opcode.rawValue | (isFinal ? 0x80 : 0)]
        switch payload.count {
        case ..<126: out.append(UInt8(truncatingIfNeeded: payload.count))
        case ..<65_536: out += [126, UInt8(truncatingIfNeeded: payload.count >> 8), UInt8(truncatingIfNeeded: payload.count)]
        default:
            out.append(127)
            for shift in stride(from: 56, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
        }
        return out + payload
    }
}

/// Takes frames out of the bytes of a client; a broken rule ends the connection with the code of RFC 6455.
struct WebSocketReading {
    /// Why the connection must end: the close code and its reason.
    struct Violation: Error, Equatable {
        let code: UInt16
        let reason: String
    }

    private var left: [UInt8] = []
    private var start = 0
    /// The message whose last fragment has not come.
    private var message: WebSocketFrame?

    mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 65_536, start * 2 > left.count {
            left.removeFirst(start)
            start = 0
        }
        left += bytes
    }

    /// The next whole message or control frame, or nil until more bytes come.
    mutating func next() throws(Violation) -> WebSocketFrame? {
        while let frame = try nextFrame() {
            switch frame.opcode {
            case .close, .ping, .pong: return frame
            case .text, .binary:
                guard message == nil else { throw Violation(code: 1_002, reason: "a message began inside another") }
                if frame.isFinal { return frame }
                message = frame
            case .continuation:
                guard var whole = message else { throw Violation(code: 1_002, reason: "a continuation of nothing") }
                guard whole.payload.count + frame.payload.count <= FakeProviderLimits.messageBytes else {
                    throw Violation(code: 1_009, reason: "the message is too large")
                }
                whole.payload += frame.payload
                message = frame.isFinal ? nil : whole
                whole.isFinal = true
                if frame.isFinal { return whole }
            }
        }
        return nil
    }

    private mutating func nextFrame() throws(Violation) -> WebSocketFrame? {
        let count = left.count - start
        guard count >= 2 else { return nil }
        let (first, second) = (left[start], left[start + 1])
        guard first & 0x70 == 0, let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else {
            throw Violation(code: 1_002, reason: "reserved bits or opcode")
        }
        guard second & 0x80 != 0 else { throw Violation(code: 1_002, reason: "a client's frame is not masked") }
        var length = UInt64(second & 0x7F)
        let isControl = opcode.rawValue >= 8
        guard !isControl || (length < 126 && first & 0x80 != 0) else {
            throw Violation(code: 1_002, reason: "a control frame is long or fragmented")
        }
        let extra = length == 127 ? 8 : length == 126 ? 2 : 0
        guard count >= 2 + extra + 4 else { return nil }
        if extra > 0 { length = left[(start + 2)..<(start + 2 + extra)].reduce(0) { $0 << 8 | UInt64($1) } }
        guard length <= UInt64(FakeProviderLimits.messageBytes) else {
            throw Violation(code: 1_009, reason: "the frame is too large")
        }
        let body = start + 2 + extra + 4
        let end = body + Int(length)
        guard left.count >= end else { return nil }
        let mask = left[(body - 4)..<body]
        let payload = left[body..<end].enumerated().map { $1 ^ mask[mask.startIndex + $0 & 3] }
        start = end
        return WebSocketFrame(isFinal: first & 0x80 != 0, opcode: opcode, payload: payload)
    }
}
