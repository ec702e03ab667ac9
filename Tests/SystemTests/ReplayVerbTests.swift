// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation
import Glibc
import Testing

extension SystemTests {
    /// `weir replay` of what a real gateway recorded, against a second provider.
    @Suite struct ReplayVerbTests {
        private static let secret = "sk-never-to-be-seen-again-0001"

        /// Four exchanges with a caller's key; the gateway has stopped.
        private static func recorded(_ extra: [Question] = []) async throws -> (bench: Bench, questions: [Question]) {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--no-index")
            let questions =
                [
                    Question.chat("one").with("authorization: Bearer \(secret)", "x-inference-task-id: greet"),
                    Question.chat("two", isStream: true).with("authorization: Bearer \(secret)"),
                    Question.message("three").with("x-api-key: \(secret)"), Question.chat("four", fake: "status=429"),
                ] + extra
            for question in questions { _ = try await question.ask(port: gateway.port) }
            #expect(try await gateway.stop() == 0)
            return (bench, questions)
        }

        private static func replay(_ bench: Bench, _ port: Int, _ arguments: String...) async throws -> (
            ended: Finished, report: JSONNode?
        ) {
            let ended = try await Weir.run(
                [Weir.path, "replay", "--to", "http://127.0.0.1:\(port)", "--json", "--data", bench.data] + arguments)
            return (ended, try ended.objects().first)
        }

        @Test(.timeLimit(.minutes(2))) func sendsTheSameRequestsWithoutTheCallersKey() async throws {
            let (bench, questions) = try await ReplayVerbTests.recorded()
            let target = try await RunningProvider()
            let (ended, report) = try await ReplayVerbTests.replay(bench, target.port, "--pace", "1000x")
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(report?["sent"]?.int == 4 && report?["answered"]?.int == 4 && report?["differing"]?.int == 0)
            #expect(report?["statuses"]?["200"]?.int == 3 && report?["statuses"]?["429"]?.int == 1)
            #expect(report?["ttft_us"]?["answers"]?.int == 1 && (report?["ttft_us"]?["now"]?["p50"]?.int ?? 0) > 0)
            let tokens = report?["output_tokens"]
            #expect(
                tokens?["answers"]?.int == 3 && tokens?["then"]?.int == tokens?["now"]?.int, "the same seed gives the same answer"
            )
            let seen = target.server.seen()
            #expect(seen.count == 4)
            for question in questions {
                let twin = seen.first { $0.body == question.body }
                #expect(twin?.target == question.path && twin?.method == "POST")
                #expect(twin?.header("content-type") == "application/json")
            }
            for request in seen {
                #expect(request.header("authorization") == nil && request.header("x-api-key") == nil)
                #expect(request.header("x-inference-task-id") == nil && request.header("accept-encoding") == nil)
                #expect(!request.headers.contains { $0.value.contains("redacted") || $0.value.contains(ReplayVerbTests.secret) })
            }
        }

        @Test(.timeLimit(.minutes(2))) func sendsTheKeyOfTheVariableWhereTheCallersWas() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded()
            let target = try await RunningProvider()
            let to = "--to http://127.0.0.1:\(target.port) --pace max --data '\(bench.data)'"
            let ended = try await Weir.shell("TEST_KEY=k-123 $WEIR replay \(to) --key-env TEST_KEY")
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(!ended.text.contains("k-123") && !ended.errors.contains("k-123"))
            let keys = target.server.seen().map { $0.header("authorization") ?? $0.header("x-api-key") ?? "" }
            #expect(keys.sorted() == ["Bearer k-123", "Bearer k-123", "Bearer k-123", "k-123"])
            let absent = try await Weir.shell("$WEIR replay \(to) --key-env NO_SUCH_VARIABLE")
            #expect(absent.code == 2 && absent.errors.contains("NO_SUCH_VARIABLE"))
        }

        @Test(.timeLimit(.minutes(2))) func saysWhatIsAnsweredOtherwise() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded()
            var script = FakeProviderScript.instant
            script.fixedAnswer = { request in
                guard request.target == "/v1/messages" else { return nil }
                return FixedAnswer(status: 503, headers: [], chunks: [Array("{}".utf8)])
            }
            let target = try await RunningProvider(script)
            let (ended, report) = try await ReplayVerbTests.replay(bench, target.port, "--pace", "max")
            #expect(ended.code == 1 && ended.errors.contains("1 exchanges were not answered as recorded"), "\(ended.errors)")
            #expect(report?["differing"]?.int == 1 && report?["changes"]?[0]?["then"]?.int == 200)
            #expect(report?["changes"]?[0]?["now"]?.int == 503)
            let records = try await bench.records()
            #expect(
                report?["differences"]?[0]?["id"]?.string == records.first { $0["path"]?.string == "/v1/messages" }?["id"]?.string
            )
            try await target.stop()
            let (gone, none) = try await ReplayVerbTests.replay(bench, target.port, "--pace", "max")
            #expect(gone.code == 1 && none?["errors"]?["connect_failed"]?.int == 4 && none?["answered"]?.int == 0)
        }

        @Test(.timeLimit(.minutes(2))) func repeatsForLoadOverKeptConnections() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded([Question.chat("slow", fake: "ttft_ms=20")])
            let target = try await RunningProvider()
            let (ended, report) = try await ReplayVerbTests.replay(
                bench, target.port, "--pace", "max", "--concurrency", "4", "--repeat", "50", "--out", bench.scratch.at("answers"))
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(report?["sent"]?.int == 250)
            let counts = target.server.counts()
            #expect(counts.requests == 250 && (2...8).contains(counts.connections), "\(counts.connections) connections")
            let answers = try text(of: bench.scratch.at("answers/answers.jsonl")).split(separator: "\n").map {
                try JSONDocument(Array($0.utf8)).root
            }
            let ids = Set(try await bench.records().compactMap { $0["id"]?.string })
            #expect(answers.count == 250 && Set(answers.compactMap { $0["id"]?.string }).count == 250)
            #expect(Set(answers.compactMap { $0["metadata"]?["replay_of"]?.string }) == ids)
            #expect(try JSONDocument(bytes(of: bench.scratch.at("answers/report.json"))).root["sent"]?.int == 250)
            let (taken, _) = try await ReplayVerbTests.replay(bench, target.port, "--out", bench.scratch.at("answers"))
            #expect(taken.code == 2 && taken.errors.contains("is there already"))
            // What was kept is a log of its own that can be sent again.
            let again = try await Weir.run(
                "replay", "--to", "http://127.0.0.1:\(target.port)", "--file", bench.scratch.at("answers/answers.jsonl"),
                "--limit",
                "5", "--pace", "max")
            #expect(again.code == 0 && target.server.counts().requests == 255, "\(again.errors)")
        }

        @Test(.timeLimit(.minutes(2))) func choosesByFilterAndLeavesOutWhatCannotBeSent() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded([Question(method: "GET", path: "/nowhere-to-be-routed")])
            let target = try await RunningProvider()
            let (one, report) = try await ReplayVerbTests.replay(bench, target.port, "--task", "greet", "--pace", "max")
            #expect(one.code == 0 && report?["sent"]?.int == 1)
            let (all, whole) = try await ReplayVerbTests.replay(bench, target.port, "--pace", "max")
            #expect(all.code == 0 && whole?["skipped"]?["refused"]?.int == 1 && whole?["selected"]?.int == 4, "\(all.text)")
            let (none, _) = try await ReplayVerbTests.replay(bench, target.port, "--task", "none")
            #expect(none.code == 1 && none.errors.contains("nothing to send"))
            let gone = bench.scratch.at("absent.jsonl")
            #expect(try await ReplayVerbTests.replay(bench, target.port, "--file", gone).ended.code == 2)
        }

        @Test(.timeLimit(.minutes(2))) func reportsWhatWasDoneWhenInterrupted() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded()
            let target = try await RunningProvider()
            let out = bench.scratch.at("replay.out")
            // At this pace the second request is due in some minutes.
            let replay = try ChildProcess(
                [
                    Weir.path, "replay", "--to", "http://127.0.0.1:\(target.port)", "--pace", "0.001x", "--json", "--data",
                    bench.data,
                ], output: out, errors: bench.scratch.at("replay.err"))
            _ = try await eventually("the first request") { target.server.counts().requests == 1 ? true : nil }
            replay.send(SIGINT)
            #expect(try await replay.end() == 0)
            let report = try JSONDocument(bytes(of: out)).root
            #expect(report["stopped"]?.bool == true && report["sent"]?.int == 1)
            #expect((1...3).contains(report["held_back"]?.int ?? 0))
        }

        @Test(.timeLimit(.minutes(2))) func refusesWhatCostsMoney() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded()
            for to in ["https://api.openai.com", "https://api.anthropic.com:443/v1", "http://127.0.0.1:1 --through-weir"] {
                let ended = try await Weir.shell("$WEIR replay --to \(to) --data '\(bench.data)'")
                #expect(ended.code == 2 && ended.errors.contains("--yes-spend-money"), "\(to): \(ended.errors)")
                #expect(ended.output.isEmpty)
            }
        }

        @Test(.timeLimit(.minutes(2))) func goesThroughAWeirWithItsAttribution() async throws {
            let (bench, _) = try await ReplayVerbTests.recorded()
            let ids = try await bench.records().compactMap { $0["id"]?.string }
            let second = try await Bench()
            let gateway = try await second.gateway("--no-index")
            let (ended, report) = try await ReplayVerbTests.replay(
                bench, gateway.port, "--through-weir", "--yes-spend-money", "--pace", "max", "--concurrency", "1")
            #expect(ended.code == 0 && report?["sent"]?.int == 4, "\(ended.errors)")
            #expect(try await gateway.stop() == 0)
            let records = try await second.records()
            #expect(records.compactMap { $0["metadata"]?["replay-of"]?.string } == ids)
            #expect(records.first?["task"]?.string == "greet")
        }
    }
}
