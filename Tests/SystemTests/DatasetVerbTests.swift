// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Testing

extension SystemTests {
    /// `weir dataset` as people call it: words, exit codes, what goes to which stream.
    @Suite struct DatasetVerbTests {
        private static func write(_ text: String, _ path: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }

        /// Thirty words that only this text has.
        private static func text(_ number: Int) -> String {
            var state = UInt64(number) &* 7_919 &+ 1
            let letters = Array("abcdefghijklmnopqrstuvwxyz")
            return (0..<30).map { _ in
                String(
                    (0..<6).map { _ in
                        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        return letters[Int(state >> 33) % letters.count]
                    })
            }.joined(separator: " ")
        }

        private static func row(_ text: String) -> String { #"{"input":"\#(text)","ideal":"x"}"# + "\n" }

        @Test(.timeLimit(.minutes(3))) func fromTrafficToSetsThatAnImportKeepsApart() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            for number in 0..<24 { _ = try await Question.chat(Self.text(number)).ask(port: gateway.port) }
            #expect(try await gateway.stop() == 0)

            let external = bench.scratch.at("external.jsonl")
            try Self.write((0..<6).map { Self.row(Self.text($0)) }.joined(), external)
            let dry = try await Weir.run("dataset", "import", external, "--as", "eval", "--dry-run", "--data", bench.data)
            #expect(dry.code == 0 && dry.output.isEmpty && dry.errors.contains("6 are new to eval"), "\(dry.errors)")
            #expect(!FileManager.default.fileExists(atPath: bench.data + "/control.sqlite"))
            let taken = try await Weir.run("dataset", "import", external, "--as", "eval", "--json", "--data", bench.data)
            #expect(taken.code == 0, "\(taken.errors)")
            let summary = try #require(try taken.objects().first)
            #expect(summary["added"]?.int == 6 && summary["known"]?.int == 0 && summary["name"]?.string == "external")
            let again = try await Weir.shell(
                "$WEIR dataset import - --as eval --name x --json --data '\(bench.data)' < '\(external)'")
            #expect(again.code == 0, "\(again.errors)")
            #expect(try again.objects().first?["added"]?.int == 0)

            let built = try await Weir.run(
                "dataset", "build", "--name", "own", "--eval-percent", "30", "--json", "--data", bench.data)
            #expect(built.code == 0, "\(built.errors)")
            let report = try #require(try built.objects().first)
            #expect(report["drops"]?["group_of_eval"]?.int == 6 && report["train_rows"]?.int ?? 0 > 3)
            let set = bench.data + "/datasets/own"
            for eval in ["\(set)/eval.jsonl", external] {
                let check = try await Weir.run("dataset", "check", "\(set)/train.jsonl", eval)
                #expect(check.code == 0 && check.text.contains("none is near"), "\(check.errors)")
            }
            let piped = try await Weir.shell("$WEIR dataset check - '\(external)' < '\(external)'")
            #expect(piped.code == 1 && piped.lines.count == 7)

            let verified = try await Weir.run("dataset", "verify", "own", "--json", "--data", bench.data)
            #expect(verified.code == 0)
            #expect(try verified.objects().first?["faults"]?.elements.compactMap { $0.string } == [])
            try Self.write("", "\(set)/train.jsonl")
            let broken = try await Weir.run("dataset", "verify", "own", "--json", "--data", bench.data)
            #expect(broken.code == 1)
            #expect(try broken.objects().first?["faults"]?.elements.compactMap { $0.string }.count == 1)

            try Self.write("notes", bench.data + "/datasets/notes.txt")
            let list = try await Weir.run("dataset", "list", "--data", bench.data)
            let said = "\(list.text) \(list.errors)"
            #expect(list.code == 1 && list.text.contains("directory") && list.errors.contains("notes.txt"), "\(said)")
            #expect(list.text.split(separator: "\n").last?.hasSuffix(" own") == true, "\(said)")
            let listed = try await Weir.run("dataset", "list", "--json", "--data", bench.data)
            #expect(try listed.objects().first?["directory"]?.string == set, "\(listed.text)")

            let ledger = try await Weir.run("dataset", "ledger", "show", "--data", bench.data)
            #expect(ledger.code == 0 && ledger.text.contains("external 1: 6 new eval rows, no new training"), "\(ledger.text)")

            // The same traffic under another name: nothing to measure with, said on standard error.
            let second = try await Weir.run(
                "dataset", "build", "--name", "second", "--eval-percent", "30", "--json", "--data", bench.data)
            #expect(second.code == 0 && second.errors.contains("careful: There is no eval row"), "\(second.errors)")
            // Nothing selected: nothing is replaced.
            let none = try await Weir.run("dataset", "build", "--name", "own", "--task", "absent", "--data", bench.data)
            #expect(none.code == 1 && none.output.isEmpty && none.errors.contains("takes no exchange"), "\(none.errors)")
            #expect(try await Weir.run("dataset", "show", "own", "--data", bench.data).text.contains("training rows"))
        }

        @Test func refusesWhatCannotBeMeant() async throws {
            let scratch = try Scratch()
            let (rows, empty, bad) = (scratch.at("rows.jsonl"), scratch.at("empty.jsonl"), scratch.at("bad.jsonl"))
            try Self.write(Self.row(Self.text(1)), rows)
            try Self.write("", empty)
            try Self.write(Self.row(Self.text(1)) + "{\n", bad)
            let absent = scratch.at("absent")
            let cases: [(arguments: [String], says: String)] = [
                (["list", "--data", absent], "there is no data directory"),
                (["check", rows, empty], "holds no row"),
                (["check", empty, rows], "holds no row"),
                (["check", "-", "-"], "standard input can be read once"),
                (["check", rows, absent], "is no file"),
                (["init", absent + "/x.yaml", "--name", "x"], "there is no directory \(absent)"),
                (["init", scratch.path, "--name", "x", "--force"], "is a directory"),
                (["import", rows, "--as", "eval", "--data", absent], "there is no data directory"),
                (["import", rows, "--as", "both", "--data", scratch.path], "--as"),
                (["import", rows, "--as", "eval", "--name", "a b", "--data", scratch.path], "--name takes"),
                (["import", rows, "--as", "eval", "--ledger", "a b", "--data", scratch.path], "--ledger takes"),
                (["import", "-", "--as", "eval", "--data", scratch.path], "--name"),
                (["import", bad, "--as", "eval", "--data", scratch.path], "line 2:"),
                (["import", empty, "--as", "train", "--data", scratch.path], "holds no row"),
            ]
            for entry in cases {
                let ended = try await Weir.run([Weir.path, "dataset"] + entry.arguments)
                #expect(ended.code == 2, "\(entry.arguments): \(ended.code) \(ended.errors)")
                #expect(ended.errors.contains(entry.says), "\(entry.arguments): \(ended.errors)")
                #expect(ended.output.isEmpty, "\(entry.arguments): words on standard output")
            }
        }
    }
}
