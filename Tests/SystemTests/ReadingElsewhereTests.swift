// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Platform
import SegmentLog
import Testing

/// The tools of `notebooks-docs/reading-elsewhere.md` that come by pip.
private enum Readers {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let page = root + "/notebooks-docs/reading-elsewhere.md"
    static let script = root + "/Tests/SystemTests/reading_elsewhere.py"

    static let areThere = OutsideTools.hasZstdAndJq && OutsideTools.hasPackages(["duckdb", "chdb", "pandas", "zstandard"])

    /// Rows by tool, in the order they came.
    static func rows(_ mode: String, _ path: String, in folder: String) async throws -> [(name: String, row: [Int64])] {
        let python = try #require(OutsideTools.python)
        let ended = try await Weir.run(
            ["/bin/bash", "-c", "cd \"$1\" && exec \"$2\" -B \"$3\" \"$4\" \"$5\"", "-", folder, python, script, mode, path],
            within: 120)
        guard ended.code == 0 else { throw TestToolError("\(mode) ended with \(ended.code): \(ended.errors)") }
        return try ended.objects().map { object in
            let name = "\(object["tool"]?.string ?? "") \(object["what"]?.string ?? "")"
            return (name, object["row"]?.elements.compactMap(\.int) ?? [])
        }
    }
}

extension SystemTests {
    /// Other programs over our files: the counts and sums that Weir itself has.
    @Suite(
        .enabled(if: Readers.areThere, "WEIR_PYTHON has no duckdb, chdb, pandas and zstandard, or zstd and jq are not installed"))
    struct ReadingElsewhereTests {
        /// Exchanges of several kinds over two segments; the gateway has stopped, the index is up to date.
        private static func recorded() async throws -> Bench {
            let bench = try await Bench()
            for run in 0..<2 {
                let gateway = try await bench.gateway("--no-index")
                for number in 0..<6 {
                    let isStream = number % 2 == 0
                    let words = "\(run) \(number) \\u00e9\\ud83d\\ude00 \\n"
                    let question =
                        run == 0 ? Question.chat(words, isStream: isStream) : Question.message(words, isStream: isStream)
                    #expect(try await question.with("x-inference-task-id: t\(number)").ask(port: gateway.port).status == 200)
                }
                #expect(try await Question.chat("no", fake: "status=500").ask(port: gateway.port).status == 500)
                _ = try await Question.chat("cut", isStream: true, fake: "cut=200").ask(port: gateway.port)
                #expect(try await gateway.stop() == 0)
            }
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            return bench
        }

        @Test(.timeLimit(.minutes(3))) func everyBlockOfThePageGivesOurOwnFigures() async throws {
            let bench = try await ReadingElsewhereTests.recorded()
            let stat = try #require(try await Weir.run("segment", "stat", "--json", "--data", bench.data).objects().first)
            let records = ["records", "request_body_bytes", "response_body_bytes", "duration_us"].map { stat[$0]?.int ?? -1 }
            let exchanges = try await Weir.run("query", "exchanges", "--json", "--data", bench.data).objects()
            func sum(_ value: (JSONNode) -> Int64?) -> Int64 { exchanges.compactMap(value).reduce(0, +) }
            let facts = [
                Int64(exchanges.count), sum { $0["duration_us"]?.int }, sum { $0["usage"]?["input_total"]?.int },
                sum { $0["usage"]?["output_total"]?.int },
            ]
            #expect(records[0] == 16 && facts[0] == 16 && facts[2] > 0)

            #expect(try await bench.seal() == 2)
            #expect(try bench.segments().isEmpty)
            let folder = bench.scratch.at("elsewhere")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: folder + "/weir-data", withDestinationPath: bench.data)
            let rows = try await Readers.rows("page", Readers.page, in: folder)
            for tool in ["DuckDB", "ClickHouse", "pandas", "jq", "own"] {
                for (what, wanted) in [("records", records), ("facts", facts)] {
                    let found = rows.filter { $0.name == "\(tool) \(what)" }
                    #expect(found.count == 1 && found.first?.row == wanted, "\(tool) \(what): \(found) instead of \(wanted)")
                }
            }
        }

        private static let fixtures = Readers.root + "/fixtures/segments"

        /// Every sealed segment in `fixtures/segments`, of whatever version: the figures of its manifest, by every tool.
        @Test(.timeLimit(.minutes(2))) func goldenSealedSegmentsReadRight() async throws {
            let scratch = try Scratch()
            let versions = try FileManager.default.contentsOfDirectory(atPath: ReadingElsewhereTests.fixtures)
                .filter { $0.hasPrefix("sealed-") }.sorted()
            #expect(!versions.isEmpty)
            for version in versions {
                let data = scratch.at("\(version)/weir-data")
                try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: data + "/segments", withDestinationPath: "\(ReadingElsewhereTests.fixtures)/\(version)")
                let names = try FileManager.default.contentsOfDirectory(atPath: data + "/segments")
                let name = try #require(names.first { $0.hasSuffix(".manifest.json") })
                let manifest = try JSONDocument(bytes(of: data + "/segments/" + name)).root
                let sums = ["request_body_bytes", "response_body_bytes", "duration_us"].map { manifest["sums"]?[$0]?.int ?? -1 }
                let tokens = ["usage.input_total", "usage.output_total"].map { manifest["sums"]?[$0]?.int ?? -1 }
                let wanted = [
                    "records": [manifest["records"]?["lines"]?.int ?? -1] + sums,
                    "facts": [manifest["facts"]?["lines"]?.int ?? -1, sums[2]] + tokens,
                ]
                #expect(wanted["records"]?.first ?? 0 > 0)
                let rows = try await Readers.rows("page", Readers.page, in: scratch.at(version))
                #expect(rows.count == 10)
                for row in rows {
                    let what = row.name.split(separator: " ").last.map(String.init) ?? ""
                    #expect(row.row == wanted[what], "\(version), \(row.name): \(row.row)")
                }
                #expect(try await Weir.run("segment", "verify", "--data", data).code == 0)
            }
        }

        /// Every plain hot segment in `fixtures/segments`.
        @Test(.timeLimit(.minutes(2))) func goldenHotSegmentsReadRight() async throws {
            let root = ReadingElsewhereTests.fixtures
            let all = try FileManager.default.subpathsOfDirectory(atPath: root)
            let paths = all.filter { $0.hasSuffix(".hot") && !$0.contains("encrypted/") }.sorted().map { "\(root)/\($0)" }
            #expect(!paths.isEmpty)
            for path in paths {
                var lines: [JSONNode] = []
                let url = URL(fileURLWithPath: path)
                let directory = SegmentDirectory(files: PosixFileSystem(), path: url.deletingLastPathComponent().path)
                let file = try #require(directory.file(named: url.lastPathComponent))
                let reader = try SegmentReader(file: file, files: PosixFileSystem())
                var offset: Int64? = 0
                while let place = offset {
                    switch try reader.next(after: place) {
                    case .batch(let batch):
                        for range in batch.lineRanges { lines.append(try JSONDocument(Array(batch.raw[range])).root) }
                        offset = batch.next
                    case .gap(let gap): offset = gap.next
                    default: offset = nil
                    }
                }
                #expect(lines.count >= 5)
                let wanted = [
                    Int64(lines.count), Int64(Set(lines.compactMap { $0["id"]?.string }).count),
                    Int64(lines.reduce(0) { $0 + ($1["text"]?.string ?? "").unicodeScalars.count }),
                ]
                let rows = try await Readers.rows("golden", path, in: "/")
                #expect(rows.map(\.name) == ["DuckDB golden", "ClickHouse golden"])
                for row in rows { #expect(row.row == wanted, "\(row.name) of \(path): \(row.row) instead of \(wanted)") }
            }
        }
    }
}
