// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Data sets on disk, and what lies beside them.
@Suite struct CatalogTests {
    private static func built(_ scratch: Scratch, _ names: String...) throws -> String {
        for name in names {
            let inputs = (UInt64(0)..<12).map {
                TestRecords.input(TestRecords.chat($0, [TestRecords.long("text \($0)")], answer: "a"))
            }
            _ = try scratch.build(DatasetRecipe(name: name), inputs, to: "sets/\(name)")
        }
        return scratch.path + "/sets"
    }

    @Test func aFileAndADamagedSetAreNamedAndTheRestIsListed() throws {
        let scratch = try Scratch()
        let sets = try Self.built(scratch, "b", "a", "broken", "old")
        try Data("notes".utf8).write(to: URL(fileURLWithPath: sets + "/notes.txt"))
        try Data("{".utf8).write(to: URL(fileURLWithPath: sets + "/broken/manifest.json"))
        try FileManager.default.removeItem(atPath: sets + "/old/manifest.json")
        let listing = try DatasetCatalog(files: scratch.files).list(in: sets)
        #expect(listing.entries.map(\.name) == ["a", "b"])
        #expect(listing.faults.count == 3)
        for (name, words) in [("notes.txt", "is a file"), ("broken", "none of a data set"), ("old", "no manifest.json")] {
            #expect(listing.faults.contains { $0.contains("'\(sets)/\(name)'") && $0.contains(words) }, "\(listing.faults)")
        }
    }

    @Test func aWholeDirectoryHasNoFaultsAndOneThatIsNotThereIsEmpty() throws {
        let scratch = try Scratch()
        let sets = try Self.built(scratch, "a")
        let catalog = DatasetCatalog(files: scratch.files)
        #expect(try catalog.list(in: sets).faults == [])
        let nothing = try catalog.list(in: scratch.path + "/absent")
        #expect(nothing.entries.isEmpty && nothing.faults.isEmpty)
        #expect(try catalog.list(in: sets + "/a/train.jsonl").faults.count == 1)
        let error = #expect(throws: DatasetError.self) { try catalog.entry(at: sets + "/a/train.jsonl") }
        #expect(error?.code == .damagedSet)
    }

    @Test func changedFilesAreFound() throws {
        let scratch = try Scratch()
        let sets = try Self.built(scratch, "a")
        let catalog = DatasetCatalog(files: scratch.files)
        let entry = try catalog.entry(at: sets + "/a")
        #expect(try catalog.faults(of: entry) == [])
        let path = sets + "/a/train.jsonl"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.startIndex + 20] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(try catalog.faults(of: entry).count == 1)
    }
}

/// The gate over any two files.
@Suite struct SeparationCheckTests {
    private static func input(_ text: String, chunk: Int = 7) -> LineInput {
        LineInput(name: "rows.jsonl") {
            var rest = Array(text.utf8)[...]
            return {
                guard !rest.isEmpty else { return nil }
                defer { rest = rest.dropFirst(chunk) }
                return Array(rest.prefix(chunk))
            }
        }
    }

    private static func row(_ text: String) -> String { #"{"input":"\#(text)","ideal":"x"}"# }

    @Test func whatIsSaidInPiecesWithAByteOrderMarkIsRead() throws {
        let (same, other) = (TestRecords.long("same"), TestRecords.long("other"))
        for chunk in [1, 2, 5, 10_000] {
            var lines: [Int64] = []
            let summary = try SeparationCheck.run(
                train: Self.input("\u{FEFF}\(Self.row(other))\r\n\n\(Self.row(same))", chunk: chunk),
                eval: [Self.input("\u{FEFF}" + Self.row(same) + "\n", chunk: chunk)], isStrict: false
            ) { lines.append($0.trainLine) }
            #expect(summary.trainRows == 2 && summary.evalRows == 1 && summary.violations == 1)
            #expect(lines == [3])
        }
    }

    @Test(arguments: ["", "\n\n", "\u{FEFF}"])
    func aFileWithoutRowsIsNoProof(text: String) throws {
        let rows = Self.row(TestRecords.long("a")) + "\n"
        for (train, eval) in [(rows, [text]), (text, [rows]), (rows, [rows, text])] {
            let error = #expect(throws: DatasetError.self) {
                _ = try SeparationCheck.run(
                    train: Self.input(train), eval: eval.map { Self.input($0) }, isStrict: false, found: { _ in })
            }
            #expect(error?.code == .noRows)
        }
    }
}
