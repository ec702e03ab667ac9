// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Glibc
import Platform
import Synchronization
import Testing

/// Which exchanges clients saw whole, and which they saw begin.
private final class Ledger: Sendable {
    private let entries = Mutex<[String]>([])
    private let running = Mutex<Set<String>>([])
    private let streams = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)

    var whole: [String] { entries.withLock { $0 } }
    var runningStreams: Int { streams.load(ordering: .relaxed) }
    var isStopped: Bool { stopped.load(ordering: .relaxed) }

    func note(_ answer: Answer) {
        guard answer.isWhole, answer.status == 200 else { return }
        entries.withLock { $0.append(answer.id) }
    }

    /// Streams whose head a client has seen and whose end it has not.
    var inFlight: Set<String> { running.withLock { $0 } }

    func streamBegan(_ id: String) {
        running.withLock { _ = $0.insert(id) }
        streams.wrappingAdd(1, ordering: .relaxed)
    }

    func streamEnded(_ answer: Answer?) {
        // One that broke off stays: it was in flight when the gateway died.
        if let answer, answer.isWhole { running.withLock { _ = $0.remove(answer.id) } }
        streams.wrappingSubtract(1, ordering: .relaxed)
    }
    func stop() { stopped.store(true, ordering: .relaxed) }
}

extension SystemTests {
    @Suite struct KillTests {
        private static let streams = 50

        @Test(.timeLimit(.minutes(60))) func keepsWhatClientsSawBeforeAKill() async throws {
            let rounds = ProcessInfo.processInfo.environment["WEIR_KILL_ROUNDS"].flatMap(Int.init) ?? 1
            let seed = ProcessInfo.processInfo.environment["WEIR_KILL_SEED"].flatMap(UInt64.init) ?? UInt64(SystemClock().wallUs)
            print("KillTests: \(rounds) rounds, WEIR_KILL_SEED=\(seed)")
            for round in 0..<rounds {
                // One splitmix step per round: the instant follows from the seed alone.
                var mixed = (seed &+ UInt64(round)) &* 0x9E37_79B9_7F4A_7C15
                mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
                let delayUs = Int64((mixed ^ (mixed >> 27)) % 1_500_000) + 400_000
                try await KillTests.killOnce(delayUs: delayUs, round: round)
            }
        }

        private static func killOnce(delayUs: Int64, round: Int) async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            let ledger = Ledger()
            let clients = try begin(ledger, port: gateway.port)
            _ = try await eventually("\(streams) running streams") { ledger.runningStreams >= streams ? true : nil }
            try await Task.sleep(for: .microseconds(delayUs))
            let runningStreams = ledger.runningStreams
            gateway.process.send(SIGKILL)
            ledger.stop()
            #expect(try await gateway.process.end() == 128 + SIGKILL)
            try await offPool { for client in clients { client.join() } }

            let again = try await bench.gateway()
            let after = try await Question.chat("after the kill").ask(port: again.port)
            #expect(after.status == 200)
            #expect(try await again.stop() == 0)
            let due = ledger.whole
            try await check(bench, due: due + [after.id], inFlight: ledger.inFlight, round: round)
            print(
                "KillTests: round \(round), \(runningStreams) streams running, \(due.count) seen whole, \(ledger.inFlight.count) in flight"
            )
            try await bench.provider.stop()
        }

        /// Fifty slow streams, and short exchanges that end all the time.
        private static func begin(_ ledger: Ledger, port: Int) throws -> [OwnedThread] {
            var clients: [OwnedThread] = []
            for number in 0..<streams {
                clients.append(
                    try OwnedThread(name: "stream-\(number)") {
                        let fake = "ttft_ms=\(20 + number);gap_ms=25;tokens=400"
                        let question =
                            number % 2 == 0
                            ? Question.chat("slow \(number)", isStream: true, fake: fake)
                            : Question.message("slow \(number)", isStream: true, fake: fake)
                        while !ledger.isStopped {
                            var hasBegun = false
                            let answer = try? question.blocking(port: port) { head in
                                ledger.streamBegan(head.id)
                                hasBegun = true
                            }
                            if hasBegun { ledger.streamEnded(answer) }
                            if let answer { ledger.note(answer) }
                        }
                    })
            }
            for number in 0..<4 {
                clients.append(
                    try OwnedThread(name: "short-\(number)") {
                        var count = 0
                        while !ledger.isStopped {
                            let question = Question.chat(
                                "short \(number) \(count)", isStream: number % 2 == 0,
                                fake: "ttft_ms=\(5 + count % 20);gap_ms=1;tokens=8")
                            if let answer = try? question.blocking(port: port) { ledger.note(answer) }
                            count += 1
                        }
                    })
            }
            return clients
        }

        private static func check(_ bench: Bench, due: [String], inFlight: Set<String>, round: Int) async throws {
            var outcomes: [String: [String]] = [:]
            for record in try await bench.records() {
                outcomes[record["id"]?.string ?? "", default: []].append(record["outcome"]?.string ?? "")
            }
            let wrong = due.filter { outcomes[$0] != [Outcome.completed.rawValue] }
            #expect(due.count > 3, "too few exchanges ended before the kill to show anything")
            #expect(
                wrong.isEmpty,
                "round \(round): \(wrong.count) of \(due.count) are not there exactly once and completed: \(wrong.prefix(5))")
            // Its last bytes may have been on their way when the gateway died: then it is committed.
            let lost = inFlight.filter { id in
                outcomes[id] != [Outcome.gatewayCrashed.rawValue] && outcomes[id] != [Outcome.completed.rawValue]
            }
            #expect(lost.isEmpty, "round \(round): in flight and not there once: \(lost.prefix(5).map { ($0, outcomes[$0]) })")
            #expect(inFlight.contains { outcomes[$0] == [Outcome.gatewayCrashed.rawValue] })
            let verified = try await Weir.run("segment", "verify", "--data", bench.data)
            #expect(verified.code == 0 && verified.errors.contains("sound"), "\(verified.errors)")
            let indexed = try await Weir.run("index", "--data", bench.data)
            #expect(indexed.code == 0, "\(indexed.errors)")
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data)
            let known = Set(try facts.objects().compactMap { $0["id"]?.string })
            #expect(known == Set(outcomes.keys))
        }
    }
}
