// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

/// Bodies of which the middle was not kept.
@Suite struct CutBodyTests {
    /// The record with `dropped` bytes taken out behind the head, as capture leaves it: the joint lies where it is computed to.
    private func cut(_ exchange: Exchange, _ body: [UInt8], head: Int, dropped: Int) -> ExchangeRecord? {
        var record = exchange.record
        record.responseBody.content = Array(body[..<head]) + body[(head + dropped)...]
        record.responseBody.kept = .headTail
        record.responseBody.sha256 = String(repeating: "0", count: 64)
        record.responseChunks = []
        return record.responseBody.joint == head ? record : nil
    }

    /// Every cut that leaves head and tail of equal length, so that the joint is in the middle.
    private func cuts(_ exchange: Exchange, _ body: [UInt8]) -> [ExchangeRecord] {
        (1..<body.count / 2).compactMap { head in
            let count = 2 * head
            return body.count > count ? cut(exchange, body, head: BodyJoint.place(in: count), dropped: body.count - count) : nil
        }
    }

    private static let events = [
        #"{"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}"#,
        #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f"}}]}}]}"#,
        #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        #"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}}"#, "[DONE]",
    ]

    @Test(arguments: ["\n", "\r\n"]) func noEventAcrossTheJointIsMisread(end: String) {
        let body = Array(Self.events.map { "data: \($0)\(end)\(end)" }.joined().utf8)
        var usages = 0
        let records = cuts(Exchange(answer: ""), body)
        #expect(records.count > 100)
        for record in records {
            let got = ExchangeReader.read(record)
            #expect(got.toolCalls == nil && got.fault == .bodyCut && got.gaps == nil)
            #expect(got.modelResponded == nil || got.modelResponded == "m")
            #expect(got.finishReason == nil || got.finishReason == "stop")
            if got.usageSource != .absent {
                usages += 1
                #expect(got.usage.inputTotal == 5 && got.usage.outputTotal == 6 && got.usageSource == .reported)
            }
        }
        #expect(usages > records.count / 3)
    }

    @Test func framesAfterTheJointAreFound() {
        let frames = [
            Wire.event("messageStart", "{}"), Wire.event("contentBlockDelta", #"{"delta":{"text":"a"}}"#),
            Wire.event("messageStop", #"{"stopReason":"end_turn"}"#),
            Wire.event("metadata", #"{"usage":{"inputTokens":5,"outputTokens":6}}"#),
        ]
        let records = cuts(Exchange(api: .bedrockConverse, answer: ""), frames.flatMap { $0 })
        var usages = 0
        for record in records {
            let got = ExchangeReader.read(record)
            #expect(got.toolCalls == nil && got.fault == .bodyCut)
            if got.usageSource == .reported {
                usages += 1
                #expect(got.usage.inputTotal == 5 && got.usage.outputTotal == 6)
            }
        }
        #expect(usages > records.count / 4)
    }

    @Test func elementsAndLinesAfterTheJointAreFound() {
        let element =
            "{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"parts\": [{\"text\": \"a\"}]\n      }\n    }\n  ]\n}"
        let last = "{\n  \"candidates\": [],\n  \"usageMetadata\": {\n    \"promptTokenCount\": 5\n  }\n}"
        let array = "[" + [element, element, last].joined(separator: "\n,\n") + "\n]"
        let line = #"{"model":"q","message":{"content":"a"},"done":false}"#
        let lines = [line, line, #"{"model":"q","done":true,"prompt_eval_count":5}"#].joined(separator: "\n") + "\n"
        for (api, text) in [(APIFamily.geminiGenerate, array), (.ollama, lines)] {
            var usages = 0
            for record in cuts(Exchange(api: api, answer: ""), Array(text.utf8)) {
                let got = ExchangeReader.read(record)
                #expect(got.toolCalls == nil && got.fault == .bodyCut)
                if got.usageSource != .absent { usages += 1 }
                #expect(got.usageSource == .absent || got.usage.inputTotal == 5)
            }
            #expect(usages > 20, "\(api)")
        }
    }

    @Test func wholeMembersOfACutObjectAreRead() {
        let text =
            #"""
            {"id":"1","model":"m-1","choices":[{"message":{"content":"\#(String(repeating: "x \\\"usage\\\": {} ", count: 40))",\#
            "tool_calls":[{"usage":{"prompt_tokens":99}}]},"finish_reason":"stop"}],\#
            "usage":{"prompt_tokens":5,"completion_tokens":6},"service_tier":"flex"}
            """#
        var usages = 0
        var models = 0
        for record in cuts(Exchange(answer: "", isStream: false), Array(text.utf8)) {
            let got = ExchangeReader.read(record)
            #expect(got.toolCalls == nil && got.fault == .bodyCut)
            #expect(got.usage.inputTotal == nil || got.usage.inputTotal == 5)
            #expect(got.serviceTier == nil || got.serviceTier == "flex")
            if got.usage.inputTotal == 5 { usages += 1 }
            if got.modelResponded == "m-1" { models += 1 }
        }
        #expect(usages > 200 && models > 200)
    }

    @Test func theModelOfACutRequestStandsInHeadOrTail() {
        let long = String(repeating: "word ", count: 200)
        for text in [
            #"{"model":"m-9","stream":true,"messages":[{"content":"\#(long)"}]}"#,
            #"{"messages":[{"content":"\#(long)"}],"model":"m-9","stream":true}"#,
        ] {
            let body = Array(text.utf8)
            var record = Exchange(answer: "{}", isStream: false).record
            record.requestBody.content = Array(body[..<100]) + body[(body.count - 100)...]
            record.requestBody.kept = .headTail
            record.requestBody.sha256 = "0"
            let got = ExchangeReader.read(record)
            #expect(got.modelRequested == "m-9" && got.streamRequested)
        }
    }

    @Test func aHeadAloneEndsInsideItsLastEvent() {
        let body = Array(Exchange.events(Array(Self.events.prefix(2))).utf8)
        for count in 0...body.count {
            var record = Exchange(answer: "").record
            record.responseBody.content = Array(body[..<count])
            record.responseBody.kept = .headTail
            let got = ExchangeReader.read(record)
            #expect(got.toolCalls == nil && got.fault == (count == 0 ? nil : .bodyCut))
        }
        var record = Exchange(answer: "").record
        record.responseBody.content = nil
        record.responseBody.kept = .none
        #expect(ExchangeReader.read(record).fault == .bodyMissing)
    }

    @Test func anAnswerThatCameWithoutABodyHasNoToolCallsAndOneNotKeptAnUnknownNumber() {
        var record = Exchange(answer: "", isStream: false).record
        record.responseBody = RecordedBody()
        #expect(ExchangeReader.read(record).toolCalls == 0)
        record.responseBody.wireByteCount = 5
        #expect(ExchangeReader.read(record).toolCalls == nil)
        record.responseBody.wireByteCount = 0
        record.responseBody.kept = .none
        #expect(ExchangeReader.read(record).toolCalls == nil)
        record.responseBody.kept = .full
        record.head.status = nil
        #expect(ExchangeReader.read(record).toolCalls == nil)
    }
}
