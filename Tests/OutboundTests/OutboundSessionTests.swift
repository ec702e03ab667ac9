// SPDX-License-Identifier: Apache-2.0
import Outbound
import Testing

@Suite struct OutboundSessionTests {
    private static var direct: OutboundRoute {
        var route = OutboundRoute()
        route.proxy = .direct
        return route
    }

    @Test func notesWhenBytesCame() throws {
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        let server = try LoopbackServer { _ in
            LoopbackServer.Reply(pieces: [head, "5\r\nhello\r\n", "6\r\n world\r\n", "0\r\n\r\n"])
        }
        defer { server.stop() }
        let answer = try OutboundSession(route: OutboundSessionTests.direct).request("GET", server.url)
        #expect(answer.body == Array("hello world".utf8))
        #expect(answer.arrivals.first?.offset == 0)
        #expect(answer.arrivals.map(\.timeUs) == answer.arrivals.map(\.timeUs).sorted())
        #expect(answer.arrivals.allSatisfy { $0.timeUs >= 0 && $0.offset < 11 })
    }

    @Test func goesOnAfterAFailureAndAfterAClosedConnection() throws {
        let server = try LoopbackServer { _ in
            LoopbackServer.Reply(pieces: ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        }
        let session = try OutboundSession(route: OutboundSessionTests.direct)
        #expect(throws: OutboundError.self) { try session.request("GET", "ftp://x") }
        #expect(try session.request("POST", server.url, body: Array("one".utf8)).status == 200)
        // The server closes after every answer; nothing of the first request is left in the second.
        #expect(try session.request("GET", server.url).status == 200)
        let seen = server.seen
        #expect(seen.count == 2 && seen[0].hasSuffix("one") && seen[1].hasPrefix("GET / HTTP/1.1\r\n"))
        #expect(seen[1].hasSuffix("\r\n\r\n") && !seen[1].lowercased().contains("content-length"))
        server.stop()
        #expect(throws: OutboundError.self) { try session.request("GET", server.url) }
    }
}
