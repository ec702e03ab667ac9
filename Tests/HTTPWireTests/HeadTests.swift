// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Testing

@testable import HTTPWire

/// One message and the rule it breaks.
struct Refusal: CustomTestStringConvertible {
    let text: String
    let code: WireError.Code
    var testDescription: String { printable(Array(text.utf8)) }

    init(_ text: String, _ code: WireError.Code) {
        self.text = text
        self.code = code
    }

    /// A refused POST with these header lines after a sound `Host`.
    static func lines(_ lines: String, _ code: WireError.Code) -> Refusal {
        Refusal("POST /a HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n\r\n", code)
    }
}

@Suite struct HeadTests {
    static let smuggling: [Refusal] = [
        .lines("Content-Length: 5\r\nTransfer-Encoding: chunked", .conflictingLengths),
        .lines("Transfer-Encoding: chunked\r\nContent-Length: 5", .conflictingLengths),
        .lines("Content-Length: 5\r\nContent-Length: 5", .conflictingLengths),
        .lines("Content-Length: 5\r\ncontent-length: 6", .conflictingLengths),
        .lines("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: chunked\r\ntransfer-encoding: identity", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: chunked, identity", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: gzip, chunked", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: identity", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: chunked,", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: xchunked", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: \"chunked\"", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: chunked;q=1", .unsupportedTransferCoding),
        .lines("Transfer-Encoding:", .unsupportedTransferCoding),
        .lines("Transfer-Encoding:\tchunked", .unsupportedTransferCoding),
        .lines("Transfer-Encoding: chunked\t", .unsupportedTransferCoding),
        .lines("Transfer-Encoding:\u{b}chunked", .badHeaderValue),
        .lines("Transfer-Encoding: chunked\u{c}", .badHeaderValue),
        .lines("Transfer-Encoding: \u{a0}chunked", .unsupportedTransferCoding),
        .lines(" Transfer-Encoding: chunked", .foldedHeader),
        .lines("Transfer-Encoding : chunked", .badHeaderName),
        .lines("Transfer-Encoding\u{b}: chunked", .badHeaderName),
        .lines("Transfer\rEncoding: chunked", .badHeaderName),
        .lines("X: a\rTransfer-Encoding: chunked", .bareCarriageReturn),
        .lines("X: a\nTransfer-Encoding: chunked", .bareLineFeed),
        .lines("X: a\r\n\tb", .foldedHeader),
        .lines("X: a\r\n b", .foldedHeader),
        Refusal("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .unsupportedTransferCoding),
        Refusal("POST /a HTTP/1.1\rXHost: a\r\n\r\n", .bareCarriageReturn),
        Refusal("POST /a HTTP/1.1\r\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        Refusal("POST /a HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        Refusal("POST /a HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        Refusal("POST /a HTTP/1.1\r\n Host: a\r\n\r\n", .foldedHeader),
    ]

    @Test(arguments: smuggling) func refusesWhatParsersDisagreeOver(_ refusal: Refusal) {
        #expect(readRequest(refusal.text).error?.code == refusal.code)
    }

    static let lengths = [
        "+5", "-5", "0x5", "5 5", "5, 5", "5,5", "", " ", "5.0", "5e1", "\u{665}", "1_0", "5;", "\"5\"", "\t5", "5\t",
        "1000000000000000",
    ]

    @Test(arguments: lengths) func refusesLengthThatIsNotPlainDigits(_ value: String) {
        #expect(readRequest("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: \(value)\r\n\r\n").error?.code == .badContentLength)
        #expect(readResponse("HTTP/1.1 200 OK\r\nContent-Length: \(value)\r\n\r\n").error?.code == .badContentLength)
    }

    @Test func readsLengthUpToFifteenDigits() {
        let head = readRequest("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999\r\n\r\n").head
        #expect(head?.framing == .length(999_999_999_999_999))
        #expect(readRequest("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length:  007 \r\n\r\n").head?.framing == .length(7))
    }

    static let requests: [Refusal] = [
        Refusal("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .unsupportedVersion),
        Refusal("GET /\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
        Refusal("GET\u{0} / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
        Refusal("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
        Refusal("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .absoluteTarget),
        Refusal("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n", .absoluteTarget),
        Refusal("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET /\u{b} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        Refusal("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Refusal("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Refusal("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Refusal("GET / http/1.1\r\nHost: a\r\n\r\n", .badStartLine),
        Refusal("GET / HTTP/1.1\r\n\r\n", .missingHost),
        Refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .missingHost),
        Refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .missingHost),
        Refusal("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badHost),
        Refusal("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badHost),
        Refusal("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .badHost),
        .lines(": a", .badHeaderName),
        .lines("X", .badHeaderName),
        .lines("X Y: a", .badHeaderName),
        .lines("X\u{0}: a", .badHeaderName),
        .lines("X(: a", .badHeaderName),
        .lines("X\u{e9}: a", .badHeaderName),
        .lines("X: a\u{0}", .badHeaderValue),
        .lines("X: a\u{7f}", .badHeaderValue),
        .lines("X: \u{1b}[0m", .badHeaderValue),
    ]

    @Test(arguments: requests) func refusesBadRequest(_ refusal: Refusal) {
        #expect(readRequest(refusal.text).error?.code == refusal.code)
    }

    static let responses: [Refusal] = [
        Refusal("\r\nHTTP/1.1 200 OK\r\n\r\n", .badStartLine),
        Refusal("HTTP/1.1 20 OK\r\n\r\n", .badStatus),
        Refusal("HTTP/1.1 2000 OK\r\n\r\n", .badStartLine),
        Refusal("HTTP/1.1 099 OK\r\n\r\n", .badStatus),
        Refusal("HTTP/1.1 +20 OK\r\n\r\n", .badStatus),
        Refusal("HTTP/1.1  200 OK\r\n\r\n", .badStatus),
        Refusal("HTTP/1.1 200\tOK\r\n\r\n", .badStartLine),
        Refusal("HTTP/1.1 200 O\u{0}K\r\n\r\n", .badStartLine),
        Refusal("HTTP/1.1 200 OK\rX: a\r\n\r\n", .bareCarriageReturn),
        Refusal("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
        Refusal("HTTP/1.1\r\n\r\n", .badStartLine),
        Refusal("ICY 200 OK OK\r\n\r\n", .badStartLine),
        Refusal("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .conflictingLengths),
        Refusal("HTTP/1.1 204 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .conflictingLengths),
        Refusal("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferCoding),
        Refusal("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .unsupportedTransferCoding),
    ]

    @Test(arguments: responses) func refusesBadResponse(_ refusal: Refusal) {
        #expect(readResponse(refusal.text).error?.code == refusal.code)
    }

    @Test func keepsHeaderLinesByteForByteInOrder() {
        let lines = ["hOsT: a", "X-B:1", "x-a: \t 2 \t", "X-B: \u{e9}", "Empty:", "X-A:3 , 4"]
        let head = readRequest("get /p?q=1?2&r HTTP/1.1\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n").head
        #expect(head?.headers.map { printable($0.line) } == lines.map { printable(Array($0.utf8)) + "\\r\\n" })
        #expect(head?.headers.map { printable($0.name) } == ["hOsT", "X-B", "x-a", "X-B", "Empty", "X-A"])
        #expect(head?.headers.map { printable($0.value) } == ["a", "1", "2", "\\xc3\\xa9", "", "3 , 4"])
        #expect(head.map { printable($0.method) } == "get")
        #expect(head.map { printable($0.target) } == "/p?q=1?2&r")
    }

    @Test func splitsTargetAtFirstQuestionMark() throws {
        var parser = HeadParser()
        var buffer = ByteBuffer(
            string: "GET /p?q=1?2 HTTP/1.1\r\nHost: a\r\n\r\nGET /p HTTP/1.1\r\nHost: a\r\n\r\nGET /? HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        let first = try #require(try parser.readRequest(&buffer))
        #expect(printable(first.path) == "/p")
        #expect(first.query.map { printable($0) } == "q=1?2")
        let second = try #require(try parser.readRequest(&buffer))
        #expect(printable(second.path) == "/p")
        #expect(second.query == nil)
        let third = try #require(try parser.readRequest(&buffer))
        #expect(third.query.map { printable($0) } == "")
        #expect(buffer.readableBytes == 0)
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false), ("HTTP/1.1", "connection: x, CLOSE\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false), ("HTTP/1.1", "Connection: closed\r\n", true),
        ("HTTP/1.0", "", false), ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ])
    func keepsConnectionAsVersionAndHeaderSay(_ version: String, _ line: String, _ keepsAlive: Bool) {
        #expect(readRequest("GET / \(version)\r\nHost: a\r\n\(line)\r\n").head?.keepsAlive == keepsAlive)
        #expect(readResponse("\(version) 200 OK\r\nContent-Length: 0\r\n\(line)\r\n").head?.keepsAlive == keepsAlive)
        #expect(readResponse("\(version) 200 OK\r\n\(line)\r\n").head?.keepsAlive == false, "the connection's end ends this body")
    }

    @Test(arguments: [100, 102, 103, 199, 204, 304], ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"])
    func givesNoBodyToStatusThatHasNone(_ status: Int, _ line: String) {
        let reading = readResponse("HTTP/1.1 \(status) X\r\n\(line)\r\nnext")
        #expect(reading.head?.framing == BodyFraming.none)
        #expect(reading.isComplete)
        #expect(reading.head?.keepsAlive == true)
        #expect(reading.consumed == "HTTP/1.1 \(status) X\r\n\(line)\r\n".utf8.count)
    }

    @Test func letsTheBytesAfterAnUpgradeRunToTheClose() {
        let head = readResponse("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").head
        #expect(head?.framing == .untilClose)
        #expect(head?.isUpgrade == true)
        #expect(head?.keepsAlive == false)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", false),
        ("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx", false),
        ("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false),
    ])
    func tellsWhoWantsWebSocket(_ text: String, _ wants: Bool) {
        #expect(readRequest(text).head?.wantsWebSocket == wants)
    }

    @Test func givesNoBodyToAnswerOfHead() {
        #expect(readResponse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", toHead: true).head?.framing == BodyFraming.none)
        #expect(readResponse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", toHead: true).isComplete)
        #expect(readResponse("HTTP/1.1 200 OK\r\n\r\n", toHead: true).head?.keepsAlive == true)
        #expect(readResponse("HTTP/1.1 200 OK\r\n\r\n").head?.framing == .untilClose)
    }

    @Test func tellsInterimAnswersFromFinalOnes() throws {
        for (status, isInterim) in [(100, true), (101, false), (103, true), (200, false)] {
            var parser = HeadParser()
            var buffer = ByteBuffer(string: "HTTP/1.1 \(status)\r\n\r\n")
            let head = try #require(try parser.readResponse(&buffer, toHead: false))
            #expect(head.isInterim == isInterim)
            #expect(head.reason.isEmpty)
        }
    }

    @Test func listsNamesInConnectionInLowerCase() throws {
        var parser = HeadParser()
        var buffer = ByteBuffer(
            string: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-One\r\nconnection: keep-alive ,\tx-TWO\r\n\r\n")
        let head = try #require(try parser.readRequest(&buffer))
        #expect(head.block.connectionNames.map { printable($0) } == ["x-one", "x-two"])
        #expect(head.block.first(.connection).map { printable($0) } == "close, X-One")
    }

    @Test(arguments: [
        ("host", KnownHeader.host), ("HOST", .host), ("Transfer-Encoding", .transferEncoding), ("x-inference-task", .inference),
        ("X-INFERENCE-", .inference),
        ("x-inference", .other), ("Content_Length", .other), ("content-lengthx", .other), ("X-Goog-Api-Key", .xGoogAPIKey),
        ("proxy-authorization", .proxyAuthorization), ("a", .other),
    ])
    func classifiesNameWhateverItsCase(_ name: String, _ known: KnownHeader) {
        #expect(KnownHeader.classify(Array(name.utf8).span, 0, name.utf8.count) == known)
    }
}
