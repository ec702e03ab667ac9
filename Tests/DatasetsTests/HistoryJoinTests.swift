// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import TestSupport
import Testing

@testable import Datasets

@Suite struct HistoryJoinTests {
    private func turn(_ role: TurnRole, _ text: String) -> CanonicalTurn { CanonicalTurn(role: role, blocks: [.text(text)]) }

    /// Three exchanges of one conversation, each with instructions of its own, a tool's call answered across the border.
    @Test func historyComesBeforeWhatTheRequestSays() throws {
        let exchanges = [
            (
                #"{"instructions":"One.","input":"Hi"}"#,
                #"{"id":"r1","status":"completed","output":[{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"b","name":"f","arguments":"{}"}]}"#
            ),
            (
                #"{"instructions":"Two.","previous_response_id":"r1","input":[{"type":"function_call_output","call_id":"b","output":"2"},{"type":"function_call_output","call_id":"a","output":"1"}]}"#,
                #"{"id":"r2","status":"completed","output":[{"type":"message","role":"assistant","content":"Done."}]}"#
            ), (#"{"instructions":"Three.","previous_response_id":"r2","input":"Thanks"}"#, ConversationReaderTests.goodItems),
        ]
        var recorded: [String: RecordedResponse] = [:]
        var joined: [CanonicalRequest] = []
        for (body, answer) in exchanges {
            let (request, read) = try Conversations.read(.openaiResponses, body, answer)
            joined.append(try HistoryJoin.complete(request) { recorded[$0] })
            if let id = read.responseID { recorded[id] = RecordedResponse(request: request, answer: read) }
        }
        #expect(joined.map(\.continues) == [nil, nil, nil])
        #expect(joined[0].turns == [turn(.system, "One."), turn(.user, "Hi")])
        #expect(joined[1].turns.map(\.role) == [.system, .user, .assistant, .tool, .tool])
        #expect(joined[1].turns[0] == turn(.system, "Two."))
        #expect(joined[1].turns.map(\.answeredCall) == [nil, nil, nil, "a", "b"])
        #expect(joined[1].changes == .toolResultsReordered)
        #expect(joined[2].turns.map(\.joinedText) == ["Three.", "Hi", "", "1", "2", "Done.", "Thanks"])
        // By itself, the second is no conversation and no row.
        #expect(Conversations.row(.openaiResponses, exchanges[1].0, exchanges[1].1) == "history_missing")
    }

    @Test func theLinkIsReadInEachForm() throws {
        func link(_ members: String) throws -> HistoryLink? {
            try ConversationReader.request(Conversations.record(.openaiResponses, #"{"input":"q"\#(members)}"#, nil)).continues
        }
        #expect(try link("") == nil)
        #expect(try link(#","previous_response_id":null,"conversation":null"#) == nil)
        #expect(try link(#","previous_response_id":"r""#) == .response("r"))
        #expect(try link(#","conversation":"c""#) == .conversation("c"))
        #expect(try link(#","conversation":{"id":"c"}"#) == .conversation("c"))
        #expect(throws: DropReason.requestMalformed) { try link(#","previous_response_id":7"#) }
        #expect(throws: DropReason.requestMalformed) { try link(#","conversation":{}"#) }
    }

    private func complete(_ link: HistoryLink, _ recorded: [String: RecordedResponse]) throws -> [String] {
        var request = CanonicalRequest()
        request.turns = [turn(.user, "q")]
        request.continues = link
        return try HistoryJoin.complete(request) { recorded[$0] }.turns.map(\.joinedText)
    }

    @Test func missingLinksAndCyclesAreNamed() {
        let one = RecordedResponse(turns: [turn(.user, "a"), turn(.assistant, "b")], continues: nil)
        #expect(throws: DropReason.historyMissing) { try complete(.response("x"), ["r": one]) }
        #expect(throws: DropReason.historyMissing) { try complete(.conversation("r"), ["r": one]) }
        let own = RecordedResponse(turns: one.turns, continues: .response("r"))
        #expect(throws: DropReason.historyMissing) { try complete(.response("r"), ["r": own]) }
        let other = RecordedResponse(turns: one.turns, continues: .response("s"))
        #expect(throws: DropReason.historyMissing) { try complete(.response("r"), ["r": other, "s": own]) }
        #expect(throws: DropReason.historyMissing) { try complete(.response("r"), ["r": other]) }
        let within = RecordedResponse(turns: one.turns, continues: .conversation("c"))
        #expect(throws: DropReason.historyMissing) { try complete(.response("r"), ["r": within]) }
        let calling = CanonicalTurn(role: .assistant, blocks: [.toolCall(ToolCall(id: "i", name: "f", arguments: "{}"))])
        let unanswered = RecordedResponse(turns: [turn(.user, "a"), calling], continues: nil)
        #expect(throws: DropReason.unansweredToolCall) { try complete(.response("r"), ["r": unanswered]) }
        let long = RecordedResponse(turns: Array(repeating: turn(.user, "a"), count: DatasetLimits.turns + 1), continues: nil)
        #expect(throws: DropReason.conversationTooLong) { try complete(.response("r"), ["r": long]) }
    }

    /// Links drawn at random among a few responses, missing ones too: against a search by hand.
    @Test(arguments: 0..<200) func agreesWithASearchByHand(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed))
        var recorded: [String: RecordedResponse] = [:]
        let count = Int.random(in: 1...8, using: &generator)
        for number in 0..<count {
            let target = Int.random(in: -1...count + 1, using: &generator)
            let link: HistoryLink? = target < 0 ? nil : target > count ? .conversation("c") : .response("r\(target)")
            recorded["r\(number)"] = RecordedResponse(
                turns: [turn(.user, "u\(number)"), turn(.assistant, "a\(number)")], continues: link)
        }
        var expected: [String]? = ["q"]
        var at: HistoryLink? = .response("r0")
        for _ in 0...count + 1 {
            guard let link = at, let so = expected else { break }
            guard case .response(let id) = link, let found = recorded[id] else {
                expected = nil
                break
            }
            expected = found.turns.map(\.joinedText) + so
            at = found.continues
        }
        // As many steps as there are responses, and still more to come: a cycle.
        if at != nil { expected = nil }
        #expect((try? complete(.response("r0"), recorded)) == expected)
    }
}
