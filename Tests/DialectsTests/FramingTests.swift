// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Testing

@testable import Dialects

/// Writes what the readers take apart, by the formats' own definitions.
enum Wire {
    static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    /// A bitwise CRC-32, beside the one by tables.
    static func crc(_ bytes: [UInt8]) -> Int {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return Int(~crc)
    }

    static func header(_ name: String, _ value: String) -> [UInt8] {
        [UInt8(name.utf8.count)] + Array(name.utf8) + [7, 0, UInt8(value.utf8.count)] + Array(value.utf8)
    }

    static func frame(_ headers: [UInt8], _ payload: String) -> [UInt8] {
        let prelude = word(16 + headers.count + payload.utf8.count) + word(headers.count)
        let body = prelude + word(crc(prelude)) + headers + Array(payload.utf8)
        return body + word(crc(body))
    }

    /// An event of a stream.
    static func event(_ name: String, _ payload: String) -> [UInt8] {
        frame(header(":event-type", name) + header(":message-type", "event"), payload)
    }

    /// One chunk of an invoked model's stream.
    static func chunk(_ json: String) -> [UInt8] {
        event("chunk", #"{"bytes":"\#(String(decoding: Base64.encode(Array(json.utf8)[...]), as: UTF8.self))"}"#)
    }

    /// A WebSocket frame, masked where a mask is given.
    static func socket(_ text: String, opcode: UInt8 = 1, isFinal: Bool = true, mask: [UInt8] = [], packed: Bool = false)
        -> [UInt8]
    {
        let payload = Array(text.utf8)
        var frame: [UInt8] = [(isFinal ? 0x80 : 0) | (packed ? 0x40 : 0) | opcode]
        let marked: UInt8 = mask.isEmpty ? 0 : 0x80
        switch payload.count {
        case 0..<126: frame.append(marked | UInt8(payload.count))
        case 126..<65_536: frame += [marked | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default: frame += [marked | 127, 0, 0, 0, 0] + word(payload.count)
        }
        return frame + mask + payload.enumerated().map { mask.isEmpty ? $1 : $1 ^ mask[$0 % 4] }
    }
}

@Suite struct EventStreamFramesTests {
    private func read(_ bytes: [UInt8]) -> (names: [String?], payloads: [String], isDamaged: Bool) {
        var frames = EventStreamFrames(bytes, in: 0..<bytes.count)
        var names: [String?] = []
        var payloads: [String] = []
        while let frame = frames.next() {
            names.append(frame.name)
            payloads.append(String(decoding: bytes[frame.payload], as: UTF8.self))
        }
        return (names, payloads, frames.isDamaged)
    }

    @Test func readsFramesOneAfterTheOther() {
        let bytes = Wire.event("messageStart", "{}") + Wire.event("metadata", #"{"a":1}"#) + Wire.frame([], "")
        let got = read(bytes)
        #expect(got.names == ["messageStart", "metadata", nil])
        #expect(got.payloads == ["{}", #"{"a":1}"#, ""])
        #expect(!got.isDamaged)
    }

    @Test func readsHeadersOfEveryKind() {
        let other: [UInt8] =
            [1, 0x61, 0] + [1, 0x62, 1] + [1, 0x63, 2, 9] + [1, 0x64, 3, 0, 9] + [1, 0x65, 4, 0, 0, 0, 9]
            + [1, 0x66, 5, 0, 0, 0, 0, 0, 0, 0, 9] + [1, 0x67, 6, 0, 2, 1, 2] + [1, 0x68, 8] + [UInt8](repeating: 0, count: 8)
            + [1, 0x69, 9] + [UInt8](repeating: 0, count: 16)
        let bytes = Wire.frame(other + Wire.header(":exception-type", "throttlingException"), "{}")
        var frames = EventStreamFrames(bytes, in: 0..<bytes.count)
        let frame = frames.next()
        #expect(frame?.exception == "throttlingException" && frame?.name == "throttlingException")
        #expect(frame?.headers.count == 1 && frame?.endOffset == bytes.count)
        let unknown = Wire.frame([1, 0x61, 99] + Wire.header(":event-type", "x"), "{}")
        #expect(read(unknown).names == [nil])
    }

    @Test func aDamagedFrameCostsNoOther() {
        let first = Wire.event("a", "{}")
        let second = Wire.event("b", #"{"text":"long enough"}"#)
        let third = Wire.event("c", "{}")
        for place in 0..<second.count {
            var broken = second
            broken[place] ^= 0x10
            let got = read(first + broken + third)
            #expect(got.names == ["a", "c"], "flipped at \(place)")
            #expect(got.isDamaged)
        }
    }

    @Test func everyCutLeavesWholeFrames() {
        let frames = ["a", "b", "c"].map { Wire.event($0, #"{"n":"\#($0)"}"#) }
        let bytes = frames.flatMap { $0 }
        for cut in 0...bytes.count {
            var whole = 0
            var end = 0
            for frame in frames where end + frame.count <= cut {
                end += frame.count
                whole += 1
            }
            let got = read(Array(bytes[..<cut]))
            #expect(got.names.count == whole)
            #expect(got.isDamaged == (end != cut))
            var tail = EventStreamFrames(bytes, in: cut..<bytes.count)
            var left = 0
            while tail.next() != nil { left += 1 }
            #expect(left >= 3 - whole - (end == cut ? 0 : 1), "from \(cut)")
        }
    }

    @Test func refusesLengthsThatDoNotFit() {
        for (total, headers) in [(15, 0), (20, 5), (1 << 30, 0), (Int(UInt32.max), 0), (16 + (1 << 20), 1 << 20)] {
            let prelude = Wire.word(total) + Wire.word(headers)
            let got = read(prelude + Wire.word(Wire.crc(prelude)) + [UInt8](repeating: 0, count: 64))
            #expect(got.names.isEmpty && got.isDamaged)
        }
    }
}

@Suite struct JSONSequenceTests {
    private func elements(_ text: String, startsCut: Bool = false) -> [(String, Bool)] {
        let bytes = Array(text.utf8)
        return JSONArrayElements(bytes, in: 0..<bytes.count, startsCut: startsCut).map {
            (String(decoding: bytes[$0.range], as: UTF8.self), $0.isWhole)
        }
    }

    private func lines(_ text: String, startsCut: Bool = false) -> [String] {
        let bytes = Array(text.utf8)
        return JSONLines(bytes, in: 0..<bytes.count, startsCut: startsCut).map {
            String(decoding: bytes[$0.range], as: UTF8.self)
        }
    }

    @Test func findsTheElementsOfAnArray() {
        #expect(elements("[]").isEmpty && elements("").isEmpty && elements("{}").isEmpty)
        #expect(
            elements(" [ {\"a\":[1,2]} ,\r\n\"x,]\\\"\", 12 ,true]").map(\.0) == ["{\"a\":[1,2]}", "\"x,]\\\"\"", "12", "true"])
        #expect(elements("\u{FEFF}[{}\n,\n{}]trailing").map(\.0) == ["{}", "{}"])
    }

    @Test func anUnfinishedElementIsNotWhole() {
        for text in ["[{\"a\":", "[{\"a\":\"}", "[[", "[\"a", "[\"a\\", "[1"] {
            #expect(elements(text).map(\.1) == [false], "\(text)")
        }
        #expect(elements("[{},{\"a\"").map(\.1) == [true, false])
        #expect(elements("[}]]").allSatisfy { $0.1 })
    }

    @Test func aTailBeginsBehindALoneComma() {
        let text = "[{\n  \"a\": 1\n}\n,\n{\n  \"b\": [\n    1\n    ,\n    {\"c\": 2}]\n}\r\n,\r\n{\"d\": 3}\n]"
        for cut in 1..<text.utf8.count {
            let found = elements(String(decoding: Array(text.utf8)[cut...], as: UTF8.self), startsCut: true).map(\.0)
            for element in found { #expect(element.hasPrefix("{\n  \"b\"") || element == "{\"d\": 3}", "\(cut) \(element)") }
        }
        #expect(elements(String(text.dropFirst(3)), startsCut: true).count == 2)
    }

    @Test func findsLines() {
        #expect(lines("{\"a\":1}\n\r\n {\"b\":2} \r\n{\"c\"") == ["{\"a\":1}", "{\"b\":2}", "{\"c\""])
        #expect(lines("rest\"}\n{\"b\":2}\n", startsCut: true) == ["{\"b\":2}"])
        #expect(lines("no end", startsCut: true).isEmpty)
    }
}

@Suite struct WebSocketMessagesTests {
    private func read(_ bytes: [UInt8]) -> (texts: [String], messages: WebSocketMessages) {
        var messages = WebSocketMessages(bytes, in: 0..<bytes.count)
        var texts: [String] = []
        while let message = messages.next() {
            #expect(message.endOffset <= bytes.count)
            texts.append((message.isText ? "" : "binary:") + String(decoding: message.payload, as: UTF8.self))
        }
        return (texts, messages)
    }

    @Test func joinsFragmentsAroundControlFrames() {
        let bytes =
            Wire.socket("one") + Wire.socket("tw", isFinal: false) + Wire.socket("ping", opcode: 9)
            + Wire.socket("o", opcode: 0) + Wire.socket("b", opcode: 2) + Wire.socket("\u{3}\u{E8}", opcode: 8)
        let got = read(bytes)
        #expect(got.texts == ["one", "two", "binary:b"])
        #expect(!got.messages.isDamaged && !got.messages.isCompressed)
    }

    @Test(arguments: [0, 125, 126, 200, 65_535, 65_536, 70_000]) func readsEveryLength(count: Int) {
        let text = String(repeating: "x", count: count)
        #expect(read(Wire.socket(text, mask: [1, 2, 3, 4]) + Wire.socket("end")).texts == [text, "end"])
    }

    @Test func namesACompressedMessageAndGoesOn() {
        let got = read(Wire.socket("zip", packed: true) + Wire.socket("plain"))
        #expect(got.texts == ["plain"] && got.messages.isCompressed && !got.messages.isDamaged)
    }

    @Test(
        arguments: [
            [0x81], [0x81, 0x7E, 0], [0x81, 0x7F, 0, 0, 0, 0, 0, 0, 0], [0x81, 0x7F, 255, 255, 255, 255, 255, 255, 255, 255, 0],
            [0x81, 0x85, 1, 2], [0x81, 5, 0x61], [0x83, 0], [0x80, 0], [0x89, 0x7E, 0, 126], [0x09, 0], [0x91, 0], [0xA1, 0],
            [0x01, 0, 0x81, 0], [0x8B, 0],
        ] as [[UInt8]]) func stopsAtABrokenFrame(bytes: [UInt8])
    {
        let got = read(Wire.socket("ok") + bytes)
        #expect(got.texts == ["ok"] && got.messages.isDamaged)
    }
}
