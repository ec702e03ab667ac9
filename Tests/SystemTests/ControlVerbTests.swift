// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Testing

extension SystemTests {
    /// Verbs over the control database, as programs.
    @Suite struct ControlVerbTests {
        private static func id(_ number: Int) -> String { "019a2b6e-7c1d-7e55-9a41-\(String(number + 100_000_000_000))" }

        private static func give(_ number: Int, to scratch: Scratch, _ more: [String] = ["--score", "1"]) async throws -> Finished
        {
            try await Weir.run(
                [Weir.path, "feedback", id(number), "--allow-unknown", "--data", scratch.path] + more)
        }

        /// What `list --json` writes `--file` takes: nothing is new then, and in another directory all of it is there.
        @Test(.timeLimit(.minutes(2))) func whatIsListedIsTakenBack() async throws {
            let (scratch, other) = (try Scratch(), try Scratch())
            let json = "{\n  \"steps\": [\n 1.0, \"a b\"\n ]\n}"
            for (number, more) in [
                (1, ["--score", "-0.5", "--label", "wrong \"order\""]), (2, ["--correction", "line\nand \u{1F600}"]),
                (3, ["--correction-json", json]), (4, ["--correction-json", "\"text\""]), (5, ["--correction-json", "false"]),
            ] {
                let given = try await Self.give(number, to: scratch, more)
                #expect(given.code == 0, "\(given.errors)")
            }
            let refused = try await Self.give(6, to: scratch, ["--correction-json", "null"])
            #expect(refused.code == 2 && refused.errors.contains("`correction` is null"), "\(refused.errors)")
            let listed = try await Weir.run("feedback", "list", "--json", "--data", scratch.path)
            #expect(try listed.lines.count == 5 && listed.objects().count == 5)
            try Data(listed.output).write(to: URL(fileURLWithPath: scratch.at("all.jsonl")))
            for (place, added) in [(scratch, 0), (other, 5)] {
                let again = try await Weir.run(
                    "feedback", "--file", scratch.at("all.jsonl"), "--allow-unknown", "--json", "--data", place.path)
                let said = try #require(try again.objects().first, "\(again.errors)")
                #expect(said["added"]?.int == Int64(added) && said["duplicates"]?.int == Int64(5 - added))
            }
            #expect(try await Weir.run("feedback", "list", "--json", "--data", other.path).output == listed.output)
        }

        /// Whoever pipes an export may take as long as they like: meanwhile others write.
        @Test(.timeLimit(.minutes(2))) func anImportThatWaitsForItsInputHoldsNobodyUp() async throws {
            let scratch = try Scratch()
            #expect(try await Self.give(1, to: scratch).code == 0)
            let script = """
                mkfifo '\(scratch.at("pipe"))'
                "$WEIR" dataset ledger import - --data '\(scratch.path)' < '\(scratch.at("pipe"))' &
                exec 3> '\(scratch.at("pipe"))'; printf '{' >&3; sleep 2
                "$WEIR" feedback \(Self.id(2)) --score 1 --allow-unknown --data '\(scratch.path)'; given=$?
                exec 3>&-; wait; exit $given
                """
            let ended = try await Weir.shell(script)
            #expect(ended.code == 0, "\(ended.errors)")
        }

        /// A hold keeps the feedback too, and `--pending` takes both once it is lifted.
        @Test(.timeLimit(.minutes(2))) func feedbackLeavesWithItsExchange() async throws {
            let (bench, ids, _) = try await SegmentVerbTests.mixed()
            func run(_ arguments: String...) async throws -> Finished {
                try await Weir.run([Weir.path] + arguments + ["--data", bench.data])
            }
            func count() async throws -> Int { try await run("feedback", "list", "--json").lines.count }
            for id in ids { #expect(try await run("feedback", id, "--score", "1", "--allow-unknown").code == 0) }
            #expect(try await run("segment", "hold", "--reason", "case 7").code == 0)
            #expect(try await run("segment", "erase", "--exchange", ids[1], "--yes").code == 1)
            #expect(try await count() == ids.count)
            #expect(try await run("segment", "release").code == 0)
            let erased = try await run("segment", "erase", "--pending", "--yes")
            #expect(erased.code == 0 && erased.errors.contains("1 pieces of feedback erased"), "\(erased.errors)")
            #expect(try await count() == ids.count - 1)
            #expect(try await run("feedback", "list", "--exchange", ids[1], "--json").lines.isEmpty)
        }

        /// What an older or newer program wrote is told apart from what is not there.
        @Test(.timeLimit(.minutes(2))) func tellsAFileThatCannotBeOpenedFromNone() async throws {
            let scratch = try Scratch()
            let missing = try await Weir.run("feedback", "list", "--data", scratch.path)
            #expect(missing.code == 2 && missing.errors.contains("control_not_found"), "\(missing.errors)")
            try FileManager.default.createDirectory(atPath: scratch.at("control.sqlite"), withIntermediateDirectories: false)
            let refused = try await Weir.run("feedback", "list", "--data", scratch.path)
            #expect(refused.code == 2 && refused.errors.contains("control_cannot_open"), "\(refused.errors)")
        }
    }
}
