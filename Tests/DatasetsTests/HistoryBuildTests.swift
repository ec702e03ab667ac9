// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Builds over requests whose history the provider keeps, against twins that say their history themselves.
@Suite struct HistoryBuildTests {
    /// One exchange of a conversation: what it continues, and its whole history.
    private struct Step {
        let number: UInt64
        let before: UInt64?
        /// Users' and assistants' turns, the last one the question.
        let turns: [String]
        let answer: String
    }

    /// Chains with branches, by seed.
    private static func steps(seed: UInt64) -> [Step] {
        var generator = SplitMix64(seed: seed)
        var steps: [Step] = []
        for conversation in 0..<15 {
            var own: [Step] = []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let number = UInt64(steps.count + own.count)
                let parent = Bool.random(using: &generator) ? own.last : own.randomElement(using: &generator)
                let question = TestRecords.long("question \(conversation) \(number)")
                own.append(
                    Step(
                        number: number, before: parent?.number,
                        turns: (parent.map { $0.turns + [$0.answer] } ?? []) + [question], answer: "answer \(number)"))
            }
            steps += own
        }
        return steps
    }

    private static func kept(_ step: Step) -> ExchangeRecord {
        let link = step.before.map { #","previous_response_id":"resp_\#($0)""# } ?? ""
        let question = TestRecords.quoted(step.turns.last ?? "")
        return TestRecords.record(
            step.number, api: .openaiResponses, request: #"{"model":"m","input":\#(question)\#(link)}"#,
            answer:
                #"{"id":"resp_\#(step.number)","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"\#(step.answer)"}]}]}"#
        )
    }

    private static func said(_ step: Step) -> ExchangeRecord { TestRecords.chat(step.number, step.turns, answer: step.answer) }

    private static func recipe() -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 400_000
        return recipe
    }

    private static func build(
        _ scratch: Scratch, _ inputs: [ExchangeRecord], others: [ExchangeRecord] = [], to name: String
    ) throws -> DatasetReport {
        try DatasetBuild.run(
            recipe: recipe(),
            source: MemorySource(inputs.map { TestRecords.input($0) }, others: others.map { TestRecords.input($0) }),
            output: "\(scratch.path)/\(name)", files: scratch.files, tool: "weir test")
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func rowsAreThoseOfTheTwinThatSaysItsHistory(seed: UInt64) throws {
        let scratch = try Scratch()
        let steps = Self.steps(seed: seed)
        var generator = SplitMix64(seed: seed)
        let twin = try Self.build(scratch, steps.map(Self.said), to: "twin")
        let report = try Self.build(scratch, steps.map(Self.kept), to: "a")
        #expect(report.drops.elementsEqual(twin.drops) { $0 == $1 })
        #expect(report.trainRows == twin.trainRows && report.evalRows == twin.evalRows && report.evalRows > 0)
        for file in ["train.jsonl", "eval.jsonl"] {
            #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "twin"))
        }
        for order in 0..<3 {
            _ = try Self.build(scratch, steps.map(Self.kept).shuffled(using: &generator), to: "b\(order)")
            for file in DatasetOutput.files {
                #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "b\(order)"), "\(file)")
            }
        }
        // Nothing is left beside the set.
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/a")
        #expect(Set(names) == Set(DatasetOutput.files))
    }

    /// What is needed may lie outside the selection, and may itself be no row.
    @Test(arguments: [6, 7, 8] as [UInt64]) func historiesComeFromWhatIsNotSelected(seed: UInt64) throws {
        let scratch = try Scratch()
        let steps = Self.steps(seed: seed)
        let parents = Set(steps.compactMap(\.before))
        let selected = steps.filter { !parents.contains($0.number) }
        let others = steps.filter { parents.contains($0.number) }.map { step in
            var record = Self.kept(step)
            // It did not end well, but its answer was read whole.
            if step.number % 2 == 0 { record.head.outcome = .clientClosed }
            return record
        }
        let report = try Self.build(scratch, selected.map(Self.kept), others: others, to: "a")
        #expect(report.trainRows + report.evalRows > 0 && report.drops.allSatisfy { $0.reason != .historyMissing })
        #expect(report.seen == Int64(selected.count))
        let own = try scratch.lines("train.jsonl", in: "a") + scratch.lines("eval.jsonl", in: "a")
        #expect(own.count > 5)
        for line in own {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let messages = try #require(row["messages"] as? [[String: Any]])
            let step = try #require(steps.first { $0.answer == messages.last?["content"] as? String })
            #expect(messages.map { $0["content"] as? String } == step.turns + [step.answer])
        }
        let manifest = try scratch.text("manifest.json", in: "a")
        #expect(manifest.contains(#""history_records":\#(others.count)"#))
        // The same set again, in another order.
        let again = try Self.build(scratch, selected.map(Self.kept).reversed(), others: others.reversed(), to: "b")
        #expect(again.manifestSHA256 == report.manifestSHA256)
    }

    @Test(arguments: [9, 10, 11] as [UInt64]) func whatIsMissingIsNamed(seed: UInt64) throws {
        let scratch = try Scratch()
        let steps = Self.steps(seed: seed)
        var generator = SplitMix64(seed: seed)
        let gone = Set(steps.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }.map(\.number))
        let there = steps.filter { !gone.contains($0.number) }
        var missing: Int64 = 0
        for step in there {
            var next = step.before
            while let number = next {
                if gone.contains(number) {
                    missing += 1
                    break
                }
                next = steps[Int(number)].before
            }
        }
        let report = try Self.build(scratch, there.map(Self.kept).shuffled(using: &generator), to: "a")
        #expect(missing > 0 && report.drops.first { $0.reason == .historyMissing }?.count == missing)
        #expect(report.seen == Int64(there.count))
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
    }

    /// Instructions of their own keep histories from having a turn in common: the ids of the responses hold them together.
    @Test func requestsOfOneHistoryStayTogetherWhateverTheirInstructions() throws {
        let scratch = try Scratch()
        var inputs: [ExchangeRecord] = []
        for conversation in 0..<20 {
            for step in 0..<3 {
                let number = UInt64(conversation * 3 + step)
                let link = step > 0 ? #","previous_response_id":"resp_\#(number - 1)""# : ""
                let question = TestRecords.quoted(TestRecords.long("question \(number)"))
                inputs.append(
                    TestRecords.record(
                        number, api: .openaiResponses,
                        request: #"{"model":"m","instructions":"Number \#(number).","input":\#(question)\#(link)}"#,
                        answer:
                            #"{"id":"resp_\#(number)","status":"completed","output":[{"type":"message","role":"assistant","content":"a\#(number)"}]}"#
                    ))
            }
        }
        let report = try Self.build(scratch, inputs, to: "a")
        #expect(report.trainRows > 0 && report.evalRows > 0 && report.largestGroup == 3)
        var groups: Set<String> = []
        for line in try scratch.lines("lineage.jsonl", in: "a") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            groups.insert(try #require(row["group"] as? String))
        }
        #expect(groups.isSubset(of: Set((0..<20).map { TestRecords.id(UInt64($0 * 3)).description })))
    }

    // MARK: The spill

    @Test(arguments: 0..<50) func aResponseIsWhatItWasWhenItIsReadBack(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed))
        func text() -> String {
            ["", "a", "é \"q\"\n", "字\u{0}", String(repeating: "x", count: 300)].randomElement(using: &generator) ?? ""
        }
        func block(_ depth: Int) -> ContentBlock {
            switch Int.random(in: 0..<(depth > 0 ? 4 : 5), using: &generator) {
            case 0: .text(text())
            case 1: .image(text())
            case 2: .reasoning(text())
            case 3: .toolCall(ToolCall(id: text(), name: text(), arguments: text()))
            default:
                .toolResult(
                    callID: text(), content: (0..<Int.random(in: 0...3, using: &generator)).map { _ in block(depth + 1) },
                    isError: Bool.random(using: &generator))
            }
        }
        var response = RecordedResponse(turns: [], continues: [nil, .response("r"), .conversation("")][seed % 3])
        response.changes = RowChanges(rawValue: UInt32.random(in: 0..<4_096, using: &generator))
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let role: TurnRole = [.system, .user, .assistant, .tool].randomElement(using: &generator) ?? .user
            response.turns.append(
                CanonicalTurn(role: role, blocks: (0..<Int.random(in: 0...3, using: &generator)).map { _ in block(0) }))
        }
        let bytes = HistoryCoding.encode(response)
        #expect(HistoryCoding.decode(bytes) == response)
        #expect(HistoryCoding.decode(bytes + [0]) == nil)
        for count in 0..<min(bytes.count, 400) { #expect(HistoryCoding.decode(Array(bytes.prefix(count))) == nil) }
    }
}
