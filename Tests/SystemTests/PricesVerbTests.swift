// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Testing

extension SystemTests {
    /// `weir prices` from outside: what it prints, and its exit codes.
    @Suite struct PricesVerbTests {
        private static let overrides = """
            format: weir-prices/1
            dated: 2026-11-29
            discounts:
              - {provider: house, off_per_mille: 500, note: contract}
            prices:
              - provider: house
                models: house-model-*
                price: {input: 2, cached: 0.5, output: 8}
                tiers:
                  - {op: ">", tokens: 1000, price: {input: 4}}
                source: https://house.example/prices
            """

        private func data(overrides text: String? = nil) throws -> (scratch: Scratch, data: String) {
            let scratch = try Scratch()
            let folder = scratch.at("data") + "/prices"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            if let text { try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/overrides.yaml")) }
            return (scratch, scratch.at("data"))
        }

        @Test func showsTheRowsOfAModelAndSaysNoWhereThereIsNone() async throws {
            let shown = try await Weir.run("prices", "show", "gpt-4o-mini", "--provider", "openai", "--json")
            let rows = try shown.objects()
            #expect(shown.code == 0 && !rows.isEmpty)
            #expect(rows.allSatisfy { $0["source_url"]?.string?.hasPrefix("https://") == true && $0["row"]?["price"] != nil })
            let words = try await Weir.run("prices", "show", "gpt-4o-mini", "--provider", "openai")
            #expect(words.code == 0 && words.text.contains("input $0.15") && words.text.contains("checked 2026-"))
            let none = try await Weir.run("prices", "show", "no-such-model-at-all", "--provider", "openai")
            #expect(none.code == 1 && none.output.isEmpty && none.errors.contains("weir prices missing"))
            #expect(try await Weir.run("prices", "show", "--at", "soon").code == 2)
        }

        @Test func pricesByOverridesAndDiscounts() async throws {
            let (scratch, data) = try data(overrides: Self.overrides)
            defer { withExtendedLifetime(scratch) {} }
            let cost = try await Weir.run(
                "prices", "cost", "house-model-7", "--provider", "house", "--input", "2000", "--cached", "1000", "--output", "10",
                "--json", "--data", data)
            let object = try #require(try cost.objects().first)
            #expect(cost.code == 0 && object["input_nanousd"]?.int == 2_000_000 && object["input_cached_nanousd"]?.int == 250_000)
            #expect(object["output_nanousd"]?.int == 40_000 && object["total_nanousd"]?.int == 2_290_000)
            #expect(object["price_version"]?.string?.hasPrefix("2026-") == true && object["reason"]?.isNull == true)
            let tier = try await Weir.run(
                "prices", "cost", "house-model-7", "--provider", "house", "--input", "1", "--output", "1", "--service-tier",
                "flex",
                "--data", data)
            #expect(tier.code == 1 && tier.output.isEmpty && tier.errors.contains("condition_unpriced"))
        }

        @Test func checksAFileAndNamesFileLineAndRow() async throws {
            #expect(try await Weir.run("prices", "check").code == 0)
            let (scratch, data) = try data(overrides: Self.overrides.replacing("cached: 0.5", with: "cashed: 0.5"))
            defer { withExtendedLifetime(scratch) {} }
            let path = data + "/prices/overrides.yaml"
            for command in [["check", path], ["check", "--data", data]] {
                let checked = try await Weir.run([Weir.path, "prices"] + command)
                #expect(
                    checked.code == 1 && checked.errors.contains("\(path):8: row 1: there is no class cashed"),
                    "\(checked.errors)")
            }
            #expect(try await Weir.run("prices", "show", "--data", data).code == 2)
            #expect(try await Weir.run("prices", "check", path + ".none").code == 2)
        }

        @Test func importsATableOrLeavesTheOldOne() async throws {
            let (scratch, data) = try data()
            defer { withExtendedLifetime(scratch) {} }
            let table = scratch.at("table.json")
            let good =
                #"[{"id":"openai","pricing_urls":["https://x.example"],"models":[{"id":"a","match":{"equals":"model-a"},"prices":{"input_mtok":7}}]}]"#
            try Data(good.utf8).write(to: URL(fileURLWithPath: table))
            let dry = try await Weir.run("prices", "import", table, "--dry-run", "--json", "--data", data)
            #expect(try dry.code == 0 && dry.objects().first?["installed"]?.isNull == true)
            #expect(!FileManager.default.fileExists(atPath: data + "/prices/imported.json"))
            let done = try await Weir.run("prices", "import", table, "--json", "--data", data)
            #expect(
                try done.code == 0 && done.objects().first?["rows"]?.int == 1
                    && done.objects().first?["format"]?.string == "genai")
            let shown = try await Weir.run("prices", "show", "model-a", "--data", data)
            #expect(shown.code == 0 && shown.text.contains("input $7"))
            try Data("{\"format\":\n1".utf8).write(to: URL(fileURLWithPath: table))
            let bad = try await Weir.run("prices", "import", table, "--data", data)
            #expect(bad.code == 2 && bad.errors.contains("\(table):2: not valid JSON"), "\(bad.errors)")
            #expect(try await Weir.run("prices", "show", "model-a", "--data", data).code == 0)
        }

        @Test func refusesToFetchOverPlainTextAndShowsNoSecret() async throws {
            let plain = try await Weir.run(
                "prices", "refresh", "--dry-run", "--url", "http://user:hunter2@prices.example/x?key=hunter3")
            #expect(plain.code == 2 && plain.errors.contains("https://"))
            let gone = try await Weir.run(
                "prices", "refresh", "--dry-run", "--url", "http://user:hunter2@127.0.0.1:9/x?key=hunter3")
            #expect(gone.code == 3 && gone.errors.contains("127.0.0.1:9"))
            for ended in [plain, gone] { #expect(!ended.errors.contains("hunter") && ended.output.isEmpty) }
            #expect(try await Weir.run("prices", "refresh", "--sha256", "abc").code == 2)
        }

        @Test(.timeLimit(.minutes(2))) func listsTrafficWithoutAPrice() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--no-index")
            var question = Question.chat("priced?")
            question.body = Array(#"{"model":"house-model-7","messages":[{"role":"user","content":"x"}]}"#.utf8)
            _ = try await question.ask(port: gateway.port)
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let missing = try await Weir.run("prices", "missing", "--json", "--data", bench.data)
            let group = try #require(try missing.objects().first { $0["model"]?.string?.hasPrefix("house-model-7") == true })
            #expect(missing.code == 1 && group["exchanges"]?.int == 1 && group["reason"]?.string == "model_unknown")
            #expect((group["input_tokens"]?.int ?? 0) > 0 && missing.errors.contains("without a price"))
            let other = try await Weir.run("prices", "missing", "--provider", "mistral", "--data", bench.data)
            #expect(other.code == 0 && other.output.isEmpty)
        }
    }
}
