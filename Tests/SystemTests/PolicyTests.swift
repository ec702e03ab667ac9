// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation
import Glibc
import Testing

extension SystemTests {
    @Suite struct CapturePolicyTests {
        private static let yaml = """
            capture:
              mode: full
              header: reduce
              body_bytes: 4KiB
              redact: [email]
              rules:
                - {task: "secret-*", mode: off}
                - {environment: prod, mode: metadata}
                - {task: sampled, sample: 0, sampled_out: metadata}
            """

        /// Admitted is records, and off by policy, and dropped by reason: as the metrics say it.
        private static func account(_ text: String) -> (admitted: Int, written: Int, off: Int, dropped: Int) {
            func sum(_ name: String) -> Int {
                text.split(separator: "\n").filter { $0.hasPrefix(name + " ") || $0.hasPrefix(name + "{") }.reduce(0) {
                    $0 + (Int($1.split(separator: " ").last ?? "") ?? 0)
                }
            }
            return (
                sum("weir_capture_exchanges_admitted_total"), sum("weir_capture_records_written_total"),
                sum("weir_capture_exchanges_off_total"), sum("weir_capture_exchanges_dropped_total")
            )
        }

        private static func metrics(_ gateway: RunningGateway, admitted: Int) async throws -> String {
            try await eventually("\(admitted) exchanges to be accounted for", within: 20) {
                let text = try await Question(method: "GET", path: "/metrics").ask(port: gateway.port).text
                let sums = account(text)
                return sums.admitted == admitted && sums.written + sums.off + sums.dropped == admitted ? text : nil
            }
        }

        @Test(.timeLimit(.minutes(2))) func rulesAndHeaderDecideWhatIsRecorded() async throws {
            let bench = try await Bench()
            let path = bench.scratch.at("weir.yaml")
            try Self.yaml.replacing(", sampled_out: metadata", with: "").write(toFile: path, atomically: true, encoding: .utf8)
            let gateway = try await bench.gateway("--config", path)
            let plain = try await Question.chat("mail ann@example.com").ask(port: gateway.port)
            let metadata = try await Question.chat("two").with("x-inference-environment: prod").ask(port: gateway.port)
            let reduced = try await Question.chat("three").with("x-inference-capture: metadata").ask(port: gateway.port)
            let asked = try await Question.chat("four").with("x-inference-environment: prod", "x-inference-capture: full")
                .ask(port: gateway.port)
            let off = try await Question.chat("five").with("x-inference-capture: off").ask(port: gateway.port)
            let secret = try await Question.chat("six").with("x-inference-task-id: secret-1").ask(port: gateway.port)
            let sampled = try await Question.chat("seven").with("x-inference-task-id: sampled").ask(port: gateway.port)
            let long = try await Question.chat(String(repeating: "long ", count: 1_000)).ask(port: gateway.port)
            let streamed = try await Question.chat("nine", isStream: true, fake: "tokens=400").ask(port: gateway.port)
            let odd = try await Question.chat("eight").with("x-inference-capture: nothing").ask(port: gateway.port)
            for answer in [plain, metadata, reduced, asked, off, secret, sampled, long, streamed] {
                #expect(answer.status == 200)
            }
            #expect(odd.status == 400)
            let text = try await Self.metrics(gateway, admitted: 10)
            #expect(text.contains("\nweir_capture_exchanges_off_total{reason=\"policy\"} 2\n"))
            #expect(text.contains("\nweir_capture_exchanges_metadata_only_total{reason=\"policy\"} 3\n"))
            #expect(text.contains("\nweir_capture_exchanges_metadata_only_total{reason=\"sampled_out\"} 1\n"))
            #expect(text.contains("\nweir_capture_exchanges_reduced_total{reason=\"body_limit\"} 2\n"))
            #expect(text.contains("\nweir_capture_rung 0\n"))
            #expect(try await gateway.stop() == 0)
            let records = Dictionary(uniqueKeysWithValues: try await bench.records().map { ($0["id"]?.string ?? "", $0) })
            #expect(Set(records.keys) == Set([plain, metadata, reduced, asked, sampled, long, streamed, odd].map(\.id)))
            for answer in [metadata, reduced, asked, sampled] {
                let record = try #require(records[answer.id])
                #expect(record["request_body"]?.isNull == true && record["response_body"]?.isNull == true)
                #expect(record["request_body_kept"]?.string == "none" && record["response_body_kept"]?.string == "none")
                #expect(record["request_body_sha256"]?.string?.utf8.count == 64 && record["status"]?.int == 200)
                #expect(record["response_body_bytes"]?.int == Int64(answer.body.count))
            }
            let whole = try #require(records[plain.id])
            #expect(whole["request_body_kept"]?.string == "full" && whole["request_body"]?.string?.contains("mail ") == true)
            #expect(whole["request_body"]?.string?.contains("ann@example.com") == false)
            let cut = try #require(records[long.id])
            #expect(cut["request_body_kept"]?.string == "head_tail" && cut["request_body"]?.string?.utf8.count == 4_096)
            #expect((cut["request_body_bytes"]?.int ?? 0) > 5_000)
            // The tail of an answer tells its usage; without a body it is unknown.
            let answer = try #require(records[streamed.id])
            #expect(answer["response_body_kept"]?.string == "head_tail" && answer["response_stream"]?.bool == true)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let query = try await Weir.run("query", "exchanges", "--json", "--limit", "100", "--data", bench.data)
            let facts = Dictionary(uniqueKeysWithValues: try query.objects().map { ($0["id"]?.string ?? "", $0) })
            #expect((facts[streamed.id]?["usage"]?["output_total"]?.int ?? 0) > 100)
            #expect(facts[metadata.id]?["usage"]?["output_total"]?.isNull == true)
        }

        @Test(.timeLimit(.minutes(2))) func aNewPolicyTakesEffectAtSIGHUP() async throws {
            let bench = try await Bench()
            let path = bench.scratch.at("weir.yaml")
            try "capture: {mode: full}\n".write(toFile: path, atomically: true, encoding: .utf8)
            let gateway = try await bench.gateway("--config", path)
            let first = try await Question.chat("one").ask(port: gateway.port)
            _ = try await Self.metrics(gateway, admitted: 1)
            try "capture: {mode: metadata, rules: [{task: quiet, mode: off}]}\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            gateway.process.send(SIGHUP)
            _ = try await eventually("the reload") { gateway.errors.contains("configuration reloaded") ? true : nil }
            let second = try await Question.chat("two").ask(port: gateway.port)
            _ = try await Question.chat("three").with("x-inference-task-id: quiet").ask(port: gateway.port)
            let text = try await Self.metrics(gateway, admitted: 3)
            #expect(text.contains("\nweir_capture_exchanges_off_total{reason=\"policy\"} 1\n"))
            #expect(try await gateway.stop() == 0)
            let records = try await bench.records()
            #expect(records.compactMap { $0["id"]?.string } == [first.id, second.id])
            #expect(records.compactMap { $0["request_body_kept"]?.string } == ["full", "none"])
        }

        /// What lay in the arena of a gateway that was killed is recorded by the policy of the next one.
        @Test(.timeLimit(.minutes(2))) func recoveryFollowsThePolicyToo() async throws {
            let bench = try await Bench()
            let path = bench.scratch.at("weir.yaml")
            let yaml = "capture: {mode: metadata, header: reduce}\n"
            try yaml.write(toFile: path, atomically: true, encoding: .utf8)
            let gateway = try await bench.gateway("--config", path)
            async let quiet = Question.chat("never to be recorded", fake: "ttft_ms=30000").with("x-inference-capture: off")
                .ask(port: gateway.port)
            async let plain = Question.chat("no body of this", isStream: true, fake: "ttft_ms=30000").ask(port: gateway.port)
            _ = try await eventually("both to run") {
                let text = try await Question(method: "GET", path: "/metrics").ask(port: gateway.port).text
                return text.contains("\nweir_gateway_exchanges_in_flight 2\n") ? true : nil
            }
            gateway.process.send(SIGKILL)
            _ = try await gateway.process.end(within: 20)
            _ = try? await quiet
            _ = try? await plain
            let again = try await bench.gateway("--config", path)
            #expect(try await again.stop() == 0)
            let records = try await bench.records()
            #expect(records.count == 1 && records.first?["outcome"]?.string == "gateway_crashed")
            #expect(records.first?["request_body"]?.isNull == true && records.first?["request_body_kept"]?.string == "none")
        }
    }
}
