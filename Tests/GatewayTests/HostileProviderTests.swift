// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Testing

@testable import Gateway

/// Hostile providers on raw sockets: what the caller gets is named, and the next exchange is not poisoned.
@Suite(.serialized) struct HostileProviderTests {
    /// What the caller must get.
    enum End: Sendable {
        /// A whole answer of Weir's own.
        case fault(Int, String)
        /// The provider's head, no more than this of the body, then a connection that ends before the answer is whole.
        case broken(after: String)
        /// The provider's answer.
        case passes(String)
    }

    struct Case: Sendable {
        let name: String
        let bytes: [UInt8]
        let end: End

        init(_ name: String, _ text: String, _ end: End = .fault(502, "upstream_protocol_error")) {
            self.name = name
            bytes = Array(text.utf8)
            self.end = end
        }
    }

    private static func answer(
        _ name: String, _ headers: String..., body: String = "abc", end: End = .fault(502, "upstream_protocol_error")
    ) -> Case {
        Case(name, (["HTTP/1.1 200 OK"] + headers).joined(separator: "\r\n") + "\r\n\r\n" + body, end)
    }

    private static func chunks(_ name: String, _ body: String, after: String) -> Case {
        Case(name, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, .broken(after: after))
    }

    static let heads: [Case] =
        [
            "HTTP/2.0 200 OK", "HTTP/1.2 200 OK", "HTTP/0.9 200 OK", "http/1.1 200 OK", "HTTP/1.1200 OK", "HTTP/1.1  200 OK",
            "HTTP/1.1 99 Low",
            "HTTP/1.1 099 Low", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 200OK",
            "HTTP/1.1", "HTTP/1.1 ",
            "ICY 200 OK", "200 OK", "garbage", "<html>", "HTTP/1.1 200 O\0K", "HTTP/1.1 200 O\u{7F}K", "\u{16}\u{03}\u{01}",
            "GET / HTTP/1.1",
        ].map { Case("status line \($0.debugDescription)", "\($0)\r\nContent-Length: 3\r\n\r\nabc") } + [
            Case("LF alone", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"),
            Case("an empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
            answer("CL and TE", "Content-Length: 3", "Transfer-Encoding: chunked"),
            answer("TE and CL", "Transfer-Encoding: chunked", "Content-Length: 3"),
            answer("CL twice", "Content-Length: 3", "Content-Length: 3"),
            answer("CL unequal", "Content-Length: 3", "Content-Length: 4"),
            answer("CL as a list", "Content-Length: 3, 3"),
            answer("CL negative", "Content-Length: -1"),
            answer("CL with an exponent", "Content-Length: 1e3"),
            answer("CL empty", "Content-Length:"),
            answer("CL huge", "Content-Length: 99999999999999999999"),
            answer("TE gzip", "Transfer-Encoding: gzip, chunked"),
            answer("TE twice", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            answer("TE identity", "Transfer-Encoding: identity"),
            answer("a folded line", "X: a\r\n b", "Content-Length: 3"),
            answer("a blank before the colon", "X : a", "Content-Length: 3"),
            answer("a name with a blank", "X Y: a", "Content-Length: 3"),
            answer("NUL in a value", "X: a\0b", "Content-Length: 3"),
            answer("a bare CR in a value", "X: a\rb", "Content-Length: 3"),
            answer("a split answer", "X: a\rHTTP/1.1 200 OK", "Content-Length: 3"),
            answer("no colon", "nothing", "Content-Length: 3"),
            answer("a head of 70,000 bytes", "X: " + String(repeating: "a", count: 70_000), "Content-Length: 3"),
            answer("300 fields", (0..<300).map { "X\($0): a" }.joined(separator: "\r\n"), "Content-Length: 3"),
            Case("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            Case(
                "a switch nobody asked for",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
            Case("an interim answer, then nothing", "HTTP/1.1 100 Continue\r\n\r\n"),
            Case(
                "33 interim answers", String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 33) + ok("abc"),
                .fault(502, "upstream_protocol_error")),
            Case(
                "32 interim answers", String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 32) + ok("abc"), .passes("abc")
            ),
            Case("interim answers without end", String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 5_000)),
            Case("an interim answer, then rubbish", "HTTP/1.1 103 Early Hints\r\n\r\nrubbish\r\n\r\n"),
        ]

    static let bodies: [Case] = [
        chunks("a chunk without a size", "zz\r\n", after: ""),
        chunks("a chunk of 17 digits", "fffffffffffffffff\r\n", after: ""),
        chunks("a size with a sign", "-3\r\nabc", after: ""),
        chunks("a chunk longer than its size", "3\r\nabcdef\r\n0\r\n\r\n", after: "3\r\nabc"),
        chunks("a chunk shorter than its size", "9\r\nabc", after: "9\r\nabc"),
        chunks("no last chunk", "3\r\nabc\r\n", after: "3\r\nabc\r\n"),
        chunks("half a last chunk", "3\r\nabc\r\n0\r\n", after: "3\r\nabc\r\n"),
        chunks("LF in a chunk line", "3\nabc\r\n0\r\n\r\n", after: ""),
        chunks("a chunk line without end", "3;a=" + String(repeating: "b", count: 2_000), after: ""),
        chunks("CL as a trailer", "3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", after: "3\r\nabc\r\n"),
        chunks("TE as a trailer", "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", after: "3\r\nabc\r\n"),
        chunks("a folded trailer", "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n", after: "3\r\nabc\r\n"),
        chunks(
            "trailers of 20 KiB", "3\r\nabc\r\n0\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n\r\n",
            after: "3\r\nabc\r\n"),
        answer("a body shorter than its length", "Content-Length: 9", end: .broken(after: "abc")),
        answer("no byte of a stated length", "Content-Length: 9", body: "", end: .broken(after: "")),
        answer(
            "a second answer behind the first", "Content-Length: 3",
            body: "abcHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON", end: .passes("abc")),
        answer("rubbish behind the answer", "Content-Length: 3", body: "abc\0\0\0\0", end: .passes("abc")),
        Case("a body where none may be", "HTTP/1.1 204 No Content\r\n\r\nPOISON", .passes("")),
        Case("a body behind 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nPOISON", .passes("")),
        answer("no length, until the close", "X: 1", end: .passes("abc")),
        Case("an early error", "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nabc", .passes("abc")),
        Case("an unknown status", "HTTP/1.1 799 What\r\nContent-Length: 3\r\n\r\nabc", .passes("abc")),
        Case("no reason", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", .passes("abc")),
    ]

    /// A provider that answers each request with the bytes of the case its path names, then closes.
    private func provider(_ cases: [Case]) throws -> RawProvider {
        try RawProvider { provider, wire, _ in
            let request = try wire.request()
            provider.note(request)
            guard let number = request.header("x-case").flatMap(Int.init), cases.indices.contains(number) else {
                return try wire.send(ok("fine", ["Connection: close"]))
            }
            try wire.send(cases[number].bytes)
            wire.finishSending()
            _ = try wire.readToEnd()
        }
    }

    private func run(_ cases: [Case], atLeast: Int) async throws {
        let count = try await withHostileGateway(try provider(cases)) { bench, findings in
            for (number, hostile) in cases.enumerated() {
                await findings.run(hostile.name) {
                    func check(_ holds: Bool, _ text: @autoclosure () -> String) {
                        findings.check(holds, "\(hostile.name): \(text())")
                    }
                    let wire = try bench.connect()
                    try wire.send(post("/v1/chat/completions", "{}", ["X-Case: \(number)"]))
                    switch hostile.end {
                    case .fault(let status, let code):
                        var got = try wire.answer()
                        while got.status < 200 { got = try wire.answer() }
                        check(got.status == status && got.text.contains(code), "\(got.status) \(got.text)")
                        check(got.header("x-weir-error-source") == "gateway", "no error source")
                        check(got.header("x-weir-attempts") == "1", "attempts: \(got.header("x-weir-attempts") ?? "none")")
                    case .broken(let after):
                        let head = try wire.read(through: "\r\n\r\n")
                        check(String(decoding: head, as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"), "no head")
                        let rest = try wire.readToEnd()
                        check(
                            after.utf8.starts(with: rest.bytes), "\(String(decoding: rest.bytes, as: UTF8.self)) \(rest.ending)")
                    case .passes(let text):
                        var got = try wire.answer()
                        while got.status < 200 { got = try wire.answer() }
                        check(got.text == text, "\(got.status) \(got.text)")
                    }
                    // The next exchange gets its own answer.
                    let next = try bench.ask(post())
                    check(next.text == "fine", "poisoned: \(next.status) \(next.text)")
                }
            }
        }
        #expect(count >= atLeast)
    }

    @Test func turnsHeadsThatAreNotHTTPIntoAFault() async throws { try await run(HostileProviderTests.heads, atLeast: 50) }

    @Test func breaksWhatBreaksAndPoisonsNothing() async throws { try await run(HostileProviderTests.bodies, atLeast: 20) }

    /// Answers that end after each of their bytes.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
    ])
    func outlastsAnswersCutAnywhere(text: String) async throws {
        let bytes = Array(text.utf8)
        let headEnd =
            text.hasPrefix("HTTP/1.1 103")
            ? bytes.count - 2
            : bytes.count - text.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n").utf8.count
        let provider = try RawProvider { _, wire, _ in
            let request = try wire.request()
            try wire.send(Array(bytes[..<(request.header("x-case").flatMap(Int.init) ?? bytes.count)]))
        }
        try await withHostileGateway(provider) { bench, findings in
            for count in 0..<bytes.count {
                await findings.run("cut after \(count)") {
                    let wire = try bench.connect()
                    try wire.send(post("/v1/chat/completions", "{}", ["X-Case: \(count)", "Connection: close"]))
                    let got = try wire.readToEnd()
                    var answer = String(decoding: got.bytes, as: UTF8.self)
                    if let early = answer.range(of: "HTTP/1.1 103"), let end = answer.range(of: "\r\n\r\n") {
                        answer.removeSubrange(early.lowerBound..<end.upperBound)
                    }
                    if count < headEnd {
                        findings.check(answer.contains("upstream_protocol_error"), "cut after \(count): \(answer)")
                    } else {
                        let body = answer.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
                        let sent = String(decoding: bytes[headEnd..<count], as: UTF8.self)
                        findings.check(sent.hasPrefix(body), "cut after \(count): \(answer)")
                        findings.check(!body.hasSuffix("0\r\nX: y\r\n\r\n"), "cut after \(count): looks whole")
                    }
                    wire.close()
                }
            }
        }
    }

    @Test func outlastsProvidersThatFloodStallOrTalkFirst() async throws {
        let provider = try RawProvider { provider, wire, _ in
            let request = try wire.request()
            provider.note(request)
            switch request.header("x-case") {
            case "interim flood":
                for _ in 0..<10 { try wire.send(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 50)) }
                try wire.send(ok("fine"))
            case "silence": _ = try wire.readToEnd()
            case "half a head":
                try wire.send("HTTP/1.1 200 OK\r\nX: ")
                _ = try wire.readToEnd()
            case "half a body":
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
                _ = try wire.readToEnd()
            case "one-byte chunks":
                try wire.send(
                    Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + chunked(pattern(50_000), by: 1))
            default: try wire.send(ok("fine"))
            }
        }
        var limits = GatewayLimits()
        limits.firstByteMilliseconds = 400
        limits.answerIdleMilliseconds = 400
        try await withHostileGateway(provider, limits: limits) { bench, findings in
            func ask(_ name: String) throws -> Wire {
                let wire = try bench.connect()
                try wire.send(post("/v1/chat/completions", "{}", ["X-Case: \(name)"]))
                return wire
            }
            await findings.run("interim flood") {
                let wire = try ask("interim flood")
                var got = try wire.answer()
                var interim = 0
                while got.status == 100 {
                    interim += 1
                    got = try wire.answer()
                }
                findings.check(
                    got.text.contains("upstream_protocol_error") && interim <= 32,
                    "interim flood: \(interim) \(got.status) \(got.text)")
            }
            for name in ["silence", "half a head"] {
                await findings.run(name) {
                    let got = try ask(name).answer()
                    findings.check(
                        got.status == 504 && got.text.contains("upstream_timeout"), "\(name): \(got.status) \(got.text)")
                }
            }
            await findings.run("half a body") {
                let wire = try ask("half a body")
                _ = try wire.read(through: "\r\n\r\n")
                findings.check(try wire.readToEnd().bytes == Array("abc".utf8), "half a body: more came")
            }
            await findings.run("one-byte chunks") {
                findings.check(
                    try ask("one-byte chunks").answer().body == chunked(pattern(50_000), by: 1), "one-byte chunks: changed")
            }
            findings.check(try bench.ask(post()).text == "fine", "no longer answers")
        }
    }

    @Test func takesNoAnswerFromAnIdleConnection() async throws {
        let provider = try RawProvider { provider, wire, index in
            let request = try wire.request()
            provider.note(request)
            try wire.send(ok("first \(index)"))
            // Behind its answer, once the connection lies in the pool, one for a request that was never made.
            guard index == 0 else { return }
            Thread.sleep(forTimeInterval: 0.05)
            try wire.send(ok("POISON"))
            _ = try wire.readToEnd()
        }
        try await withHostileGateway(provider) { bench, findings in
            findings.check(try bench.ask(post()).text == "first 0", "the first answer")
            try await eventually("the talkative connection is closed") { Sockets.held(remote: provider.port) == 0 }
            let next = try bench.ask(post()).text
            findings.check(next == "first 1", "the next answer: \(next)")
        }
    }
}
