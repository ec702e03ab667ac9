// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Testing

@testable import HTTPWire

@Suite struct BodyTests {
    private func chunked(_ body: String) -> Reading {
        readRequest("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    }

    @Test(arguments: [
        ("g\r\n", WireError.Code.badChunkSize), ("\r\n", .badChunkSize), ("-1\r\n", .badChunkSize),
        ("+1\r\na\r\n", .badChunkSize), (" 1\r\n", .badChunkSize),
        ("1 \r\na\r\n", .badChunkSize), ("0x1\r\n", .badChunkSize), ("1\u{b}\r\n", .badChunkSize),
        ("1000000000000000\r\n", .badChunkSize),
        ("FFFFFFFFFFFFFFFF\r\n", .badChunkSize), ("1\n", .badChunkSize), ("1\ra", .bareCarriageReturn), ("1\r\nab", .badChunkEnd),
        ("1\r\na\n", .badChunkEnd),
        ("1\r\na\ra", .badChunkEnd), ("1\r\na1\r\n", .badChunkEnd), (";a\r\n", .badChunkSize), ("1;\r\n", .badChunkSize),
        ("1; a\r\n", .badChunkSize),
        ("1 ;a\r\n", .badChunkSize), ("1;=\r\n", .badChunkSize), ("1;a=\r\n", .badChunkSize), ("1;a=b=c\r\n", .badChunkSize),
        ("1;a=\"\n\"\r\n", .badChunkSize),
        ("1;a=\"b\"c\r\n", .badChunkSize), ("1;a\n", .badChunkSize), ("1;a=\"\r\n\"\r\n", .badChunkSize),
    ])
    func refusesBrokenChunk(_ body: String, _ code: WireError.Code) {
        #expect(chunked(body).error?.code == code)
        #expect(chunked("3\r\nabc\r\n" + body).error?.code == code, "in a later chunk")
    }

    @Test(arguments: [
        "1;a\r\nz\r\n", "1;a=b\r\nz\r\n", "1;a=b;c;d=\"e f;\\\"\\\\\"\r\nz\r\n", "001\r\nz\r\n", "1;a=\"\"\r\nz\r\n",
        "000000000000001\r\nz\r\n",
    ])
    func passesSoundChunkOnAsItCame(_ chunk: String) {
        let reading = chunked(chunk + "0\r\n\r\n")
        #expect(printable(reading.payload) == "z")
        #expect(printable(reading.raw) == printable(Array(chunk.utf8)))
        #expect(reading.ending.map { printable($0) } == "0\\r\\n\\r\\n")
    }

    @Test(arguments: [
        "Content-Length: 1", "Transfer-Encoding: chunked", "Host: b", "Authorization: x", "X-Inference-Task: t",
        "Connection: close", "TE: trailers",
        "Content-Encoding: gzip", "Content-Type: a/b", "X-Api-Key: k", "Expect: 100-continue", "Trailer: x",
    ])
    func refusesTrailerThatBelongsInTheHead(_ line: String) {
        #expect(chunked("0\r\n\(line)\r\n\r\n").error?.code == .badTrailer)
        #expect(chunked("1\r\na\r\n0\r\nX: y\r\n\(line)\r\n\r\n").error?.code == .badTrailer)
    }

    @Test(arguments: [
        ("X : y", WireError.Code.badHeaderName), (" X: y", .foldedHeader), ("X", .badHeaderName), ("X: y\n", .bareLineFeed),
        ("X: a\rb", .bareCarriageReturn),
        ("X: \u{0}", .badHeaderValue), ("\n", .bareLineFeed),
    ])
    func refusesTrailersAgainstTheGrammar(_ line: String, _ code: WireError.Code) {
        #expect(chunked("0\r\n\(line)\r\n\r\n").error?.code == code)
    }

    @Test func keepsTrailersApartFromThePayload() {
        let reading = chunked("2\r\nab\r\n1\r\nc\r\n000;x=y\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\nGET")
        #expect(printable(reading.payload) == "abc")
        #expect(printable(reading.raw) == "2\\r\\nab\\r\\n1\\r\\nc\\r\\n")
        #expect(reading.ending.map { printable($0) } == "000;x=y\\r\\nX-Sum: 1\\r\\nx-sum: 2\\r\\n\\r\\n")
        #expect(reading.isComplete)
    }

    @Test func holdsTheEndingBackUntilItIsWhole() throws {
        var reader = BodyReader(.chunked)
        var buffer = ByteBuffer(string: "1\r\na\r\n0\r\nX: y\r\n\r")
        let first = try reader.read(&buffer) { #expect($0 == ByteBuffer(string: "a")) }
        #expect(first.raw == ByteBuffer(string: "1\r\na\r\n"))
        #expect(first.ending == nil)
        #expect(!first.isComplete && !reader.isComplete && !reader.mayEndWithConnection)
        buffer.writeString("\nrest")
        let last = try reader.read(&buffer) { _ in Issue.record("no payload is left") }
        #expect(last.raw.readableBytes == 0)
        #expect(last.ending == ByteBuffer(string: "0\r\nX: y\r\n\r\n"))
        #expect(last.isComplete && reader.isComplete)
        #expect(buffer == ByteBuffer(string: "rest"))
    }

    @Test func takesNoMoreThanTheLength() throws {
        var reader = BodyReader(.length(3))
        var buffer = ByteBuffer(string: "ab")
        #expect(try reader.read(&buffer) { _ in }.isComplete == false)
        #expect(!reader.mayEndWithConnection)
        buffer.writeString("cGET")
        let piece = try reader.read(&buffer) { #expect($0 == ByteBuffer(string: "c")) }
        #expect(piece.isComplete && piece.raw == ByteBuffer(string: "c"))
        #expect(try reader.read(&buffer) { _ in Issue.record("nothing is left to read") }.raw.readableBytes == 0)
        #expect(buffer == ByteBuffer(string: "GET"))
    }

    @Test func readsUntilCloseWithoutEnding() throws {
        var reader = BodyReader(.untilClose)
        var buffer = ByteBuffer(string: "ab")
        let piece = try reader.read(&buffer) { _ in }
        #expect(!piece.isComplete && piece.raw == ByteBuffer(string: "ab"))
        #expect(reader.mayEndWithConnection && !reader.isComplete)
    }

    @Test(arguments: [BodyFraming.none, .length(0)]) func isCompleteBeforeTheFirstByte(_ framing: BodyFraming) {
        #expect(BodyReader(framing).isComplete)
        #expect(BodyReader(framing).mayEndWithConnection)
    }
}
