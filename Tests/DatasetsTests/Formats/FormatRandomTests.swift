// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite struct FormatRandomTests {
    /// What a format makes of many rows.
    struct Outcome {
        var written = 0
        var refused: [FormatRefusal: Int] = [:]
    }

    static let variants: [ExportOptions] = [
        ExportOptions(), FormatGoldenTests.options(preference: true, weights: true, shareTools: true),
    ]

    @Test(arguments: ExportFormat.allCases) func whatIsWrittenPassesItsValidator(_ format: ExportFormat) throws {
        for profile in ExportProfile.allCases {
            for options in Self.variants {
                let outcome = try Self.run(format, profile, options, seed: 7)
                #expect(outcome.written > 20, "\(format.rawValue) \(profile.rawValue): \(outcome)")
                #expect(outcome.written + outcome.refused.values.reduce(0, +) == 1_500)
            }
        }
    }

    private static func run(_ format: ExportFormat, _ profile: ExportProfile, _ options: ExportOptions, seed: UInt64) throws
        -> Outcome
    {
        var generator = SplitMix64(seed: seed)
        var validator = FormatValidator(format, profile: profile, options: options)
        var outcome = Outcome()
        for number in 0..<1_500 {
            let row = SampleRows.random(&generator, number: number)
            do throws(FormatRefusal) {
                let line = try format.encode(row, profile: profile, options: options)
                outcome.written += 1
                #expect(!line.contains(0x0A))
                let found = validator.check(line)
                #expect(
                    found.isEmpty, "\(format.rawValue) \(profile.rawValue): \(found) in \(String(decoding: line, as: UTF8.self))")
            } catch {
                outcome.refused[error, default: 0] += 1
            }
        }
        return outcome
    }

    @Test func eachRefusalHasItsRow() {
        var reached: Set<FormatRefusal> = []
        func refuse(
            _ format: ExportFormat, _ change: (inout DatasetRow) -> Void, base: DatasetRow = SampleRows.text,
            profile: ExportProfile = .strictVendor
        ) {
            var row = base
            change(&row)
            do throws(FormatRefusal) { _ = try format.encode(row, profile: profile) } catch { reached.insert(error) }
        }
        let tools = SampleRows.tools
        refuse(.openaiSFT, { $0.answer = nil })
        refuse(.openaiSFT, { $0.answer = SampleRows.turn(.assistant, "") })
        refuse(.plain, { $0.answer = nil })
        refuse(.openaiDPO, { $0.rejected = [] })
        refuse(.openaiDPO, { $0.rejected += $0.rejected })
        refuse(.openaiDPO, { $0.rejected = [SampleRows.turn(.assistant, "Hello \"you\"")] })
        refuse(.openaiSFT, { $0.prompt = [SampleRows.turn(.system, "x")] })
        refuse(.openaiSFT, { $0.prompt = [SampleRows.result("a", "x")] })
        refuse(.lmEval, { $0.prompt += [SampleRows.turn(.assistant, "x"), SampleRows.turn(.user, "x")] })
        refuse(.fireworks, { $0.prompt.append(SampleRows.turn(.system, "x")) })
        refuse(.together, { $0.prompt.append(SampleRows.turn(.user, "x")) })
        refuse(.openaiRFT, { _ in }, base: tools)
        refuse(.openaiSFT, { $0.prompt.append(SampleRows.turn(.assistant, "x")) })
        refuse(.bedrockAnthropic, { $0.prompt[1] = SampleRows.turn(.user, "") })
        refuse(.bedrockAnthropic, { _ in }, base: tools)
        refuse(.openaiSFT, { $0.prompt[2] = SampleRows.result("b", "x") }, base: tools)
        refuse(.openaiSFT, { $0.tools[0].name = "w.x" }, base: tools)
        refuse(.openaiSFT, { $0.tools[0].parameters = Array("[]".utf8) }, base: tools)
        refuse(.mistral, { $0.tools[0].parameters = Array(#"{"type":"any"}"#.utf8) }, base: tools)
        refuse(.openaiSFT, { $0.tools += $0.tools }, base: tools)
        refuse(.openaiSFT, { $0.tools = Array(repeating: SampleRows.tool, count: 129) }, base: tools)
        refuse(.openaiSFT, { $0.prompt[1] = SampleRows.call("a", "oops") }, base: tools)
        refuse(.openaiSFT, { $0.prompt[1].blocks.append(.text("after")) }, base: tools)
        refuse(.mistral, { $0.prompt[1] = SampleRows.call("a", "{}", text: "so") }, base: tools)
        refuse(.together, { $0.prompt[1].blocks.append(.image("https://x/a.png")) })
        refuse(.openaiSFT, { $0.prompt[1].blocks.append(.image("http://x/a.png")) })
        refuse(.openaiSFT, { $0.prompt[1].blocks += Array(repeating: .image("https://x/a.png"), count: 11) })
        refuse(.catalystSource, { $0.meta.model = nil })
        refuse(.lmEval, { $0.answer = SampleRows.turn(.assistant, "2024-05-01") }, profile: .arrowUniform)
        refuse(.plain, { $0.metadata += $0.metadata })
        refuse(.openaiSFT, { $0.answerWeight = 2 })
        refuse(.openaiSFT, { $0.responseSchema = Array("7".utf8) })
        var shared = SampleRows.tools
        shared.prompt[1].blocks.append(.toolCall(ToolCall(id: "b", name: "w", arguments: "{}")))
        shared.prompt.append(SampleRows.result("b", "x"))
        do throws(FormatRefusal) {
            _ = try ExportFormat.sharegpt.encode(
                shared, profile: .strictVendor, options: FormatGoldenTests.options(shareTools: true))
        } catch { reached.insert(error) }
        let deep = String(repeating: "[", count: 250) + String(repeating: "]", count: 250)
        refuse(.trl, { $0.tools[0].parameters = Array(#"{"a":\#(deep)}"#.utf8) }, base: tools)
        refuse(.trl, { $0.tools += $0.tools }, base: tools)
        // One is tried where the table of ids is made, the other would take a quarter of a gigabyte.
        #expect(FormatRefusal.allCases.filter { !reached.contains($0) } == [.toolCallIDCollision, .lineTooLong])
    }
}

@Suite struct FormatRoundTripTests {
    @Test(arguments: [ExportFormat.catalystSource, .catalystHF]) func catalystComesBackAsItWas(_ format: ExportFormat) throws {
        var generator = SplitMix64(seed: 11)
        for profile in ExportProfile.allCases {
            var reader = RowReader()
            var count = 0
            for number in 0..<1_500 {
                let row = SampleRows.random(&generator, number: number)
                guard let line = try? format.encode(row, profile: profile) else { continue }
                let read = try #require(try reader.read(line))
                #expect(read.shape == (format == .catalystSource ? .catalystSource : .catalystHF) || profile == .arrowUniform)
                #expect(read.row.prompt.map(Self.plain) == row.prompt.map(Self.plain))
                #expect(read.row.answer.map(Self.plain) == row.answer.map(Self.plain))
                #expect(read.row.tools == row.tools)
                #expect(read.row.id == (format == .catalystSource && row.answer == nil ? "" : row.id))
                if format == .catalystSource {
                    #expect(read.row.meta.model == row.meta.model && read.row.responseSchema == row.compactSchema)
                }
                // What was read is written as the same bytes.
                var again = read.row
                again.id = row.id
                let changes = format.changes(of: row, profile: profile)
                if changes.isDisjoint(with: [.reasoningRemoved, .toolErrorFlagRemoved]) {
                    #expect(try format.encode(again, profile: profile) == line)
                }
                count += 1
            }
            #expect(count > 200)
        }
    }

    /// A turn without what a chat message cannot say: reasoning, empty texts, the border between two texts, that a tool failed.
    static func plain(_ turn: CanonicalTurn) -> CanonicalTurn {
        var blocks: [ContentBlock] = []
        if turn.images.isEmpty, let id = turn.answeredCall {
            blocks = [.toolResult(callID: id, content: [.text(turn.joinedText)], isError: false)]
        } else if turn.images.isEmpty {
            blocks = [.text(turn.joinedText)] + turn.toolCalls.map { .toolCall($0) }
        } else {
            blocks = turn.blocks
        }
        return CanonicalTurn(role: turn.role, blocks: blocks)
    }

    @Test func everyFormatIsReadBackByItsKeys() throws {
        for golden in FormatGoldenTests.goldens {
            var reader = RowReader()
            let read = try #require(try reader.read(golden.line.utf8))
            #expect(read.shape != .strings && read.shape != .text, "\(golden.format.rawValue)")
            #expect(read.row.prompt.map(\.role) == golden.row.prompt.map(\.role), "\(golden.format.rawValue)")
            #expect(read.row.prompt.map(\.joinedText) == golden.row.prompt.map(\.joinedText), "\(golden.format.rawValue)")
            #expect(read.row.prompt.flatMap(\.toolCalls).map(\.name) == golden.row.prompt.flatMap(\.toolCalls).map(\.name))
            #expect(read.row.ideal == golden.row.ideal, "\(golden.format.rawValue)")
        }
    }
}
