// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Testing

extension SystemTests {
    @Suite struct InstrumentVerbTests {
        private func project(_ scratch: Scratch, _ code: String) throws -> String {
            let path = scratch.at("app.py")
            try Data(("from openai import OpenAI\n" + code).utf8).write(to: URL(fileURLWithPath: path))
            return path
        }

        @Test func showsTheDiffWritesOnlyWhenAskedAndThenHasNothingToDo() async throws {
            let scratch = try Scratch()
            let path = try project(scratch, "client = OpenAI()\n")
            let shown = try await Weir.run("instrument", "--dry-run", path)
            #expect(shown.code == 0, "\(shown.errors)")
            #expect(shown.text.contains("+client = OpenAI(base_url=\"http://127.0.0.1:8080/v1\")\n"))
            #expect(shown.errors.contains("1 to change"))
            #expect(text(of: path).hasSuffix("client = OpenAI()\n"))
            let applied = try await Weir.run("instrument", "--apply", path)
            #expect(applied.code == 0 && applied.output == shown.output)
            #expect(text(of: path).contains(":8080/v1"))
            let again = try await Weir.run("instrument", path)
            #expect(again.code == 0 && again.output.isEmpty)
        }

        @Test func endsWith1WhereAPlaceIsUndecided() async throws {
            let scratch = try Scratch()
            let path = try project(scratch, "client = OpenAI(**options)\n")
            let ended = try await Weir.run("instrument", path)
            #expect(ended.code == 1 && ended.output.isEmpty)
            #expect(ended.errors.contains("undecided: app.py:2: "))
            let json = try await Weir.run("instrument", "--json", path)
            #expect(json.code == 1)
            let object = try #require(try json.objects().first)
            #expect(object["undecided"]?[0]?["line"]?.int == 2)
        }

        @Test(arguments: [
            ["--apply", "--dry-run", "."], ["--contract", "old", "."], ["--gateway", "nowhere", "."], ["--task", "a b", "."],
            ["/no/such/path"], [],
        ])
        func refusesBadUsage(arguments: [String]) async throws {
            let ended = try await Weir.run([Weir.path, "instrument"] + arguments)
            #expect(ended.code == 2, "\(ended.errors)")
            #expect(ended.output.isEmpty)
        }
    }
}
