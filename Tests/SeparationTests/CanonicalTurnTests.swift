// SPDX-License-Identifier: Apache-2.0
import Crypto
import Separation
import TestSupport
import Testing

/// Prompt keys and nodes, against hashes made here from bytes written out here.
@Suite struct CanonicalTurnTests {
    private func canonical(_ parts: [String]) -> [UInt8] {
        parts.flatMap { part -> [UInt8] in
            let count = UInt64(part.utf8.count)
            return (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) } + Array(part.utf8)
        }
    }

    private func sha(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    private let turns = [
        SeparationTurn(role: .system, text: "Be  brief.\r\n"),
        SeparationTurn(role: .user, text: "\u{A0}What is\u{2003}it?\r\n\r\n"),
        SeparationTurn(
            role: .assistant, text: "",
            calls: [
                .init(name: "find", arguments: #"{ "b" : 1.0, "a":"\u00e9" }"#), .init(name: "say", arguments: "not  json\r\n"),
            ]), SeparationTurn(role: .tool, text: "Cafe\u{301}"), SeparationTurn(role: .user, text: "and?"),
        SeparationTurn(role: .assistant, text: "so"),
    ]

    private var bytes: [[UInt8]] {
        [
            canonical(["system", "Be brief."]), canonical(["user", "What is it?"]),
            canonical(["assistant", "", "find", "{\"a\":\"é\",\"b\":1}", "say", "not json"]), canonical(["tool", "Caf\u{E9}"]),
            canonical(["user", "and?"]), canonical(["assistant", "so"]),
        ]
    }

    @Test func promptKeyIsTheHashOfThePromptWithoutTheSystem() {
        #expect(SeparationTraits(turns: turns).promptKey.bytes == sha(Array(bytes[1...4].joined())))
        #expect(SeparationTraits(turns: Array(turns.dropLast())).promptKey.bytes == sha(Array(bytes[1...4].joined())))
        #expect(SeparationTraits(turns: []).promptKey.bytes == sha([]))
    }

    @Test func nodesAreWhereAnAssistantSpeaksOrIsAboutToOrTheRowEnds() {
        var chain = [sha(Array("weir-chain-1".utf8))]
        for turn in bytes { chain.append(sha(chain[chain.count - 1] + turn)) }
        // Turns 2, 3, 5, 6 of the definition, which counts from 1; turn 4 is a tool's with a user's behind it.
        let wanted = [2, 3, 5, 6].map { chain[$0] }.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(SeparationTraits(turns: turns).nodes.map(\.bytes) == wanted)
        let open = SeparationTraits(turns: Array(turns[..<4]))
        #expect(Set(open.nodes.map(\.bytes)) == Set([2, 3, 4].map { chain[$0] }))
        #expect(SeparationTraits(turns: []).nodes.isEmpty)
    }

    @Test(arguments: ["", " ", "\n\t\r ", " { } "]) func argumentsThatAreNotThereAreAnEmptyObject(_ arguments: String) {
        func key(_ arguments: String) -> SeparationDigest {
            let call = SeparationTurn.ToolCall(name: "find", arguments: arguments)
            let turns = [SeparationTurn(role: .assistant, text: "", calls: [call]), SeparationTurn(role: .user, text: "q")]
            return SeparationTraits(turns: turns).promptKey
        }
        #expect(key(arguments) == key("{}"))
        #expect(key("\u{A0}") != key("{}"))
    }

    @Test func whatIsSaidBeforeAUserHasAskedIsNoNode() {
        func row(_ question: String) -> Set<[UInt8]> {
            let turns = [
                SeparationTurn(role: .system, text: "Be brief."),
                SeparationTurn(role: .assistant, text: "Hello, how may I help?"),
                SeparationTurn(role: .user, text: question), SeparationTurn(role: .assistant, text: "so"),
            ]
            return Set(SeparationTraits(turns: turns).nodes.map(\.bytes))
        }
        #expect(row("one").count == 2)
        #expect(row("one").isDisjoint(with: row("two")))
    }

    @Test func argumentsThatAreNoCanonicalJSONAreTexts() {
        func nodes(_ arguments: String) -> [SeparationDigest] {
            let asked = SeparationTurn(role: .user, text: "go")
            let call = SeparationTurn(role: .assistant, text: "", calls: [.init(name: "f", arguments: arguments)])
            return SeparationTraits(turns: [asked, call]).nodes
        }
        #expect(nodes("{\"a\":1,\"b\":2}") == nodes(" {\"b\":2.0, \"a\":1e0} "))
        #expect(nodes("[1e400]") == nodes(" [1e400]\n"))
        #expect(nodes("[1e400]") != nodes("[1e401]"))
        #expect(nodes("[9007199254740993]") == nodes("[9007199254740992]"))
        #expect(nodes("") == nodes("  "))
    }

    @Test func groupKeysAreHashedByTheirBytes() {
        let a = SeparationTraits(turns: [], groupKeys: ["k=\u{E9}", "a=1", "a=1"])
        #expect(a.groupKeys.count == 2)
        #expect(a.groupKeys.contains(SeparationDigest(of: "a=1")))
        #expect(!a.groupKeys.contains(SeparationDigest(of: "k=e\u{301}")))
        #expect(a.groupKeys == a.groupKeys.sorted())
    }

    @Test func n1KeepsEverythingButWhiteSpaceAndForm() {
        func key(_ text: String) -> SeparationDigest {
            SeparationTraits(turns: [SeparationTurn(role: .user, text: text)]).promptKey
        }
        #expect(key("a b") == key("\u{85}a \u{2028}\u{3000}b\u{1680}"))
        #expect(key("a b") != key("A b"))
        #expect(key("a b") != key("a\u{200B}b"))
        #expect(key("a\u{323}\u{307}") == key("a\u{307}\u{323}"))
        #expect(key("\u{AC00}\u{11A8}") == key("\u{AC01}"))
    }

    @Test func digestsSortByTheirBytes() {
        var random = SplitMix64(seed: 5)
        let digests = (0..<200).map { _ in SeparationDigest(of: "\(random.next())") }
        #expect(digests.sorted().map(\.bytes) == digests.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) })
        for digest in digests { #expect(SeparationDigest(bytes: digest.bytes) == digest) }
        #expect(SeparationDigest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
    }
}
