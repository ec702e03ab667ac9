// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// Messages that mutation starts from.
enum Seeds {
    static let requests: [String] = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /v1/models?limit=3&x=%20 HTTP/1.1\r\nHost: example.org:8080\r\nAccept: */*\r\n\r\n",
        "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\nx-api-key: k\r\n\r\n{}",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;a=b;c\r\nhello\r\n0;last=\"q\\\"q\"\r\nX-T: v\r\n\r\n",
        "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nTrailer: x-sum\r\n\r\n0\r\nX-Sum: 1\r\nX-Two: 2 \r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
        "DELETE /a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "PATCH /a HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, X-Y\r\nX-Y: 1\r\nContent-Length: 1\r\n\r\nz",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nEmpty:\r\nSpaces: \t  v  v \t\r\nX: \u{e9}\r\nX: 2\r\nx: 3\r\n\r\n",
        "\r\nGET /a HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=\"d\"\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n0123456789",
        "GET /!$&'()*+,;=:@-._~%41?a[b]={c}|^`\\\" HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nKeep-Alive: timeout=5\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
    ]

    static let responses: [String] = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "9\r\ndata: 1\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1;x\r\na\r\n0\r\nX-Sum: 5\r\n\r\n",
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nuntil the end",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\nContent-Length:0\r\n\r\n",
        "HTTP/1.1 301 Moved\tX \u{e9}\r\nLocation: /b\r\nContent-Length: 00\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nX-A: \r\nX-B:\t\r\nContent-Length: 3 \r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nConnection: close, x\r\nTransfer-Encoding:chunked\r\n\r\n00A\r\n0123456789\r\n000\r\n\r\n",
    ]

    /// Header lines that decide framing, or nearly do.
    static let lines: [String] = [
        "Content-Length: 5", "Content-Length: 0", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length: 0x5",
        "Content-Length:",
        "Content-Length: 18446744073709551621", "Content-Length : 5", "Content-Length: 5 5", "Content-Length: -1",
        "content-length:\t5\t",
        "Content-Length\u{0}: 5", "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding:\u{b}chunked", "Transfer-Encoding: chunked,",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked", "Transfer-Encoding:", "transfer-encoding: Chunked \t", " Transfer-Encoding: chunked",
        "Host: b", "Host:",
        "Connection: close", "Connection: keep-alive", "Connection: close, keep-alive", "Connection: Upgrade", "Upgrade: h2c",
        "Connection:,close",
        "Connection: keep-alive, close", "Connection: closed", "Connection: close ,x", "Connection: \"close\"",
        "Connection: upgrade, close",
        "Proxy-Connection: keep-alive", "X: a\rb", "X: a\u{0}b", " folded", "\tfolded", ": empty name", "X", "X Y: z",
        "X: \u{7f}",
        "Trailer: a", "TE: chunked", "Keep-Alive: 5", "Expect: 100-continue", "X-\u{e9}: 1",
    ]

    /// Short texts that parsers disagree over.
    static let tokens: [String] = [
        "\r\n", "\r", "\n", "\n\n", "\r\r\n", "\r\n\r\n", "\t", " ", "  ", "\u{b}", "\u{c}", "\u{0}", ":", "::", ";", ",", "=",
        "\"", "\\", "0", "00", "1", "5",
        "F", "f", "g", "0x", "+", "-", "_", "#", "?", "*", "/", "//", "@", "http://a/", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2",
        "HTTP/2.0", "HTTP/0.9",
        "chunked", "identity", "0\r\n\r\n", "5\r\nhello\r\n", "1\r\na\r\n", ";a", ";a=b", ";a=\"b c\"", "; a", ";", ";=", ";a=",
        ";a;b", ";a=b=c",
        ";a=\"\\\"\"", ";a=\"\u{e9}\"", "FFFFFFFFFFFFFFFF", "7FFFFFFFFFFFFFF", "100", "101", "199", "204", "304", "\u{80}",
        "\u{ff}", "GET", "CONNECT", "PRI",
        "M-SEARCH", "get", "QUERY", "SOURCE",
    ]

    /// Messages known to be sound, sent after another to see where that one ended.
    static let nextRequest = "GET /next HTTP/1.1\r\nHost: next\r\nX-Next: 1\r\n\r\n"
    static let nextResponse = "HTTP/1.1 299 Next\r\nX-Next: 1\r\nContent-Length: 0\r\n\r\n"
}

/// Changes a message at random places, the same way for the same seed.
struct Mutator {
    private var random: SplitMix64
    private let texts: [[UInt8]]
    private static let lines = Seeds.lines.map { Array($0.utf8) + [0x0D, 0x0A] }
    private static let tokens = Seeds.tokens.map { Array($0.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) }

    init(_ texts: [[UInt8]], seed: UInt64) {
        self.texts = texts
        random = SplitMix64(seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }

    mutating func message() -> [UInt8] {
        var bytes = texts[random.below(texts.count)]
        for _ in 0..<(1 + random.below(3)) { mutate(&bytes) }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let at = random.below(bytes.count)
        switch random.below(12) {
        case 0: if !bytes.isEmpty { bytes[at] = UInt8(truncatingIfNeeded: random.next()) }
        case 1: if !bytes.isEmpty { bytes[at] ^= 1 << UInt8(random.below(8)) }
        case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
        case 3: if !bytes.isEmpty { bytes.remove(at: at) }
        case 4, 5: bytes.insert(contentsOf: Self.tokens[random.below(Self.tokens.count)], at: at)
        case 6: replaceWithToken(&bytes, at)
        case 7, 8: insertLine(&bytes, Self.lines[random.below(Self.lines.count)])
        case 9: duplicateLine(&bytes)
        case 10: if !bytes.isEmpty { bytes.removeSubrange(lineRange(bytes)) }
        default: splice(&bytes, at)
        }
    }

    private mutating func replaceWithToken(_ bytes: inout [UInt8], _ at: Int) {
        let token = Self.tokens[random.below(Self.tokens.count)]
        bytes.replaceSubrange(at..<min(bytes.count, at + token.count), with: token)
    }

    private mutating func insertLine(_ bytes: inout [UInt8], _ line: [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes.insert(contentsOf: line, at: lineRange(bytes).upperBound)
    }

    private mutating func duplicateLine(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let range = lineRange(bytes)
        bytes.insert(contentsOf: Array(bytes[range]), at: lineRange(bytes).upperBound)
    }

    private mutating func splice(_ bytes: inout [UInt8], _ at: Int) {
        let other = texts[random.below(texts.count)]
        bytes = Array(bytes.prefix(at)) + other.suffix(random.below(other.count))
    }

    /// A random line with its line feed.
    private mutating func lineRange(_ bytes: [UInt8]) -> Range<Int> {
        let at = random.below(bytes.count)
        let start = bytes[..<at].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let end = bytes[at...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
        return start..<max(start, end)
    }
}
