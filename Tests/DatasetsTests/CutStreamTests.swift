// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import TestSupport
import Testing

@testable import Datasets

/// Every body of every dialect, cut at every byte and damaged at random.
@Suite struct CutStreamTests {
    struct Body: Sendable, CustomStringConvertible {
        let name: String
        let api: APIFamily
        let request: String
        let bytes: [UInt8]
        /// Whether it is one JSON text, of which no part is one.
        var isPlain = false

        var description: String { name }
    }

    static let chatRequest = #"{"messages":[{"role":"user","content":"q"}]}"#
    static let bodies: [Body] = [
        Body(
            name: "chat stream", api: .openaiChat, request: chatRequest,
            bytes: Array(
                TestRecords.events([
                    #"{"id":"i","choices":[{"index":0,"delta":{"role":"assistant","content":"é"}}]}"#,
                    #"{"choices":[{"index":1,"delta":{"content":"x"}}]}"#,
                    #"{"choices":[{"index":0,"delta":{"content":"b","tool_calls":[{"index":0,"id":"c","function":{"name":"w","arguments":"{\"x\""}}]}}]}"#,
                    #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
                    #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
                    #"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#, "[DONE]",
                ]).utf8)),
        Body(
            name: "responses stream", api: .openaiResponses, request: #"{"input":"q"}"#,
            bytes: Array(
                TestRecords.events([
                    #"{"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}}"#,
                    #"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ab"}]}}"#,
                    #"{"type":"response.completed","response":{"id":"r","status":"completed","output":[]}}"#,
                ]).utf8)),
        Body(
            name: "anthropic stream", api: .anthropicMessages, request: BedrockConversationTests.anthropicBody,
            bytes: Array(TestRecords.events(BedrockConversationTests.anthropicEvents).utf8)),
        Body(
            name: "gemini events", api: .geminiGenerate, request: GeminiConversationTests.request,
            bytes: Array(TestRecords.events(GeminiConversationTests.messages).utf8)),
        Body(
            name: "gemini array", api: .geminiGenerate, request: GeminiConversationTests.request,
            bytes: Array(GeminiConversationTests.array.utf8)),
        Body(
            name: "converse stream", api: .bedrockConverse, request: BedrockConversationTests.request,
            bytes: Frames.events(BedrockConversationTests.events)),
        Body(
            name: "invoke stream", api: .bedrockInvoke, request: BedrockConversationTests.anthropicBody,
            bytes: Frames.chunks(BedrockConversationTests.anthropicEvents)),
        Body(
            name: "cohere stream", api: .cohereChat, request: OtherConversationTests.cohereRequest,
            bytes: Array(OtherConversationTests.cohereEvents.utf8)),
        Body(
            name: "ollama lines", api: .ollama, request: OtherConversationTests.ollamaRequest,
            bytes: Array(OtherConversationTests.ollamaLines.utf8)),
        Body(
            name: "gemini plain", api: .geminiGenerate, request: GeminiConversationTests.request,
            bytes: Array(GeminiConversationTests.plain.utf8), isPlain: true),
        Body(
            name: "converse plain", api: .bedrockConverse, request: BedrockConversationTests.request,
            bytes: Array(BedrockConversationTests.plain.utf8), isPlain: true),
        Body(
            name: "chat plain", api: .openaiChat, request: chatRequest, bytes: Array(TestRecords.chatAnswer("ab").utf8),
            isPlain: true),
    ]

    /// A cut answer is refused by name, or was whole already: it never stands for less than the model said.
    @Test(arguments: bodies) func noCutGivesAShorterAnswer(body: Body) throws {
        let whole = try Conversations.read(body.api, body.request, body.bytes)
        let cuts: Set<DropReason> = [.answerMissing, .answerMalformed, .answerNotJSON, .streamCut]
        var refused = 0
        for count in 0..<body.bytes.count {
            do throws(DropReason) {
                let cut = try Conversations.read(body.api, body.request, Array(body.bytes.prefix(count)))
                #expect(cut.answer.turn == whole.answer.turn, "cut at \(count)")
                #expect(cut.answer.finishReason == whole.answer.finishReason)
            } catch {
                #expect(cuts.contains(error), "cut at \(count): \(error)")
                refused += 1
            }
        }
        // What may be missing is the end of what follows the last word: a plain text has only white space there.
        let tail = body.isPlain ? body.bytes.reversed().prefix { $0 <= 0x20 }.count : body.bytes.count / 2
        #expect(refused >= body.bytes.count - tail)
    }

    /// Requests cut at every byte are not JSON.
    @Test(arguments: bodies) func noCutRequestIsRead(body: Body) {
        let bytes = Array(body.request.utf8)
        for count in 0..<bytes.count where bytes[count...].contains(where: { $0 > 0x20 }) {
            let cut = String(decoding: bytes.prefix(count), as: UTF8.self)
            let expected = count == 0 ? "request_malformed" : "request_not_json"
            #expect(Conversations.row(body.api, cut, body.bytes) == expected, "cut at \(count)")
        }
    }

    /// Bytes changed, cut out or doubled in both bodies, and bodies of other dialects: a value or a name, never a trap.
    @Test(arguments: 0..<8) func damagedBodiesNeverTrap(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed))
        let known = Set(DropReason.allCases.map(\.rawValue))
        for _ in 0..<400 {
            let body = Self.bodies[Int.random(in: 0..<Self.bodies.count, using: &generator)]
            let other = Self.bodies[Int.random(in: 0..<Self.bodies.count, using: &generator)]
            let isForeign = Int.random(in: 0..<8, using: &generator) == 0
            let answer = damaged(isForeign ? other.bytes : body.bytes, &generator)
            let request = String(decoding: damaged(Array(body.request.utf8), &generator), as: UTF8.self)
            let outcome = Conversations.row(body.api, Bool.random(using: &generator) ? request : body.request, answer)
            #expect(outcome.hasPrefix("{") || known.contains(outcome))
        }
    }

    private func damaged(_ whole: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
        var bytes = whole
        for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: at)
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...60, using: &generator)))
            case 3: bytes.insert(contentsOf: Array("9223372036854775807".utf8), at: at)
            default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 40)], at: at)
            }
        }
        return bytes
    }

    /// Hostile shapes: deep, repeated, of the wrong kind, out of range.
    @Test(arguments: [
        "[", "{", "[]", "[[]]", "{}", "null", "0", "\"\"", "data:", "data: {}\n\n", "data: []\n\n", "event: x\n\n", ":\n\n",
        "data: {\"choices\":{}}\n\n", "data: {\"choices\":[{\"index\":-1,\"finish_reason\":\"stop\"}]}\n\n",
        #"{"candidates":{"content":{"parts":{"text":"a"}},"finishReason":"STOP","index":-9223372036854775808}}"#,
        #"{"choices":[null,{}]}"#, #"{"output":{"message":{"content":[null,[],{"toolUse":[]}]}},"stopReason":"end_turn"}"#,
        #"{"message":{"content":{"text":[]},"tool_calls":{}},"finish_reason":"COMPLETE"}"#,
        #"{"message":{"content":"a","tool_calls":[{"function":{"name":"w","arguments":"{"}}]},"done":true,"done_reason":"stop"}"#,
        "\u{0}\u{0}\u{0}\u{14}\u{0}\u{0}\u{0}\u{0}", "\u{FEFF}{}",
    ])
    func hostileAnswersAreNamed(answer: String) {
        let known = Set(DropReason.allCases.map(\.rawValue))
        for body in Self.bodies {
            let outcome = Conversations.row(body.api, body.request, answer)
            #expect(outcome.hasPrefix("{") || known.contains(outcome), "\(body.name): \(outcome)")
        }
    }

    @Test func deepAnswersAreNotJSON() {
        let deep = String(repeating: "[", count: 100_000)
        for body in Self.bodies {
            let outcome = Conversations.row(body.api, body.request, #"{"candidates":"# + deep)
            #expect(outcome == "answer_not_json" || outcome == "stream_cut", "\(body.name): \(outcome)")
        }
    }

    /// More choices, calls and parts than are told apart are refused and not gathered.
    @Test func numbersHaveLimits() {
        let choices = (0...DatasetLimits.choices).map { #"{"choices":[{"index":\#($0),"delta":{"content":"a"}}]}"# }
        #expect(Conversations.row(.openaiChat, Self.chatRequest, TestRecords.events(choices)) == "answer_malformed")
        let candidates = (0...DatasetLimits.choices).map { #"{"index":\#($0),"finishReason":"STOP"}"# }.joined(separator: ",")
        #expect(
            Conversations.row(.geminiGenerate, GeminiConversationTests.request, #"{"candidates":[\#(candidates)]}"#)
                == "answer_malformed")
        let calls = (0...DatasetLimits.callsPerTurn).map { _ in #"{"functionCall":{"name":"w"}}"# }.joined(separator: ",")
        let request = #"{"contents":[{"parts":[{"text":"q"}]},{"role":"model","parts":[\#(calls)]},{"parts":[{"text":"q"}]}]}"#
        #expect(Conversations.row(.geminiGenerate, request, GeminiConversationTests.plain) == "request_malformed")
    }
}
