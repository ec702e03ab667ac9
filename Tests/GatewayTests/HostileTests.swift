// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Testing

@testable import Gateway

/// Hostile callers on raw sockets: each answer is named, and afterwards the gateway is as it was.
@Suite(.serialized) struct HostileTests {
    @Test func refusesHeadsOfTwoMeanings() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let cases = HostileHeads.lengths + HostileHeads.lineEnds + HostileHeads.startLines
        let count = try await withHostileGateway(provider) { bench, findings in
            for hostile in cases { await bench.check(hostile, findings) }
            // What stands behind the one refusal that keeps its connection is a request of its own.
            findings.check(
                provider.requests.map(\.text) == ["next"], "the provider saw \(provider.requests.map(\.lines))")
        }
        #expect(count >= 120)
    }

    @Test func passesWhatIsOddButClear() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        try await withHostileGateway(provider) { bench, findings in
            for hostile in HostileHeads.allowed { await bench.check(hostile, findings) }
            let lines = provider.requests.compactMap(\.lines.first)
            for line in [
                "post /v1/responses HTTP/1.1", "GET /v1/../../etc/passwd HTTP/1.1", "GET /v1/%%zz%0/%00?%=%2 HTTP/1.1",
                "GET /v1/a\\..\\b HTTP/1.1", "GET /v1/%c0%ae%c0%ae/x HTTP/1.1",
            ] { findings.check(lines.contains(line), "not passed as it came: \(line)") }
            findings.check(
                provider.requests.allSatisfy { $0.header("upgrade") == nil && $0.header("connection") == nil },
                "an upgrade was passed on")
        }
    }

    @Test func refusesBrokenChunks() async throws {
        // Takes whatever comes; only a request with its end would be answered.
        let provider = try RawProvider { provider, wire, _ in
            let (bytes, _) = try wire.readToEnd()
            provider.note(WireMessage(body: bytes))
        }
        try await withHostileGateway(provider) { bench, findings in
            for (name, body) in HostileHeads.chunks {
                await findings.run(name) {
                    let wire = try bench.connect()
                    try wire.send("POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
                    let answer = try wire.answer()
                    let (status, code) = name.contains("300 lines") ? (431, "headers_too_large") : (400, "bad_request")
                    findings.check(
                        answer.status == status && answer.text.contains(code), "\(name): \(answer.status) \(answer.text)")
                    findings.check(answer.header("connection") == "close", "\(name): stays open")
                    findings.check(try wire.readToEnd().bytes.isEmpty, "\(name): more was answered")
                }
            }
            // What of a body was fine may have been passed on, its end never.
            findings.check(!provider.requests.contains { $0.text.hasSuffix("\r\n0\r\n\r\n") }, "a broken body was ended")
        }
    }

    @Test func refusesBadControlHeadersAndKeepsTheConnection() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let count = try await withHostileGateway(provider) { bench, findings in
            for hostile in HostileControls.cases { await bench.check(hostile, findings) }
        }
        #expect(count >= 60)
    }

    @Test func connectsToNoAddressThatACallerMayNotName() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let count = try await withHostileGateway(provider) { bench, findings in
            for (text, end) in HostileControls.addresses {
                let url = text.replacing("PORT", with: "\(provider.port)")
                let request = post("/v1/chat/completions", "{}", ["x-inference-provider-url: \(url)"])
                await bench.check(HostileCase(text, request, end), findings)
            }
            findings.check(provider.connections == 0, "the provider was reached")
        }
        #expect(count >= 80)
    }

    @Test func followsNoRedirect() async throws {
        let trap = try RawProvider(answering: ok("trapped"))
        defer { trap.stop() }
        let statuses = [301, 302, 303, 307, 308]
        for status in statuses {
            let answer = "HTTP/1.1 \(status) Go\r\nLocation: http://127.0.0.1:\(trap.port)/\r\nContent-Length: 0\r\n\r\n"
            let provider = try RawProvider(answering: answer)
            try await withHostileGateway(provider) { bench, findings in
                await findings.run("\(status)") {
                    let got = try bench.ask(post())
                    findings.check(got.status == status && got.header("location")?.contains("\(trap.port)") == true, "\(got)")
                }
            }
        }
        #expect(trap.connections == 0)
    }

    @Test func refusesWhatIsTooLarge() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        var limits = GatewayLimits()
        limits.bodyBytes = 1_000
        limits.discardBytes = 4_000
        let large = HostileEnd.refused(431, "headers_too_large")
        let long = String(repeating: "a", count: 70_000)
        func head(_ extra: String) -> String { "GET /v1/models HTTP/1.1\r\nHost: w\r\n\(extra)\r\n" }
        func filled(to size: Int) -> String {
            head("X: " + String(repeating: "a", count: size - head("X: \r\n").utf8.count) + "\r\n")
        }
        func chunkedPost(_ body: [UInt8]) -> [UInt8] {
            Array("POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + body
        }
        let cases = [
            HostileCase("a value of 70,000 bytes", head("X: \(long)\r\n"), large),
            HostileCase("a name of 70,000 bytes", head("\(long): x\r\n"), large),
            HostileCase("a target of 70,000 bytes", "GET /\(long) HTTP/1.1\r\nHost: w\r\n\r\n", large),
            HostileCase("a method of 70,000 bytes", "\(long) / HTTP/1.1\r\nHost: w\r\n\r\n", large),
            HostileCase("70,000 bytes without a line end", long, large),
            HostileCase("one byte over a head's limit", filled(to: 65_537), large),
            HostileCase("a head at its limit", filled(to: 65_536), .passes),
            HostileCase("257 fields", head((0..<256).map { "X\($0): a\r\n" }.joined()), large),
            HostileCase("256 fields", head((0..<255).map { "X\($0): a\r\n" }.joined()), .passes),
            HostileCase("5,000 empty fields", head(String(repeating: "X:\r\n", count: 5_000)), large),
            HostileCase(
                "a body of one byte too many", post("/v1/responses", String(repeating: "a", count: 1_001)),
                .refusedAndKept(413, "body_too_large")),
            HostileCase("a body at its limit", post("/v1/responses", String(repeating: "a", count: 1_000)), .passes),
            HostileCase(
                "a body of stated petabytes", "POST /v1/responses HTTP/1.1\r\nHost: w\r\nContent-Length: 999999999999999\r\n\r\n",
                .refusedWithOneOf(["body_too_large"])),
            HostileCase(
                "chunks of one byte too many", chunkedPost(chunked(pattern(1_001), by: 100)),
                .refusedAndKept(413, "body_too_large")),
            HostileCase(
                "one-byte chunks beyond the limit", chunkedPost(chunked(pattern(1_100), by: 1)),
                .refusedAndKept(413, "body_too_large")),
            HostileCase("chunks at the limit", chunkedPost(chunked(pattern(1_000), by: 7)), .passes),
            HostileCase(
                "a chunk without end", chunkedPost(Array("7fffffffffffff\r\n".utf8) + pattern(3_000)),
                .refusedWithOneOf(["body_too_large"])),
        ]
        try await withHostileGateway(provider, limits: limits) { bench, findings in
            for hostile in cases { await bench.check(hostile, findings) }
        }
    }

    @Test func outlastsSlowCallers() async throws {
        let body = pattern(8_000_000)
        let provider = try RawProvider { provider, wire, _ in
            while true {
                provider.note(try wire.request())
                try wire.send(Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
            }
        }
        var limits = GatewayLimits()
        limits.headMilliseconds = 300
        limits.bodyIdleMilliseconds = 300
        limits.keepAliveMilliseconds = 300
        limits.stalledCallerMilliseconds = 300
        limits.lingerMilliseconds = 300
        let begun = "POST /v1/responses HTTP/1.1\r\nHost: w\r\n"
        let answered: [(String, String, String, Int)] = [
            ("a head that drips", "GET /v1/mo", "d", 408), ("a value that drips", begun + "X: ", "a", 408),
            ("a second line that never ends", begun, "", 408), ("an empty line, then a drip", "\r\nGE", "T", 408),
            ("a body that stops", begun + "Content-Length: 10\r\n\r\nabc", "", 408),
            ("a body that never begins", begun + "Content-Length: 10\r\n\r\n", "", 408),
            ("a chunk that stops", begun + "Transfer-Encoding: chunked\r\n\r\n5\r\nab", "", 408),
            ("a chunk line that stops", begun + "Transfer-Encoding: chunked\r\n\r\n5", "", 408),
            ("trailers that stop", begun + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", "", 408),
        ]
        try await withHostileGateway(provider, limits: limits) { bench, findings in
            await withTaskGroup(of: Void.self) { group in
                for (name, first, drip, status) in answered {
                    group.addTask {
                        await findings.run(name) {
                            let wire = try bench.connect()
                            try wire.send(first)
                            while !wire.hasInput(milliseconds: 40) { if !drip.isEmpty { try? wire.send(drip) } }
                            let answer = try wire.answer()
                            findings.check(answer.status == status, "\(name): \(answer.status) \(answer.text)")
                            findings.check(try wire.readToEnd().bytes.isEmpty, "\(name): more was answered")
                        }
                    }
                }
                for (name, first) in [
                    ("a caller that says nothing", ""),
                    ("a refused body that never comes", begun + "X-Inference-Provider: x\r\nContent-Length: 9\r\n\r\n"),
                ] {
                    group.addTask {
                        await findings.run(name) {
                            let wire = try bench.connect()
                            if !first.isEmpty {
                                try wire.send(first)
                                findings.check(try wire.answer().status == 400, name)
                            }
                            findings.check(try wire.readToEnd().bytes.isEmpty, "\(name): was answered")
                        }
                    }
                }
                group.addTask {
                    await findings.run("a caller that never reads") {
                        let wire = try bench.connect(receiveBuffer: 4_096)
                        try wire.send(post())
                        try await eventually("its exchange is given up") {
                            await bench.server.runningExchanges() == 0 && !provider.requests.isEmpty
                        }
                        wire.close()
                    }
                }
                await group.waitForAll()
            }
        }
    }

    /// A request that ends after each of its bytes.
    @Test(arguments: [false, true]) func outlastsRequestsCutAnywhere(byReset: Bool) async throws {
        let request = Array((post("/v1/responses", "abcdefghij", ["X-A: 1", "x-inference-task-id: t"])).utf8)
        let chunks = Array(
            "POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n".utf8)
        let provider = try RawProvider(answering: ok("reached"))
        try await withHostileGateway(provider) { bench, findings in
            for bytes in [request, chunks] {
                for count in 1..<bytes.count {
                    await findings.run("cut after \(count)") {
                        let wire = try bench.connect()
                        try wire.send(Array(bytes[..<count]))
                        if byReset { return wire.reset() }
                        wire.finishSending()
                        let rest = try wire.readToEnd()
                        findings.check(rest.bytes.isEmpty, "cut after \(count): \(String(decoding: rest.bytes, as: UTF8.self))")
                    }
                }
            }
            findings.check(try bench.ask(post()).text == "reached", "no longer answers")
            // A provider may have seen beginnings, but only one whole request.
            findings.check(provider.requests.count == 1, "\(provider.requests.count) whole requests came of halves")
        }
    }

    @Test func bodiesThatAreNotWhatTheySayPassAndAreRecorded() async throws {
        let rubbish: [UInt8] = [0x1F, 0x8B, 0, 1, 2, 3, 0xFF, 0xFE, 0xC3, 0x28]
        for coding in ["gzip", "br", "zstd", "deflate", "gzip, br", "none-such"] {
            let provider = try RawProvider(
                answering: Array(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\nContent-Length: \(rubbish.count)\r\n\r\n".utf8) + rubbish)
            let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
                let wire = try bench.connect()
                try wire.send(
                    Array(
                        "POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nContent-Encoding: \(coding)\r\nContent-Length: \(rubbish.count)\r\n\r\n"
                            .utf8) + rubbish)
                #expect(try wire.answer().body == rubbish)
            }
            #expect(provider.requests.first?.body == rubbish)
            let record = try #require(records.first)
            #expect(record.head.outcome == .completed)
            #expect(
                record.requestBody.wireByteCount == Int64(rubbish.count)
                    && record.responseBody.wireByteCount == Int64(rubbish.count))
        }
    }
}
