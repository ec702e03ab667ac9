// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Gateway

struct KeyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Gateway keys.",
        discussion: "EXAMPLES:\n  weir key new --id checkout-service\n  weir key new --id ci --json",
        subcommands: [KeyNewVerb.self])
}

struct KeyNewVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a gateway key and the stanza of weir.yaml for it.",
        discussion: """
            The key is printed once and kept nowhere: the configuration holds its SHA-256 alone. The stanza goes to standard output, under `keys:` of weir.yaml; the key is its first line, a comment to be cut out and given to whoever uses it.

            EXAMPLES:
              weir key new --id checkout-service
              weir key new --id ci --json | jq -r .key
            """)

    @Option(help: "The key's name in records and answers (key_id).") var id: String
    @Flag(help: "One JSON object: id, key, sha256.") var json = false

    func run() throws {
        guard KeyNewVerb.isName(id) else {
            throw VerbFailure.usage("--id takes letters, digits, dots, hyphens and underscores, 64 at most")
        }
        let made = GatewayKey.generate(id: id)
        let sum = Hex.encode(made.entry.sha256)
        guard json else {
            try Terminal.data("# \(made.key)\nkeys:\n  - id: \"\(id)\"\n    sha256: \(sum)\n")
            Terminal.say("weir: keep the key of the first line; it cannot be shown again")
            return
        }
        var out = JSONWriter()
        out.beginObject()
        for (key, value) in [("id", id), ("key", made.key), ("sha256", sum)] {
            out.key(key)
            out.value(value)
        }
        out.endObject()
        out.newline()
        try Terminal.data(out.bytes)
    }

    /// A name that means nothing to YAML inside quotes, nor to a terminal.
    private static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }
}
