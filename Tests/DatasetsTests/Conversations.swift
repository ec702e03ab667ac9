// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

@testable import Datasets

/// What the readers make of two bodies.
enum Conversations {
    /// A record of two bodies.
    static func record(_ api: APIFamily, _ request: String, _ answer: [UInt8]?, path: String = "/v1/x") -> ExchangeRecord {
        var record = TestRecords.record(1, api: api, request: request, answer: nil)
        record.head.path = path
        record.responseBody = RecordedBody(content: answer, wireByteCount: Int64(answer?.count ?? 0))
        return record
    }

    /// Request and answer as read, or the reason why not.
    static func read(
        _ api: APIFamily, _ request: String, _ answer: [UInt8]?, path: String = "/v1/x"
    ) throws(DropReason) -> (request: CanonicalRequest, answer: CanonicalAnswer) {
        let record = record(api, request, answer, path: path)
        let request = try ConversationReader.request(record)
        return (request, try ConversationReader.answer(record, to: request))
    }

    static func read(
        _ api: APIFamily, _ request: String, _ answer: String, path: String = "/v1/x"
    ) throws(DropReason) -> (request: CanonicalRequest, answer: CanonicalAnswer) {
        try read(api, request, Array(answer.utf8), path: path)
    }

    /// The row, or the name of the reason why there is none.
    static func row(_ api: APIFamily, _ request: String, _ answer: [UInt8]?) -> String {
        let record = record(api, request, answer)
        do {
            let request = try ConversationReader.request(record)
            let answer = try Selection.answer(record, request)
            return TestRecords.line(request, answer)
        } catch {
            return error.rawValue
        }
    }

    static func row(_ api: APIFamily, _ request: String, _ answer: String) -> String { row(api, request, Array(answer.utf8)) }

    /// A stream of lines.
    static func lines(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
}

/// Amazon's frames, made here and not by the room.
enum Frames {
    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    private static func word(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

    private static func header(_ name: String, _ value: String) -> [UInt8] {
        let (name, value) = (Array(name.utf8), Array(value.utf8))
        return [UInt8(name.count)] + name + [7, UInt8(value.count >> 8), UInt8(value.count & 255)] + value
    }

    static func frame(_ headers: [(String, String)], _ payload: String) -> [UInt8] {
        let headers = headers.flatMap { header($0.0, $0.1) }
        let payload = Array(payload.utf8)
        let prelude = word(UInt32(16 + headers.count + payload.count)) + word(UInt32(headers.count))
        let body = prelude + word(crc(prelude)) + headers + payload
        return body + word(crc(body))
    }

    /// Converse's events: the name in the frame.
    static func events(_ events: [(String, String)]) -> [UInt8] {
        events.flatMap { frame([(":event-type", $0.0), (":message-type", "event")], $0.1) }
    }

    /// InvokeModel's chunks: the model's own events, base64 inside.
    static func chunks(_ events: [String]) -> [UInt8] {
        events.flatMap { frame([(":event-type", "chunk")], #"{"bytes":"\#(base64(Array($0.utf8)))","p":"abc"}"#) }
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var out = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let three = bytes[start..<min(start + 3, bytes.count)]
            let group = three.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - three.count))
            for place in 0..<4 { out += place <= three.count ? String(letters[Int(group >> UInt32(18 - 6 * place) & 63)]) : "=" }
        }
        return out
    }
}
