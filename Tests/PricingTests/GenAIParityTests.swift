// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Pricing
import Testing

/// Costs against those of the pip package genai-prices, over its own table: `Tests/Campaigns/genai_parity.py` draws the usages.
@Suite struct GenAIParityTests {
    private static let python = ProcessInfo.processInfo.environment["WEIR_PYTHON"]
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Campaigns/genai_parity.py").path

    /// Whether the package lies in the environment of WEIR_PYTHON.
    private static var hasPackage: Bool {
        guard let python else { return false }
        let lib = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent().path + "/lib"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib)) ?? []
        return versions.contains { FileManager.default.fileExists(atPath: "\(lib)/\($0)/site-packages/genai_prices") }
    }

    /// How often which rule explains a difference, and what nothing explains.
    private struct Tally {
        var equal = 0
        var explained: [String: Int] = [:]
        var different: [String] = []
    }

    @Test(
        .enabled(if: hasPackage, "genai-prices is not installed in the environment of WEIR_PYTHON; `make venv` installs it"),
        .timeLimit(.minutes(5)))
    func costsAreThoseOfGenAIPricesOrExplained() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-parity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let environment = ProcessInfo.processInfo.environment
        try run([folder.path, environment["WEIR_PARITY_USAGES"] ?? "5000", environment["WEIR_PARITY_SEED"] ?? "1"])
        let table = [UInt8](try Data(contentsOf: folder.appendingPathComponent("table.json")))
        let read = try GenAIPricesImport.read(PriceNode.json(table, file: "table.json"), file: "table.json", dated: "2026-11-29")
        // What is left out has no price there either, or one in a unit that is not ours; every match clause can be written.
        #expect(Set(read.report.skippedModels.keys) == ["none of its prices has a place here"], "\(read.report)")
        let again = try PriceSheet.read(json: read.sheet.encoded(), file: "again")
        #expect(again.encoded() == read.sheet.encoded())
        let book = PriceBook([again])
        var tally = Tally()
        let usages = try String(contentsOf: folder.appendingPathComponent("usages.jsonl"), encoding: .utf8)
        for line in usages.split(separator: "\n") { try compare(JSONDocument(Array(line.utf8)).root, book, &tally) }
        print(
            "parity: \(read.report.models) models in \(read.sheet.rows.count) rows; \(tally.equal) equal to the nano-dollar, explained \(tally.explained)"
        )
        #expect(tally.different.isEmpty, "\(tally.different.count): \(tally.different.prefix(5).joined(separator: "\n"))")
        #expect(tally.equal > 4 * tally.explained.values.reduce(0, +))
    }

    private func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.python))
        process.arguments = ["-B", Self.script] + arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    private func compare(_ line: JSONNode, _ book: PriceBook, _ tally: inout Tally) throws {
        var query = PriceQuery(
            provider: try #require(line["provider"]?.string), models: [try #require(line["model"]?.string)],
            atUs: try #require(line["at_us"]?.int))
        for (key, value) in line["context"]?.members ?? JSONNode.noMembers {
            if key.string == "service_tier" { query.setServiceTier(value.string) }
            if let condition = key.string.flatMap(PriceCondition.init(rawValue:)), condition != .serviceTier {
                query.context[condition] = value.string
            }
        }
        var counts: [String: Int64] = [:]
        var calls: [PriceClass: Int64] = [:]
        for (key, value) in line["usage"]?.members ?? JSONNode.noMembers {
            let name = try #require(key.string)
            if let kind = PriceClass(name: name), !kind.isTokens { calls[kind] = value.int } else { counts[name] = value.int }
        }
        let rules = Set((line["rules"]?.elements ?? JSONNode.noElements).compactMap(\.string))
        let price = book.price(usage(counts, calls: calls), query)
        let text = String(decoding: line.lexeme, as: UTF8.self)
        if let reason = price.reason {
            let rule: String? =
                switch reason {
                case .conditionUnpriced: "condition_without_price"
                case .classUnpriced: "class_without_price"
                case .usageAbsent: "measure_not_counted"
                default: nil
                }
            guard let rule, rules.contains(rule) else { return tally.different.append("\(reason): \(text)") }
            tally.explained[rule, default: 0] += 1
            return
        }
        let ours: [String: Int64?] = [
            "input": price.cost.inputNanousd, "cached": price.cost.inputCachedNanousd, "write": price.cost.cacheWriteNanousd,
            "output": price.cost.outputNanousd, "reasoning": price.cost.reasoningNanousd, "tools": price.cost.toolsNanousd,
        ]
        let isEqual = ours.allSatisfy { ($0.value ?? 0) == (line["nanousd"]?[$0.key]?.int ?? 0) }
        if isEqual {
            tally.equal += 1
        } else if let rule = rules.first(where: { ["least_of_ten_seconds", "unit_not_ours"].contains($0) }) {
            tally.explained[rule, default: 0] += 1
        } else {
            tally.different.append("\(ours.mapValues { $0 ?? 0 }): \(text)")
        }
    }
}
