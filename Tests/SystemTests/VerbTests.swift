// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension SystemTests {
    @Suite struct VerbTests {
        @Test func refusesBadUsageWithExitCode2() async throws {
            let scratch = try Scratch()
            let cases: [(arguments: [String], says: String)] = [
                (["dance"], "dance"),
                (["serve", "--no-such-flag"], "--no-such-flag"),
                (["serve", "--listen", "nonsense", "--data", scratch.path], "--listen: listen takes HOST:PORT"),
                (["serve", "--listen", "0.0.0.0:0", "--data", scratch.path], "--open"),
                (["serve", "--provider", "openai", "--data", scratch.path], "--provider takes NAME=BASE_URL"),
                (["serve", "--provider", "openai=ftp://x", "--data", scratch.path], "https://"),
                (["serve", "--threads", "0", "--data", scratch.path], "--threads"),
                (["serve", "--log-level", "loud", "--data", scratch.path], "--log-level: log_level must be one of"),
                (["serve", "--config", scratch.at("absent.yaml"), "--data", scratch.path], "absent.yaml cannot be read"),
                (["index", "--max-duration", "0", "--data", scratch.path], "--max-duration"),
                (["index", "--max-duration", "soon", "--data", scratch.path], "--max-duration"),
                (["query", "no-such-question", "--data", scratch.path], "no-such-question"),
                (["query", "no-such-question", "--help"], "no-such-question"),
                (["query", "tail-latenyc", "--data", scratch.path], "did you mean `tail-latency`?"),
                (["query", "spend", "--by", "taks", "--data", scratch.path], "did you mean `task`?"),
                (["query", "spend", "--percentiles", "99.99", "--data", scratch.path], "--percentiles takes"),
                (["query", "spend", "--limit", "0", "--data", scratch.path], "--limit"),
                (["query", "spend", "--json", "--csv", "--data", scratch.path], "--csv"),
                (["query", "spend", "--now", "soon", "--data", scratch.path], "no time"),
                (["query", "spend", "--sql", "x.sql", "--data", scratch.path], "--sql"),
                (["query", "--sql", scratch.at("absent.sql"), "--data", scratch.path], "cannot be read"),
                (["query", "exchanges", "--data", scratch.path], "weir index"),
                (["index", "--data", scratch.at("absent")], "there is no data directory"),
                (["query", "exchanges", "--data", scratch.at("absent")], "there is no data directory"),
                (["segment", "ls", "--data", scratch.at("absent")], "there is no data directory"),
                (["segment", "cat", "--data", scratch.at("absent")], "there is no data directory"),
                (["segment", "verify", "--data", scratch.at("absent")], "there is no data directory"),
                (["segment", "stat", "--data", scratch.at("absent")], "there is no data directory"),
                (["segment", "tail", "--data", scratch.at("absent")], "there is no data directory"),
                (["segment", "tail", "-n", "-1", "--data", scratch.path], "-n"),
                (["segment", "get", "x", "--data", scratch.path], "no exchange id"),
                (["segment", "export", "--format", "pcap", "--data", scratch.path], "pcap"),
                (["segment", "export", "--limit", "0", "--data", scratch.path], "--limit"),
                (["segment", "cat", "--status", "none", "--data", scratch.path], "no status"),
                (["replay", "--data", scratch.path], "--to"),
                (["replay", "--to", "127.0.0.1:1", "--data", scratch.path], "--to takes"),
                (["replay", "--to", "http://u:p@127.0.0.1:1", "--data", scratch.path], "--to takes"),
                (["replay", "--to", "http://127.0.0.1:1", "--pace", "fast", "--data", scratch.path], "--pace"),
                (["replay", "--to", "http://127.0.0.1:1", "--concurrency", "0", "--data", scratch.path], "--concurrency"),
                (["replay", "--to", "http://127.0.0.1:1", "--repeat", "0", "--data", scratch.path], "--repeat"),
                (["replay", "--to", "http://127.0.0.1:1", "--data", scratch.at("absent")], "there is no data directory"),
            ]
            for entry in cases {
                let ended = try await Weir.run([Weir.path] + entry.arguments)
                #expect(ended.code == 2, "\(entry.arguments): \(ended.code) \(ended.errors)")
                #expect(ended.errors.contains(entry.says), "\(entry.arguments): \(ended.errors)")
                #expect(ended.output.isEmpty, "\(entry.arguments): words on standard output")
            }
        }

        @Test func refusesBadConfigurationNamingTheKey() async throws {
            let scratch = try Scratch()
            let file = scratch.at("weir.yaml")
            let cases: [(yaml: String, says: String)] = [
                ("listne: 127.0.0.1:0\n", "weir.yaml:1: unknown key listne; did you mean `listen`?"),
                ("listen: [1\n", "is not YAML"),
                ("- 1\n- 2\n", "the top level must be a mapping"),
                ("threads: many\n", "threads must be a number"),
                ("drain: -1s\n", "drain must be"),
                ("open: perhaps\n", "open must be true or false"),
                ("providers:\n  openai: nowhere\n", "openai"),
                ("listen: 0.0.0.0:0\n", "--open"),
            ]
            for entry in cases {
                try Data(entry.yaml.utf8).write(to: URL(fileURLWithPath: file))
                let ended = try await Weir.run("serve", "--config", file, "--data", scratch.at("data"))
                #expect(ended.code == 2, "\(entry.yaml): \(ended.code) \(ended.errors)")
                #expect(ended.errors.contains(entry.says), "\(entry.yaml): \(ended.errors)")
            }
        }

        @Test func helpOfEveryVerbShowsExamples() async throws {
            var left: [[String]] = [[]]
            var seen = 0
            while let verb = left.popLast() {
                let help = try await Weir.run([Weir.path] + verb + ["--help"])
                #expect(help.code == 0 && help.text.contains("EXAMPLES:"), "weir \(verb.joined(separator: " ")) --help")
                let list = help.text.components(separatedBy: "SUBCOMMANDS:\n").dropFirst().first ?? ""
                for match in list.matches(of: /(?m)^  ([a-z]+)(?: |$)/) where match.1 != "help" {
                    left.append(verb + [String(match.1)])
                }
                seen += 1
            }
            #expect(seen >= 8)
        }

        @Test func queryAloneListsTheNames() async throws {
            let listed = try await Weir.run("query")
            #expect(listed.code == 0)
            let names = listed.lines.compactMap { $0.split(separator: "\t").first.map(String.init) }
            #expect(Set(names).isSuperset(of: ["exchanges", "tail-latency"]))
            let scratch = try Scratch()
            #expect(try await Weir.run("index", "--data", scratch.path).code == 0)
            for name in names {
                let answered = try await Weir.run("query", name, "--data", scratch.path)
                #expect(answered.code == 0, "\(name): \(answered.errors)")
            }
            #expect(try await Weir.run("query", "--list").lines == listed.lines)
        }

        @Test func questionsExplainThemselvesAndTakeOnesOwn() async throws {
            let scratch = try Scratch()
            #expect(try await Weir.run("index", "--data", scratch.path).code == 0)
            let help = try await Weir.run("query", "spend", "--help")
            #expect(help.code == 0 && help.text.hasPrefix("spend: Spend:") && help.text.contains("--by NAME"))
            let general = try await Weir.run("query", "-h")
            #expect(general.code == 0 && general.text.contains("USAGE: weir query") && general.text.contains("--percentiles"))
            let csv = try await Weir.run("query", "spend", "--by", "meta.team", "--csv", "--data", scratch.path)
            #expect(csv.code == 0 && csv.text.hasPrefix("meta.team,exchanges,input_total_tokens,") && csv.text.hasSuffix("\r\n"))
            let file = scratch.at("mine.sql")
            try Data("-- Mine.\nSELECT count(*) AS n, :p1 AS p1 FROM facts WHERE :task IS NULL OR task = :task".utf8)
                .write(to: URL(fileURLWithPath: file))
            let own = try await Weir.run("query", "--sql", file, "--percentiles", "42", "--json", "--data", scratch.path)
            #expect(own.text == "{\"n\":0,\"p42\":420}\n", "\(own.errors)")
            try Data("DELETE FROM fact".utf8).write(to: URL(fileURLWithPath: file))
            let refused = try await Weir.run("query", "--sql", file, "--data", scratch.path)
            #expect(refused.code == 2 && refused.output.isEmpty, "\(refused.code) \(refused.errors)")
            let completion = try await Weir.run("--generate-completion-script", "bash")
            #expect(completion.code == 0 && completion.text.contains("tail-latency") && completion.text.contains("spend-today"))
        }
    }
}
