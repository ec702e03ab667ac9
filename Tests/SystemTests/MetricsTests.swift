// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension SystemTests {
    @Suite struct MetricsTests {
        /// What the program as a whole shows: gateway, capture, indexer, process.
        @Test(.timeLimit(.minutes(2))) func showsEveryPartOfTheProgram() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            #expect(try await Question(method: "GET", path: "/healthz").ask(port: gateway.port).status == 200)
            #expect(try await Question(method: "GET", path: "/readyz").ask(port: gateway.port).status == 200)
            for number in 0..<3 {
                let answer = try await Question.chat("metrics \(number)", isStream: true).ask(port: gateway.port)
                #expect(answer.header("x-weir-provider") == "openai" && answer.header("x-weir-attempts") == "1")
            }
            let text = try await eventually("the indexer to have counted", within: 30) {
                let answer = try await Question(method: "GET", path: "/metrics").ask(port: gateway.port)
                return answer.text.contains("\nweir_index_facts_total 3\n") ? answer.text : nil
            }
            #expect(text.contains("weir_index_ttft_seconds_count{provider=\"openai\"} 3\n"))
            #expect(text.contains("weir_capture_records_written_total 3\n"))
            #expect(
                text.contains(
                    "weir_gateway_exchanges_total{provider=\"openai\",api=\"openai-chat\",status=\"2xx\",outcome=\"completed\"} 3\n"
                ))
            #expect(text.contains("weir_index_passes_total{result=\"finished\"} "))
            func value(_ name: String) -> Double {
                text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) }
                    ?? -1
            }
            #expect(value("weir_index_lag_seconds") >= 0 && value("weir_index_lag_seconds") < 60)
            #expect(value("weir_process_anonymous_memory_bytes") > 100_000)
            #expect(value("process_resident_memory_bytes") > value("weir_process_anonymous_memory_bytes"))
            #expect(value("process_open_fds") > 3 && value("process_max_fds") >= value("process_open_fds"))
            #expect(value("process_start_time_seconds") > 1_600_000_000 && value("process_cpu_seconds_total") >= 0)
            #expect(text.contains("weir_build_info{version=\""))
            // Each family is described once, before its samples.
            var seen: Set<Substring> = []
            for line in text.split(separator: "\n") where line.hasPrefix("# TYPE ") {
                #expect(seen.insert(line.split(separator: " ")[2]).inserted, "\(line) twice")
            }
            #expect(try await gateway.stop() == 0)
            // The local paths left no record.
            #expect(try await bench.records().count == 3)
        }

        @Test(.timeLimit(.minutes(2))) func hidesMetricsWhereConfigured() async throws {
            let bench = try await Bench()
            let path = bench.scratch.at("weir.yaml")
            // A bare off is a boolean's word in YAML: the text is what counts.
            try "metrics: off\n".write(toFile: path, atomically: true, encoding: .utf8)
            let gateway = try await bench.gateway("--config", path)
            #expect(try await Question(method: "GET", path: "/metrics").ask(port: gateway.port).status == 404)
            #expect(try await Question(method: "GET", path: "/healthz").ask(port: gateway.port).status == 200)
            #expect(try await gateway.stop() == 0)
        }

        /// The data directory cannot even be made: its parent is a file.
        @Test(.timeLimit(.minutes(2))) func bypassForwardsAndNeedsNoDisk() async throws {
            let bench = try await Bench()
            let path = bench.scratch.at("weir.yaml")
            try "capture: off\n".write(toFile: path, atomically: true, encoding: .utf8)
            let gateway = try await RunningGateway(
                data: path + "/data", provider: bench.provider.port, extra: ["--config", path])
            #expect(gateway.errors.contains("nothing is recorded"))
            let question = Question.chat("bypass", isStream: true)
            let answer = try await question.ask(port: gateway.port)
            let direct = try await question.ask(port: bench.provider.port)
            #expect(answer.isWhole && answer.body == direct.body)
            #expect(!answer.id.isEmpty)
            let metrics = try await Question(method: "GET", path: "/metrics").ask(port: gateway.port).text
            #expect(metrics.contains("weir_gateway_exchanges_total{provider=\"openai\""))
            #expect(metrics.contains("\nweir_capture_exchanges_admitted_total 0\n"))
            #expect(metrics.contains("\nweir_capture_exchanges_dropped_total{reason=\"arena_full\"} 0\n"))
            #expect(try await gateway.stop() == 0)
        }
    }
}
