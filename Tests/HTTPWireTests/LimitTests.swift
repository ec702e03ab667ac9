// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Testing

@testable import HTTPWire

@Suite struct LimitTests {
    private func head(ofBytes count: Int) -> [UInt8] {
        let start = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)
        return start + [UInt8](repeating: 0x78, count: count - start.count - 4) + Array("\r\n\r\n".utf8)
    }

    @Test func readsHeadOfExactlyTheLimit() {
        #expect(readMessage(.request, head(ofBytes: WireLimits.headBytes)).isComplete)
        #expect(readMessage(.request, head(ofBytes: WireLimits.headBytes + 1)).error?.code == .headTooLarge)
    }

    @Test func refusesEndlessHeadAtTheLimit() {
        let endless = [UInt8](repeating: 0x78, count: WireLimits.headBytes)
        #expect(readMessage(.request, endless).error == nil)
        #expect(readMessage(.request, endless + [0x78]).error?.code == .headTooLarge)
        #expect(readMessage(.response(toHead: false), endless + [0x78]).error?.isTooLarge == true)
    }

    @Test func limitsHeaderCount() {
        func head(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: count - 1) + "\r\n"
        }
        #expect(readRequest(head(WireLimits.headerFields)).head?.headers.count == WireLimits.headerFields)
        #expect(readRequest(head(WireLimits.headerFields + 1)).error?.code == .tooManyHeaders)
    }

    /// A scan that began anew with each byte would look at two thousand million bytes here.
    @Test(.timeLimit(.minutes(1))) func looksAtEachByteOfHeadOnce() throws {
        var parser = HeadParser()
        var buffer = ByteBuffer()
        let bytes = head(ofBytes: WireLimits.headBytes)
        for byte in bytes.dropLast() {
            buffer.writeInteger(byte)
            let early = try parser.readRequest(&buffer)
            if early != nil { Issue.record("a head before its end") }
        }
        #expect(parser.isMidHead)
        buffer.writeInteger(bytes[bytes.count - 1])
        #expect(try parser.readRequest(&buffer)?.block.fields.count == 2)
        #expect(!parser.isMidHead)
    }

    @Test(.timeLimit(.minutes(1))) func looksAtEachByteOfTrailersOnce() {
        let trailers = "X: " + String(repeating: "x", count: WireLimits.trailerBytes - 7) + "\r\n\r\n"
        let text = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        let pieces = Array((text + trailers).utf8)
        #expect(readMessage(.request, pieces.indices.map { pieces[$0...$0] }).isComplete)
        #expect(readRequest(text + "x" + trailers).error?.code == .trailersTooLarge)
    }

    @Test func limitsChunkLine() {
        let text = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        func line(_ count: Int) -> String { "0;" + String(repeating: "x", count: count - 4) + "\r\n\r\n" }
        #expect(readRequest(text + line(WireLimits.chunkLineBytes)).isComplete)
        #expect(readRequest(text + line(WireLimits.chunkLineBytes + 1)).error?.code == .chunkLineTooLarge)
        #expect(
            readRequest(text + "0;" + String(repeating: "x", count: WireLimits.chunkLineBytes)).error?.code == .chunkLineTooLarge)
    }
}
