// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension SystemTests {
    @Suite struct KeyVerbTests {
        private struct Made: Decodable {
            let id: String
            let key: String
            let sha256: String
        }

        @Test func printsAKeyThatNoSecondCallPrints() async throws {
            var keys: Set<String> = []
            for _ in 0..<2 {
                let ended = try await Weir.run("key", "new", "--id", "team.a-1_x", "--json")
                #expect(ended.code == 0, "\(ended.errors)")
                let made = try JSONDecoder().decode(Made.self, from: Data(ended.output))
                #expect(made.id == "team.a-1_x" && made.key.hasPrefix("weir_") && made.sha256.utf8.count == 64)
                keys.insert(made.key)
            }
            #expect(keys.count == 2)
        }

        @Test func printsTheStanzaWithTheKeyAsAComment() async throws {
            let ended = try await Weir.run("key", "new", "--id", "true")
            let lines = String(decoding: ended.output, as: UTF8.self).split(separator: "\n").map(String.init)
            #expect(ended.code == 0 && lines.count == 4)
            #expect(lines[0].hasPrefix("# weir_") && lines[1] == "keys:" && lines[2] == "  - id: \"true\"")
            #expect(lines[3].hasPrefix("    sha256: ") && lines[3].utf8.count == 76)
        }

        @Test(arguments: ["", "a b", "a\"", "é", String(repeating: "a", count: 65)]) func refusesOtherNames(id: String)
            async throws
        {
            let ended = try await Weir.run("key", "new", "--id", id)
            #expect(ended.code == 2 && ended.output.isEmpty && ended.errors.contains("--id"))
        }
    }
}
