// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import Foundation
import HTTPWire
import Telemetry
import Testing

@testable import Gateway

@Suite(.serialized) struct OperationsTests {
    private func get(_ path: String, _ headers: [String] = [], method: String = "GET") -> String {
        (["\(method) \(path) HTTP/1.1", "Host: weir.test"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }

    @Test func answersLocalPathsWithinTheConnectionAndRecordsNone() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            // All at once: pipelined, with an exchange in the middle and one at the end.
            try wire.send(
                get("/healthz") + get("/readyz") + get("/metrics") + post() + get("/healthz?x=1", method: "HEAD")
                    + get("/metrics", method: "HEAD") + post("/healthz", "a body") + post())
            let health = try wire.answer()
            #expect(health.status == 200)
            #expect(try health.json()["status"] as? String == "alive")
            #expect(health.header("x-weir-exchange-id") == nil)
            let ready = try wire.answer()
            #expect(ready.status == 200)
            #expect(try ready.json()["reasons"] as? [String] == [])
            let metrics = try wire.answer()
            #expect(metrics.status == 200)
            #expect(metrics.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.text.contains("\nweir_gateway_connections_open 1\n"))
            #expect(try wire.answer().text == "reached")
            let head = try wire.answer(toHead: true)
            #expect(head.status == 200 && head.header("content-length") == "\(health.body.count)")
            let metricsHead = try wire.answer(toHead: true)
            #expect((metricsHead.header("content-length").flatMap(Int.init) ?? 0) > 1_000)
            let refused = try wire.answer()
            #expect(refused.status == 405 && refused.header("allow") == "GET, HEAD")
            #expect(try wire.answer().text == "reached")
            #expect(bench.samples().filter { $0.key.hasPrefix("weir_gateway_exchanges_total") }.values.reduce(0, +) == 2)
        }
        #expect(records.map(\.head.outcome) == [.completed, .completed])
    }

    @Test(arguments: ["/healthz/", "/healthzz", "/Healthz", "//healthz", "/v1/healthz", "/p/openai/metrics", "/metrics/x"])
    func shadowsNoOtherPath(path: String) async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let answer = try bench.ask(get(path))
            #expect(answer.header("x-weir-exchange-id") != nil)
            #expect(answer.text == "reached" || answer.status == 404)
        }
        #expect(records.count == 1)
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics"]) func forwardsALocalPathToAProviderThatIsNamed(path: String) async throws
    {
        let provider = try RawProvider(answering: ok("the provider's own"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            #expect(try bench.ask(get(path, ["x-inference-provider: openai"])).text == "the provider's own")
        }
        #expect(records.map(\.head.path) == [path])
    }

    @Test func showsMetricsToThoseWhoMaySeeThem() async throws {
        func status(
            _ operations: GatewayOperations, _ headers: [String] = [], keys: GatewayKeys = GatewayKeys()
        ) async throws -> Int {
            var status = 0
            try await withGateway(try RawProvider(answering: ok("x")), keys: keys, operations: operations) {
                (bench: Bench) async throws -> Void in
                status = try bench.ask(get("/metrics", headers)).status
                #expect(try bench.ask(get("/healthz", headers)).status == 200)
            }
            return status
        }
        let (key, entry) = GatewayKey.generate(id: "scraper")
        let keys = GatewayKeys([entry])
        #expect(try await status(GatewayOperations()) == 200)
        for header in ["X-Forwarded-For: 10.1.1.1", "Forwarded: for=x", "Via: 1.1 x", "X-Real-IP: 8.8.8.8"] {
            #expect(try await status(GatewayOperations(), [header]) == 403)
        }
        #expect(try await status(GatewayOperations(metricsAccess: .off)) == 404)
        #expect(try await status(GatewayOperations(metricsAccess: .open), ["Via: 1.1 x"], keys: keys) == 200)
        #expect(try await status(GatewayOperations(), keys: keys) == 401)
        #expect(try await status(GatewayOperations(), ["Authorization: Bearer weir_other"], keys: keys) == 401)
        #expect(try await status(GatewayOperations(), ["Authorization: Bearer \(key)"], keys: keys) == 200)
    }

    @Test func isNotReadyBeforeItListensAndWhileItDrains() async throws {
        #expect(GatewayOperations().state == .starting)
        #expect(LocalAnswer.readiness(.starting).status == 503)
        let release = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            try release.wait()
            try wire.send("0\r\n\r\n")
        }
        defer { provider.stop() }
        let bench = try await Bench.start(providers: ["openai": provider.port], allowsPrivate: false, limits: GatewayLimits())
        #expect(bench.operations.state == .ready)
        // What runs keeps the gateway draining.
        let running = try bench.connect()
        try running.send(post())
        _ = try running.read(through: "first\r\n")
        let late = try bench.connect()
        let early = try bench.connect()
        // Within a head, so that draining does not close it as idle; ordered before what `early` is answered.
        try late.send("GET /readyz HTTP/1.1\r\nHo")
        try early.send(get("/healthz"))
        #expect(try early.answer().status == 200)
        async let cut = bench.server.shutDown(limitMilliseconds: 10_000)
        #expect(try early.readToEnd().bytes.isEmpty)
        try late.send("st: w\r\n\r\n")
        let answer = try late.answer()
        #expect(answer.status == 503)
        #expect(try answer.json()["reasons"] as? [String] == ["draining"])
        #expect(answer.header("connection") == "close")
        release.open()
        #expect(try running.readToEnd().bytes == Array("0\r\n\r\n".utf8))
        #expect(await cut == 0)
        bench.capture.stop()
        try FileManager.default.removeItem(atPath: bench.directory)
    }

    @Test func countsWhatHappens() async throws {
        let provider = try RawProvider { provider, wire, _ in
            while true {
                let request = try wire.request()
                provider.note(request)
                if request.text == "break" { return wire.reset() }
                try wire.send(ok(String(repeating: "r", count: 100)))
            }
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            for _ in 0..<3 { #expect(try bench.ask(post("/v1/chat/completions", "12345")).status == 200) }
            #expect(try bench.ask(post("/v1/images/generations", "")).status == 200)
            #expect(try bench.ask(post("/v1/responses", "break")).status == 502)
            #expect(try bench.ask(get("/v1/models", ["x-inference-provider: anthropic"])).status == 200)
            #expect(try bench.ask(get("/nowhere")).status == 404)
            #expect(try bench.ask("BAD\r\n\r\n").status == 400)
            try await eventually("the callers' connections close") { bench.samples()["weir_gateway_connections_open"] == 0 }
            let samples = bench.samples()
            func exchanges(_ provider: String, _ api: String, _ status: String, _ outcome: String) -> Double? {
                samples[
                    "weir_gateway_exchanges_total{provider=\"\(provider)\",api=\"\(api)\",status=\"\(status)\",outcome=\"\(outcome)\"}"
                ]
            }
            #expect(exchanges("openai", "openai-chat", "2xx", "completed") == 3)
            #expect(exchanges("openai", "openai-images", "2xx", "completed") == 1)
            #expect(exchanges("openai", "openai-responses", "5xx", "upstream_failed") == 1)
            #expect(exchanges("anthropic", "opaque", "2xx", "completed") == 1)
            #expect(exchanges("other", "opaque", "4xx", "refused") == 2)
            #expect(samples["weir_gateway_exchanges_in_flight"] == 0)
            #expect(samples["weir_gateway_request_body_bytes_total{provider=\"openai\"}"] == 20)
            #expect(samples["weir_gateway_response_body_bytes_total{provider=\"openai\"}"] == 400)
            #expect(samples["weir_gateway_first_byte_seconds_count{provider=\"openai\"}"] == 4)
            #expect(samples["weir_gateway_exchange_duration_seconds_count{provider=\"openai\"}"] == 5)
            // The first exchange opened its connection, the next took it from the pool; so did the one that broke.
            #expect(samples["weir_gateway_added_latency_seconds_count"] == 3)
            #expect(samples["weir_upstream_resends_total"] == 1)
            #expect(samples["weir_upstream_failures_total{reason=\"closed_early\"}"] == 2)
            #expect(samples["weir_gateway_connections_accepted_total"] == 8)
            #expect(samples["weir_capture_exchanges_admitted_total"] == 8)
            try await eventually("nothing waits") { bench.samples()["weir_capture_waiting_exchanges"] == 0 }
            try await eventually("all are written") { bench.samples()["weir_capture_records_written_total"] == 8 }
        }
        #expect(records.count == 8)
    }

    @Test func countsEveryFamilyAndOutcomeUnderItsName() throws {
        #expect(GatewayMetricSet.apis == APIFamily.known.map(\.rawValue) + ["opaque"])
        // As many providers as one likes: the layout keeps its limit.
        let set = try GatewayMetricSet(providers: (0..<500).map { "p\($0)" })
        let registry = MetricRegistry()
        let shard = try #require(registry.makeShards(set.layout, count: 1).first)
        let metrics = GatewayMetrics(set: set, shard: shard)
        let outcomes = Outcome.allCases.filter { $0 != .gatewayCrashed }
        for family in APIFamily.known {
            for outcome in outcomes { metrics.refused(api: metrics.apiIndex(family), status: 404, outcome: outcome) }
        }
        let lines = Set(String(decoding: registry.text(), as: UTF8.self).split(separator: "\n").map(String.init))
        for family in APIFamily.known {
            for outcome in outcomes {
                let labels = #"provider="other",api="\#(family.rawValue)",status="4xx",outcome="\#(outcome.rawValue)""#
                #expect(lines.contains("weir_gateway_exchanges_total{\(labels)} 1"))
            }
        }
    }

    @Test func recordsTraceAndRequestIDAndPassesThem() async throws {
        let provider = try RawProvider(answering: ok("x"))
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let answer = try bench.ask(
                post("/v1/chat/completions", "{}", ["Traceparent: \(trace)", "tracestate: a=1,b=2", "X-Request-ID: mine-7"]))
            #expect(answer.header("x-weir-provider") == "openai")
            #expect(answer.header("x-weir-attempts") == "1")
            let refused = try bench.ask(post("/nowhere"))
            #expect(refused.header("x-weir-attempts") == "0")
            #expect(refused.header("x-weir-provider") == nil)
        }
        let seen = try #require(provider.requests.first)
        #expect(seen.header("traceparent") == trace)
        #expect(seen.header("tracestate") == "a=1,b=2")
        #expect(seen.header("x-request-id") == "mine-7")
        let head = try #require(records.first?.head)
        #expect(head.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(head.parentSpanID == "b7ad6b7169203331")
        #expect(head.clientRequestID == "mine-7")
    }

    /// Every metric of the scrape has a row on the page, and every row is a metric.
    @Test func pageListsEveryMetric() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "notebooks-docs/operations.md"), encoding: .utf8)
        let listed = Set(page.matches(of: /(?m)^\| `((?:weir|process)_[a-z0-9_]+)`/).map { String($0.1) })
        var code: Set<String> = []
        for room in ["Gateway", "weir"] {
            let folder = root.appending(path: "Sources/\(room)")
            for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            where file.pathExtension == "swift" {
                let text = try String(contentsOf: file, encoding: .utf8)
                code.formUnion(
                    text.matches(
                        of: /"((?:weir_(?:gateway|upstream|capture|index|segments|feedback|process|build)|process)_[a-z0-9_]+)"/
                    )
                    .map {
                        String($0.1)
                    })
            }
        }
        #expect(listed == code, "only on the page: \(listed.subtracting(code)); only in the code: \(code.subtracting(listed))")
    }
}
