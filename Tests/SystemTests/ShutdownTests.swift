// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Glibc
import Platform
import Testing

extension SystemTests {
    @Suite struct ShutdownTests {
        @Test(.timeLimit(.minutes(2))) func drainsRunningStreamsOnSIGTERM() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            let begun = Counter()
            let questions = (0..<20).map { Question.chat("drain \($0)", isStream: true, fake: "ttft_ms=10;gap_ms=20;tokens=60") }
            let port = gateway.port
            let answers = try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
                for (number, question) in questions.enumerated() {
                    group.addTask { @Sendable in
                        let answer = try await offPool {
                            try question.blocking(port: port) { _ in begun.add() }
                        }
                        return (number, answer)
                    }
                }
                _ = try await eventually("all streams to begin") {
                    begun.value == questions.count ? true : nil
                }
                gateway.process.send(SIGTERM)
                return try await group.reduce(into: [Int: Answer]()) { $0[$1.0] = $1.1 }
            }
            #expect(try await gateway.process.end() == 0)
            for number in questions.indices {
                let atOnce = Question.chat("drain \(number)", isStream: true, fake: "ttft_ms=0;gap_ms=0;tokens=60")
                let direct = try await atOnce.ask(port: bench.provider.port)
                #expect(answers[number]?.isWhole == true)
                #expect(answers[number]?.body == direct.body, "stream \(number) differs from what the provider says")
            }
            var outcomes: [String: [String]] = [:]
            for record in try await bench.records() {
                outcomes[record["id"]?.string ?? "", default: []].append(record["outcome"]?.string ?? "")
            }
            #expect(outcomes.count == questions.count)
            for answer in answers.values { #expect(outcomes[answer.id] == [Outcome.completed.rawValue]) }
        }

        @Test(.timeLimit(.minutes(2))) func cutsAndRecordsWhatOutlastsTheDrain() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--drain-seconds", "1")
            let begun = Counter()
            let port = gateway.port
            async let cut = offPool {
                try Question.chat("long", isStream: true, fake: "ttft_ms=10;gap_ms=50;tokens=2000").blocking(port: port) { _ in
                    begun.add()
                }
            }
            _ = try await eventually("the stream to begin") { begun.value == 1 ? true : nil }
            #expect(try await gateway.stop(within: 20) == 0)
            let answer = try await cut
            #expect(!answer.isWhole && answer.status == 200)
            let record = try #require(try await bench.records().first)
            #expect(record["id"]?.string == answer.id)
            #expect(record["outcome"]?.string == Outcome.truncated.rawValue)
        }

        @Test(.timeLimit(.minutes(2))) func refusesASecondGatewayOnTheSameData() async throws {
            let bench = try await Bench()
            let first = try await bench.gateway()
            let second = try await Weir.run("serve", "--listen", "127.0.0.1:0", "--data", bench.data)
            #expect(second.code == 3)
            #expect(second.errors.contains("another gateway writes to \(bench.data)"), "\(second.errors)")
            #expect(try await Question.chat("still there").ask(port: first.port).status == 200)
            #expect(try await first.stop() == 0)
            let third = try await bench.gateway()
            #expect(try await third.stop() == 0)
        }

        @Test(.timeLimit(.minutes(2)), arguments: [SIGINT, SIGTERM])
        func firstSignalEndsAVerbThatOnlyReads(signal: Int32) async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--no-index")
            // More than a pipe holds, so that the verb waits for its reader in the middle of its work.
            for number in 0..<4 {
                let long = String(repeating: "stop \(number) ", count: 8_000)
                #expect(try await Question.chat(long).ask(port: gateway.port).status == 200)
            }
            #expect(try await gateway.stop() == 0)

            let pipe = bench.scratch.at("pipe")
            try #require(mkfifo(pipe, 0o600) == 0)
            let reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            let verb = try ChildProcess(
                [Weir.path, "segment", "cat", "--data", bench.data], output: pipe, errors: bench.scratch.at("err"))
            _ = try await eventually("the pipe to be full") {
                var waiting: Int32 = 0
                return ioctl(reader, UInt(FIONREAD), &waiting) == 0 && waiting >= 65_536 ? true : nil
            }
            #expect(verb.ended() == nil)
            verb.send(signal)
            #expect(try await verb.end(within: 10) == 128 + signal)
        }
    }
}
