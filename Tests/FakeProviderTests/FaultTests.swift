// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing

@testable import FakeProvider

private let chat = "/v1/chat/completions"
private let plainBody = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello there"}]}"#
private let streamBody = #"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello there"}]}"#

@Suite struct FaultTests {
    @Test(arguments: [(429, "requests"), (500, "server_error"), (503, "server_error"), (400, "invalid_request_error")])
    func ordersAnError(status: Int, type: String) async throws {
        try await withServer { server, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: status=\(status);retry_after=2"])
            #expect(answer.status == status && answer.header("retry-after") == "2")
            #expect(try answer.json().text("error.type") == type)
            #expect(server.counts().byStatus == [status: 1])
        }
    }

    @Test(arguments: [(429, "rate_limit_error"), (529, "overloaded_error"), (500, "api_error")])
    func ordersAnAnthropicError(status: Int, type: String) async throws {
        try await withServer { _, port in
            let answer = try await post("/v1/messages", "{}", port: port, headers: ["X-Fake: status=\(status)"])
            #expect(answer.status == status)
            let json = try answer.json()
            #expect(json.text("error.type") == type && json.text("request_id") == answer.header("request-id"))
        }
    }

    @Test(arguments: [0, 1, 120, 500]) func cutsAStreamAfterSoManyBytes(limit: Int) async throws {
        try await withServer { server, port in
            let whole = try await post(chat, streamBody, port: port)
            let answer = try await post(chat, streamBody, port: port, headers: ["x-fake: cut=\(limit)"])
            #expect(answer.status == 200 && !answer.framed.isWhole && !answer.wasReset)
            #expect(answer.body == Array(whole.body.prefix(limit)))
            #expect(server.counts().cuts == 1)
        }
    }

    @Test func resetsAPlainAnswerInTheMiddle() async throws {
        try await withServer { _, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: cut=50;rst=1"])
            #expect(answer.wasReset && answer.body.count <= 50 && !answer.framed.isWhole)
        }
    }

    @Test func leavesAnAnswerWholeThatEndsBeforeTheCut() async throws {
        try await withServer { _, port in
            let got = try await post(chat, plainBody, port: port, headers: ["x-fake: cut=1000000"])
            #expect(got.framed.isWhole)
        }
    }

    @Test func dropsTheConnectionBeforeAnyByte() async throws {
        try await withServer { _, port in
            let got = try await post(chat, plainBody, port: port, headers: ["x-fake: drop=1"])
            #expect(got.bytes.isEmpty)
        }
    }

    @Test func waitsAsLongAsOrdered() async throws {
        try await withServer { _, port in
            let order = "x-fake: ttft_ms=60;gap_ms=10;tokens=5;stall_ms=80"
            for body in [plainBody, streamBody] {
                let begin = NIODeadline.now()
                let got = try await post(chat, body, port: port, headers: [order])
                #expect(got.framed.isWhole)
                #expect(NIODeadline.now() - begin >= .milliseconds(60 + 40 + 80))
            }
        }
    }

    @Test func leavesUsageOutWhenOrdered() async throws {
        try await withServer { _, port in
            let got = try await post(chat, plainBody, port: port, headers: ["x-fake: no_usage=1"])
            let json = try got.json()
            #expect(json["usage"] == nil)
        }
    }

    @Test func closesAfterTheAnswerWhenOrdered() async throws {
        try await withServer { _, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: close=1"], closes: false)
            #expect(answer.framed.isWhole && answer.header("connection") == "close")
        }
    }

    @Test(arguments: [
        "status=200", "status=abc", "bogus=1", "status=500;", "status", "cut=-1", "rst=2", "tokens=0", "status=500;status=500",
        " status=500;rst=x", "ttft_ms=99999999999999999999", "",
    ])
    func refusesABadOrder(order: String) async throws {
        try await withServer { _, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: \(order)"])
            #expect(answer.status == 400)
            #expect(try answer.json().text("error.message")?.contains("x-fake") == true)
        }
    }

    @Test func drawsFaultsAboutAsOftenAsTheScriptSays() async throws {
        var script = FakeProviderScript.instant
        script.faults = FakeFaultRates(serverError: 0.2, rateLimited: 0.2, overloaded: 0.2)
        let planner = AnswerPlanner(script: script)
        var counts: [Int: Int] = [:]
        for i in 0..<1_000 {
            let body = Array(#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"\#(i)"}]}"#.utf8)
            counts[planner.plan(.asked("/v1/messages"), body: body) { _ in 0 }.status, default: 0] += 1
        }
        for status in [500, 429, 529] { #expect((150...250).contains(counts[status] ?? 0)) }
        #expect((330...470).contains(counts[200] ?? 0))
    }

    @Test func aRepeatedRequestMaySucceed() {
        var script = FakeProviderScript.instant
        script.faults = FakeFaultRates(serverError: 0.5)
        let planner = AnswerPlanner(script: script)
        let statuses = (0..<40).map { n in planner.plan(.asked(chat), body: Array(plainBody.utf8)) { _ in n }.status }
        #expect(Set(statuses) == [200, 500])
    }
}

extension SeenRequest {
    static func asked(_ target: String, headers: [SeenHeader] = []) -> SeenRequest {
        SeenRequest(
            ordinal: 0, connection: 0, method: "POST", target: target, headers: headers, body: [], bodyByteCount: 0, isWhole: true
        )
    }
}
