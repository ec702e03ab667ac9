// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FactSamples
import FactStore
import Foundation
import Testing

/// The notebooks of `notebooks-docs/notebooks`, executed by nbconvert.
private enum Notebooks {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let latency = "1-tail-latency.ipynb"
    static let spend = "2-spend.ipynb"
    static let dataSet = "3-from-traffic-to-data-set.ipynb"

    static let canRun = OutsideTools.hasPackages(["nbconvert", "ipykernel", "matplotlib", "pandas", "duckdb", "PIL"])

    /// What came of one notebook.
    struct Executed {
        let name: String
        /// `cell: Name: message` of every error, in order.
        let errors: [String]
        let warnings: [String]
        /// Figures that decode as PNG, by the cell that drew them.
        let figures: [(cell: String, width: Int64, height: Int64, colours: Int64)]
        /// What cells printed.
        let texts: [String: String]

        init(_ node: JSONNode) {
            name = node["notebook"]?.string ?? ""
            errors = (node["errors"]?.elements ?? JSONNode.noElements).map { error in
                ["cell", "name", "message"].map { error[$0]?.string ?? "" }.joined(separator: ": ")
            }
            warnings = (node["warnings"]?.elements ?? JSONNode.noElements).map { $0.string ?? "" }
            figures = (node["images"]?.elements ?? JSONNode.noElements).map { image in
                (
                    image["cell"]?.string ?? "", image["width"]?.int ?? 0, image["height"]?.int ?? 0,
                    image["colours"]?.int ?? 0
                )
            }
            var texts: [String: String] = [:]
            for (cell, text) in node["texts"]?.members ?? JSONNode.noMembers { texts[cell.string ?? ""] = text.string }
            self.texts = texts
        }

        /// The rows that a cell printed as JSON lines.
        func rows(_ cell: String) throws -> [[String]] {
            try (texts[cell] ?? "").split(separator: "\n").map { Notebooks.row(try JSONDocument(Array($0.utf8)).root) }
        }
    }

    /// Names and values of an object in their order, however a text is escaped.
    static func row(_ object: JSONNode) -> [String] {
        object.members.map { key, value in
            (key.string ?? "") + "=" + (value.string ?? String(decoding: value.lexeme, as: UTF8.self))
        }
    }

    /// The rows of `weir query NAME --json`.
    static func asked(_ query: String, data: String) async throws -> [[String]] {
        let ended = try await Weir.run("query", query, "--json", "--data", data)
        guard ended.code == 0 else { throw TestToolError("weir query \(query) ended with \(ended.code): \(ended.errors)") }
        return try ended.objects().map(row)
    }

    /// What every first cell does, without a kernel.
    static func open(data: String) async throws -> Finished {
        let python = try #require(OutsideTools.python)
        return try await Weir.run([
            "/usr/bin/env", "-C", root + "/notebooks-docs/notebooks", "WEIR_DATA=\(data)", python, "-B", "-c",
            "import weirbook as wb; wb.open_index(wb.data_directory())",
        ])
    }

    /// Executes notebooks over a data directory.
    static func execute(_ names: [String], data: String, set: String = "") async throws -> [Executed] {
        let python = try #require(OutsideTools.python)
        let script = root + "/Tests/SystemTests/notebooks.py"
        let command = ["/usr/bin/env", "WEIR_DATA=\(data)", "WEIR_DATASET=\(set)", python, "-B", script, "100"]
        let ended = try await Weir.run(command + names.map { "\(root)/notebooks-docs/notebooks/\($0)" }, within: 320)
        guard ended.code == 0 else { throw TestToolError("notebooks.py ended with \(ended.code): \(ended.errors)") }
        return try ended.objects().map(Executed.init)
    }
}

extension SystemTests {
    /// What the notebooks draw and say, over traffic of the demo and over facts that are odd in every way.
    @Suite(.enabled(if: Notebooks.canRun, "WEIR_PYTHON has no nbconvert, ipykernel, matplotlib, pandas, duckdb and Pillow"))
    struct NotebookTests {
        /// The demo's traffic, sealed, and its data set.
        private static func demo(exchanges: Int) async throws -> Scratch {
            let scratch = try Scratch()
            let data = scratch.at("data")
            let demo = try await Weir.run("demo", "--exchanges", "\(exchanges)", "--seed", "11", "--data", data, within: 180)
            guard demo.code == 0 else { throw TestToolError("weir demo ended with \(demo.code): \(demo.errors)") }
            let seal = try await Weir.run("segment", "seal", "--data", data, within: 60)
            guard seal.code == 0 else { throw TestToolError("weir segment seal ended with \(seal.code): \(seal.errors)") }
            return scratch
        }

        private func expectFigures(_ executed: Notebooks.Executed, _ cells: [String]) {
            #expect(executed.errors == [], "\(executed.name)")
            #expect(executed.warnings == [], "\(executed.name)")
            #expect(executed.figures.map(\.cell) == cells, "\(executed.name)")
            for figure in executed.figures {
                let isDrawn = figure.width > 700 && figure.height > 200 && figure.colours > 50
                #expect(isDrawn, "\(executed.name), \(figure)")
            }
        }

        @Test(.timeLimit(.minutes(10))) func overTheDemoTheyDrawAndSayWhatQueriesSay() async throws {
            let scratch = try await NotebookTests.demo(exchanges: 300)
            let data = scratch.at("data")
            let executed = try await Notebooks.execute([Notebooks.latency, Notebooks.spend, Notebooks.dataSet], data: data)
            try #require(executed.map(\.name) == [Notebooks.latency, Notebooks.spend, Notebooks.dataSet])

            expectFigures(executed[0], ["shape", "tail", "spread", "hours", "over-time", "whose"])
            expectFigures(executed[1], ["who", "days", "classes", "cache", "few", "projection", "sidecars"])
            expectFigures(executed[2], ["funnel", "mix", "lengths", "near", "sidecars"])

            let latency = try await Notebooks.asked("tail-latency", data: data)
            #expect(latency.count > 4)
            #expect(try executed[0].rows("percentiles") == latency)
            #expect(try await executed[1].rows("spend") == Notebooks.asked("spend", data: data))
            #expect(try await executed[2].rows("candidates") == Notebooks.asked("dataset-candidates", data: data))
            #expect(executed[0].texts["sidecars"]?.contains("DuckDB and SQLite agree in \(latency.count * 11) figures") == true)
            #expect(executed[1].texts["sidecars"]?.contains("DuckDB and SQLite agree to the nano-dollar") == true)
            #expect(executed[2].texts["check"]?.contains("none on both sides") == true)
        }

        @Test(.timeLimit(.minutes(5))) func unknownValuesAndOddNamesAreNoFaults() async throws {
            let scratch = try Scratch()
            let store = try FactStore.open(path: scratch.at("index.sqlite"), mode: .readWrite)
            try store.commit(facts: SampleFacts.facts(seed: 44, count: 300), checkpoint: Checkpoint(segment: "a.hot", offset: 1))
            try store.close()
            let executed = try await Notebooks.execute([Notebooks.latency, Notebooks.spend], data: scratch.path)
            try #require(executed.count == 2)
            expectFigures(executed[0], ["shape", "tail", "spread", "hours", "over-time", "whose"])
            expectFigures(executed[1], ["who", "days", "classes", "cache", "few", "projection"])
            #expect(try await executed[0].rows("percentiles") == Notebooks.asked("tail-latency", data: scratch.path))
            #expect(try await executed[1].rows("spend") == Notebooks.asked("spend", data: scratch.path))
            #expect(executed[0].texts["sidecars"]?.contains("weir segment seal") == true)
        }

        @Test(.timeLimit(.minutes(5))) func nothingToLookAtIsSaid() async throws {
            let scratch = try Scratch()
            let none = try await Notebooks.open(data: scratch.path)
            #expect(none.code == 1 && none.errors.contains("NoData: WEIR_DATA is \(scratch.path), and there is no index.sqlite"))

            try FactStore.open(path: scratch.at("index.sqlite"), mode: .readWrite).close()
            let empty = try #require(try await Notebooks.execute([Notebooks.dataSet], data: scratch.path).first)
            #expect(empty.errors.first?.hasPrefix("open: NoData: the index in") == true)
            #expect(empty.figures.isEmpty)
        }
    }
}
