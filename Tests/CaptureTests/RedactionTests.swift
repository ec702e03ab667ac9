// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform
import Redaction
import Testing

@testable import Capture

@Suite struct CaptureRedactionTests {
    private static let redactor: @Sendable () -> DataRedactor? = {
        DataRedactor([.email, .card], key: [UInt8](repeating: 5, count: 32))
    }

    /// By both ways: the odd byte in the second agent sends its exchange the careful one.
    @Test(arguments: ["a", "\u{E9}", "bob@example.com"]) func pseudonymsStandWhereverDataStood(agent: String) throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(
            request:
                "POST /v1/x?note=ann@example.com HTTP/1.1\r\nUser-Agent: \(agent)\r\nAuthorization: Bearer planted-0123456789\r\n\r\n",
            response: "HTTP/1.1 200 OK\r\nX-Echo: ann@example.com\r\n\r\n")
        tap.request(Array(#"{"q":"mail ann@example.com, planted-0123456789, 4111 1111 1111 1111"}"#.utf8))
        lone.clock.advance(us: 5)
        tap.response(Array("ann@example.com first ".utf8))
        lone.clock.advance(us: 5)
        tap.response(Array("then".utf8))
        tap.commit(.completed)
        _ = try #require(try lone.take())
        let redactor = try #require(Self.redactor())
        lone.view.redactor = redactor
        let line = lone.encoder.line(of: lone.view).array
        let text = String(decoding: line, as: UTF8.self)
        for planted in ["ann@example.com", "bob@example.com", "4111 1111", "planted-0123456789"] {
            #expect(!text.contains(planted), "\(planted) in \(text)")
        }
        let record = try ExchangeRecord(line: line)
        let answer = String(decoding: try #require(record.responseBody.content), as: UTF8.self)
        #expect(answer.hasSuffix(" first then") && record.responseChunks.count == 2)
        #expect(record.responseChunks.last?.offset == Int64(answer.utf8.count - 4))
        #expect(redactor.takeCounts().total >= 4)
    }

    @Test func bothWaysWriteTheSameWhereOnlyBodiesHoldSomething() throws {
        let lone = try LoneLane()
        for limit in [Int.max, 300] {
            let tap = lone.lane.begin()
            tap.heads(request: "POST /v1/x HTTP/1.1\r\nHost: h\r\n\r\n")
            for number in 0..<40 {
                tap.request(Array("person\(number)@example.com wrote\n".utf8))
                lone.clock.advance(us: 3)
                tap.response(Array("answer to person\(number % 7)@example.com\n".utf8))
            }
            tap.commit(.completed)
            let slot = try #require(try lone.take())
            lone.view.redactor = Self.redactor()
            lone.view.treatment.bodyBytes = limit
            let before = lone.encoder.carefulCount
            let line = lone.encoder.line(of: lone.view).array
            #expect(lone.encoder.carefulCount == before)
            let counts = lone.view.redactor?.takeCounts()
            #expect(line == lone.encoder.making.record(of: lone.view).encodedLine())
            #expect(counts == lone.view.redactor?.takeCounts() && counts?[.email] == 80)
            #expect(!String(decoding: line, as: UTF8.self).contains("@example.com"))
            lone.giveBack(slot)
        }
    }

    @Test func redactsByRuleAndCountsByKind() throws {
        var policy = CapturePolicy()
        var terms = CaptureTerms()
        terms.redact = [.email]
        policy.rules = [CaptureRule(tasks: ["private"], terms: terms)]
        let bench = try CaptureBench(CaptureLimits(), policy: policy)
        let lane = bench.engine.makeLane()
        for task in ["private", "plain"] {
            let tap = lane.begin()
            tap.heads(request: "POST / HTTP/1.1\r\nx-inference-task-id: \(task)\r\n\r\n")
            tap.request(Array("mail ann@example.com".utf8))
            tap.commit(.completed)
        }
        let bodies = try bench.records().map { String(decoding: $0.requestBody.content ?? [], as: UTF8.self) }
        #expect(bodies.count == 2 && !bodies[0].contains("ann@example.com") && bodies[1] == "mail ann@example.com")
        let counts = Dictionary(uniqueKeysWithValues: bench.engine.counters.redactions.map { ($0.kind, $0.count) })
        #expect(counts["email"] == 1 && counts["card"] == 0 && counts.count == DetectorKind.allCases.count)
    }
}
