// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactStore
import FakeProvider
import Foundation
import Testing

extension SystemTests {
    /// `weir reconcile` from outside: files, and reports fetched from a provider that is asked page by page.
    @Suite struct ReconcileVerbTests {
        /// 2026-11-02T00:00:00Z in seconds.
        private static let monday: Int64 = 1_793_577_600
        /// What must be found nowhere.
        private static let key = "sk-admin-planted-7f3a9c51e0b24d68"

        /// A data directory with an index of twelve exchanges of one day and one of the next.
        private static func data() throws -> (scratch: Scratch, path: String) {
            let scratch = try Scratch()
            let path = scratch.at("data")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let store = try FactStore.open(path: path + "/index.sqlite", mode: .readWrite)
            let facts = (0..<13).map { i in fact(i, at: i < 12 ? monday + Int64(i) * 3_600 : monday + 86_400 + 60) }
            try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
            return (scratch, path)
        }

        private static func fact(_ i: Int, at seconds: Int64) -> ExchangeFact {
            var head = ExchangeHead(
                id: ExchangeID(milliseconds: UInt64(seconds) * 1_000, random: (1, UInt64(i))), node: "n",
                startedAtUs: seconds * 1_000_000, method: "POST", path: "/v1/chat/completions")
            head.provider = "openai"
            head.api = .openaiChat
            head.status = 200
            head.outcome = .completed
            head.keyID = i % 2 == 0 ? "even" : "odd"
            var fact = ExchangeFact(head: head, location: PayloadLocation(segment: "a.hot", frame: 0, offset: Int64(i)))
            fact.reading.modelRequested = "gpt-4o-mini"
            fact.reading.modelResponded = "gpt-4o-mini-2024-07-18"
            fact.reading.usageSource = .reported
            fact.reading.usage.inputTotal = 100
            fact.reading.usage.inputCached = 40
            fact.reading.usage.inputUncached = 60
            fact.reading.usage.outputTotal = 10
            fact.cost.totalNanousd = 18_000
            return fact
        }

        private static func bucket(_ day: Int64, _ results: String) -> String {
            #"{"object":"bucket","start_time":\#(monday + day * 86_400),"end_time":\#(monday + (day + 1) * 86_400),"results":[\#(results)]}"#
        }

        private static func usage(requests: Int, output: Int) -> String {
            #"{"object":"organization.usage.completions.result","model":"gpt-4o-mini-2024-07-18","batch":false,"num_model_requests":\#(requests),"input_tokens":\#(requests * 100),"input_cached_tokens":\#(requests * 40),"output_tokens":\#(output)}"#
        }

        private static func page(_ buckets: String, next: String? = nil) -> String {
            #"{"object":"page","data":[\#(buckets)],"has_more":\#(next != nil),"next_page":\#(next.map { "\"\($0)\"" } ?? "null")}"#
        }

        private static func answer(_ body: String, status: Int = 200, headers: [SeenHeader] = []) -> FixedAnswer {
            FixedAnswer(
                status: status, headers: [SeenHeader(name: "Content-Type", value: "application/json")] + headers,
                chunks: [Array(body.utf8)])
        }

        /// A provider whose usage lies on two pages and whose cost is billed by line item; `output` on the first day is given.
        private static func provider(output: Int = 120) async throws -> RunningProvider {
            var script = FakeProviderScript.instant
            script.fixedAnswer = { request in
                guard request.header("authorization") == "Bearer \(key)" else {
                    return answer(
                        #"{"error":{"message":"Incorrect API key provided: \#(request.header("authorization") ?? "")"}}"#,
                        status: 401)
                }
                if request.target.hasPrefix("/v1/organization/usage/completions?") {
                    return request.target.hasSuffix("&page=two%2F2")
                        ? answer(page(bucket(1, usage(requests: 1, output: 10))))
                        : answer(page(bucket(0, usage(requests: 12, output: output)), next: "two/2"))
                }
                if request.target.hasPrefix("/v1/organization/costs?") {
                    let items = ["input", "cached input", "output"].map { item in
                        #"{"object":"organization.costs.result","amount":{"value":0.000072,"currency":"usd"},"line_item":"gpt-4o-mini-2024-07-18, \#(item)"}"#
                    }
                    let last = items[0].replacing("0.000072", with: "0.000018")
                    return answer(page(bucket(0, items.joined(separator: ",")) + "," + bucket(1, last)))
                }
                return answer(page(bucket(0, "")))
            }
            return try await RunningProvider(script)
        }

        private static func reconcile(_ data: String, _ arguments: String..., variables: [String] = []) async throws -> Finished {
            let unset = ["-u", "OPENAI_ADMIN_KEY", "-u", "ANTHROPIC_ADMIN_KEY", "-u", "OPENROUTER_API_KEY", "-u", "http_proxy"]
            return try await Weir.run(
                ["/usr/bin/env"] + unset + variables + [Weir.path, "reconcile", "--provider", "openai", "--data", data]
                    + arguments)
        }

        @Test func comparesFilesAndSaysWhetherTheyAgree() async throws {
            let (scratch, data) = try Self.data()
            let days =
                Self.bucket(0, Self.usage(requests: 12, output: 120)) + "," + Self.bucket(1, Self.usage(requests: 1, output: 10))
            try Data(Self.page(days).utf8).write(to: URL(fileURLWithPath: scratch.at("usage.json")))
            let equal = try await Self.reconcile(data, "--file", scratch.at("usage.json"), "--json")
            #expect(equal.code == 0 && equal.errors.contains("2 rows and the total agree within 1.00 %"), "\(equal.errors)")
            let rows = try equal.objects()
            #expect(rows.count == 3 && rows.allSatisfy { $0["agrees"]?.int == 1 })
            #expect(rows[2]["ours_input_cached"]?.int == 520 && rows[2]["theirs_input_uncached"]?.int == 780)
            let half = try await Self.reconcile(data, "--file", scratch.at("usage.json"), "--key", "even")
            #expect(
                half.code == 1 && half.text.contains("difference") && half.errors.contains("2 rows differ by more than 1.00 %"),
                "\(half.text)\(half.errors)")
            let csv = try await Self.reconcile(data, "--file", scratch.at("usage.json"), "--since", "2026-11-03", "--csv")
            let lines = csv.text.split(whereSeparator: \.isNewline)
            #expect(
                csv.code == 0 && lines.count == 3
                    && lines[1].hasPrefix("day,2026-11-03,gpt-4o-mini-2024-07-18,,1,1,1,0,0,"))
            #expect(csv.errors.contains("1 lines of the export lie outside these days"))
        }

        @Test func refusesWhatItCannotRead() async throws {
            let (scratch, data) = try Self.data()
            let cut = scratch.at("cut.json")
            try Data(Self.page(Self.bucket(0, Self.usage(requests: 1, output: 1))).utf8.dropLast(9)).write(
                to: URL(fileURLWithPath: cut))
            let broken = try await Self.reconcile(data, "--file", cut)
            #expect(
                broken.code == 2 && broken.errors.contains("\(cut): byte ") && broken.errors.contains("may be cut"),
                "\(broken.errors)")
            #expect(try await Self.reconcile(data, "--file", cut, "--file", cut).code == 2)
            #expect(try await Self.reconcile(data).code == 2)
            #expect(try await Self.reconcile(data, "--file", cut, "--fetch").code == 2)
            #expect(try await Self.reconcile(data, "--file", scratch.at("none.json")).code == 2)
            for tolerance in ["-1", "101", "x", "0.00001"] {
                #expect(try await Self.reconcile(data, "--file", cut, "--tolerance=\(tolerance)").code == 2)
            }
            let keyless = try await Self.reconcile(data, "--fetch")
            #expect(keyless.code == 2 && keyless.errors.contains("OPENAI_ADMIN_KEY"))
            let plain = try await Self.reconcile(
                data, "--fetch", "--url", "http://user:pw@reports.example/v1", variables: ["OPENAI_ADMIN_KEY=\(Self.key)"])
            #expect(
                plain.code == 2 && plain.errors.contains("https://") && !plain.errors.contains("pw")
                    && !plain.errors.contains(Self.key))
        }

        @Test(.timeLimit(.minutes(2))) func fetchesEveryPageAndShowsTheKeyNowhere() async throws {
            let (scratch, data) = try Self.data()
            let provider = try await Self.provider()
            let arguments = [
                "--fetch", "--url", "http://127.0.0.1:\(provider.port)/v1/", "--since", "2026-11-02", "--until", "2026-11-04",
            ]
            func fetch(_ more: String..., key: String = Self.key) async throws -> Finished {
                try await Weir.run(
                    [
                        "/usr/bin/env", "-u", "http_proxy", "OPENAI_ADMIN_KEY=\(key)", Weir.path, "reconcile", "--provider",
                        "openai", "--data", data,
                    ]
                        + arguments + more)
            }
            let equal = try await fetch("--json", "--tolerance", "0")
            #expect(equal.code == 0, "\(equal.errors)")
            let rows = try equal.objects()
            #expect(rows.count == 3 && rows[0]["theirs_output"]?.int == 120 && rows[1]["theirs_output"]?.int == 10)
            #expect(rows[2]["theirs_cost_nanousd"]?.int == 234_000 && rows[2]["ours_cost_nanousd"]?.int == 234_000)
            let seen = provider.server.seen()
            #expect(seen.count == 8 && seen.allSatisfy { $0.method == "GET" && !$0.target.contains(Self.key) })
            #expect(seen.filter { $0.target.contains("/usage/completions?") }.count == 2)
            let few = try await fetch("--pages", "1")
            #expect(few.code == 3 && few.errors.contains("more than 1 pages"))
            let refused = try await fetch(key: Self.key + "-old")
            #expect(
                refused.code == 3 && refused.errors.contains("refuses the key in OPENAI_ADMIN_KEY (401)"), "\(refused.errors)")
            for ended in [equal, few, refused] {
                #expect(!ended.errors.contains("planted") && !ended.text.contains("planted"))
            }
            for path in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) {
                #expect(bytes(of: scratch.at(path)).firstRange(of: Array("planted".utf8)) == nil, "\(path)")
            }
        }

        @Test(.timeLimit(.minutes(2))) func saysWhatDiffersAndWhatWentWrong() async throws {
            let (scratch, data) = try Self.data()
            defer { withExtendedLifetime(scratch) {} }
            func fetch(_ provider: RunningProvider) async throws -> Finished {
                try await Self.reconcile(
                    data, "--fetch", "--url", "http://127.0.0.1:\(provider.port)/v1", "--since", "2026-11-02", "--until",
                    "2026-11-04", variables: ["OPENAI_ADMIN_KEY=\(Self.key)"])
            }
            let differing = try await fetch(try await Self.provider(output: 150))
            #expect(differing.code == 1 && differing.text.contains("-20.00 %"), "\(differing.text)\(differing.errors)")
            #expect(differing.errors.contains("1 of 2 rows differ by more than 1.00 %; the total differs, too"))
            var script = FakeProviderScript.instant
            script.fixedAnswer = { _ in Self.answer("{}", status: 429, headers: [SeenHeader(name: "Retry-After", value: "17")]) }
            let busy = try await fetch(try await RunningProvider(script))
            #expect(busy.code == 3 && busy.errors.contains("asked too often (429); try again in 17 s"), "\(busy.errors)")
            script.fixedAnswer = { _ in Self.answer(#"{"data":[{"start_time":1793577600,"res"#) }
            let cut = try await fetch(try await RunningProvider(script))
            #expect(
                cut.code == 2 && cut.errors.contains("/organization/usage/completions: byte ")
                    && cut.errors.contains("may be cut"))
            script.fixedAnswer = { _ in Self.answer(Self.page(Self.bucket(0, ""), next: "same")) }
            let endless = try await fetch(try await RunningProvider(script))
            #expect(endless.code == 3 && endless.errors.contains("says that there is more, and not where"), "\(endless.errors)")
        }
    }
}
