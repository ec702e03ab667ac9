// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Glibc
import Platform
import SegmentLog
import Testing

extension SystemTests {
    /// The verbs of `weir segment` over what a real gateway wrote.
    @Suite struct SegmentVerbTests {
        /// Six exchanges of several kinds; the gateway has stopped. The last has a body that is no text.
        static func mixed() async throws -> (bench: Bench, ids: [String], answers: [Answer]) {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--no-index")
            let greet = "x-inference-task-id: greet"
            let questions = [
                Question.chat("one").with(greet),
                Question.chat("two", isStream: true).with(greet, "x-inference-environment: staging"),
                Question.message("three").with("x-inference-metadata-user: ann"), Question.chat("four", fake: "status=429"),
                Question.chat("five", fake: "status=500"), Question(body: [0x7B, 0xFF, 0xFE, 0x00, 0x7D]),
            ]
            var answers: [Answer] = []
            for question in questions { answers.append(try await question.ask(port: gateway.port)) }
            #expect(try await gateway.stop() == 0)
            return (bench, answers.map(\.id), answers)
        }

        private static func ids(_ ended: Finished) throws -> [String] { try ended.objects().compactMap { $0["id"]?.string } }

        @Test(.timeLimit(.minutes(2))) func filtersRecords() async throws {
            let (bench, ids, _) = try await SegmentVerbTests.mixed()
            let cases: [(filter: [String], wanted: [Int])] = [
                ([], [0, 1, 2, 3, 4, 5]), (["--task", "greet"], [0, 1]), (["--environment", "staging"], [1]),
                (["--provider", "anthropic"], [2]), (["--metadata", "user=ann"], [2]), (["--status", "429"], [3]),
                (["--outcome", "completed", "--status", "500"], [4]), (["--model", "claude-sonnet-4-5"], [2]),
                (["--model", "gpt-4o-mini", "--task", "greet"], [0, 1]), (["--api", "anthropic-messages"], [2]),
                (["--since", "1h"], [0, 1, 2, 3, 4, 5]), (["--until", "1h"], []), (["--since", "1h", "--task", "none"], []),
                (["--outcome", "client_closed"], []),
            ]
            for entry in cases {
                for verb in [["cat"], ["export"], ["tail", "--json", "-n", "100"]] {
                    let ended = try await Weir.run([Weir.path, "segment"] + verb + ["--data", bench.data] + entry.filter)
                    #expect(ended.code == 0, "\(verb) \(entry.filter): \(ended.errors)")
                    #expect(try SegmentVerbTests.ids(ended) == entry.wanted.map { ids[$0] }, "\(verb) \(entry.filter)")
                }
                let stat = try await Weir.run([Weir.path, "segment", "stat", "--json", "--data", bench.data] + entry.filter)
                #expect(try stat.objects().first?["records"]?.int == Int64(entry.wanted.count), "stat \(entry.filter)")
            }
            for bad in [["--status", "9"], ["--outcome", "good"], ["--since", "yesterday"]] {
                let ended = try await Weir.run([Weir.path, "segment", "cat", "--data", bench.data] + bad)
                #expect(ended.code == 2 && ended.output.isEmpty, "\(bad): \(ended.errors)")
            }
            let old = try await Weir.run("segment", "ls", "--until", "1h", "--json", "--data", bench.data)
            #expect(old.code == 0 && old.output.isEmpty)
        }

        /// A full disk behind the output is no reader that has gone.
        @Test(.timeLimit(.minutes(2))) func saysWhereTheOutputIsNotWhole() async throws {
            let (bench, _, _) = try await SegmentVerbTests.mixed()
            for verb in ["cat", "export", "ls --json"] {
                let ended = try await Weir.shell("$WEIR segment \(verb) --data '\(bench.data)' > /dev/full")
                #expect(ended.code == 3 && ended.errors.contains("No space left"), "\(verb): \(ended.code) \(ended.errors)")
            }
            let piped = try await Weir.shell(
                "set -o pipefail; for i in 1 2 3; do $WEIR segment cat --data '\(bench.data)' | head -c 1 >/dev/null || exit 9; done"
            )
            #expect(piped.code == 0, "\(piped.errors)")
        }

        /// After a hand-over the lock of the directory may be free while a process still writes.
        @Test(.timeLimit(.minutes(2))) func repairsNothingWhileAnEpochIsHeld() async throws {
            let (bench, _, _) = try await SegmentVerbTests.mixed()
            let files = PosixFileSystem()
            let directory = SegmentDirectory(files: files, path: bench.data + "/segments")
            let epoch = try SegmentEpoch.take(in: directory, clock: SystemClock())
            // As a batch that is being written looks.
            let hot = try #require(try directory.list().last { !$0.isSealed })
            try files.open(hot.path, .append).append(Array(try files.readFile(hot.path, limit: 100)))
            let size = try files.size(of: hot.path)
            let refused = try await Weir.run("segment", "repair", "--data", bench.data)
            #expect(refused.code == 3 && refused.errors.contains("still writes"), "\(refused.code) \(refused.errors)")
            #expect(try files.size(of: hot.path) == size)
            epoch.release(files: files)
            let repaired = try await Weir.run("segment", "repair", "--data", bench.data)
            #expect(repaired.code == 0, "\(repaired.errors)")
            #expect(try files.size(of: hot.path) == size - 100)
        }

        @Test(.timeLimit(.minutes(2))) func getsOneRecordWithAndWithoutTheIndex() async throws {
            let (bench, ids, answers) = try await SegmentVerbTests.mixed()
            let lines = try await Weir.run("segment", "cat", "--data", bench.data).lines
            for isIndexed in [false, true] {
                if isIndexed { #expect(try await Weir.run("index", "--data", bench.data).code == 0) }
                for (id, line) in zip(ids, lines) {
                    let got = try await Weir.run("segment", "get", id, "--data", bench.data)
                    #expect(got.code == 0 && got.lines == [line], "\(got.errors)")
                    #expect(got.errors.isEmpty)
                }
            }
            let body = try await Weir.run("segment", "get", ids[1], "--body", "response", "--data", bench.data)
            #expect(body.code == 0 && body.output == answers[1].body)
            let request = try await Weir.run("segment", "get", ids[5], "--body", "request", "--data", bench.data)
            #expect(request.code == 0 && request.output == [0x7B, 0xFF, 0xFE, 0x00, 0x7D])
            let pretty = try await Weir.run("segment", "get", ids[0], "--pretty", "--data", bench.data)
            for word in [ids[0], "greet", "gpt-4o-mini", "POST /v1/chat/completions", #""content":"one""#, "tokens"] {
                #expect(pretty.text.contains(word), "\(word) in \(pretty.text)")
            }
            #expect(!pretty.text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\0" })
            let none = try await Weir.run("segment", "get", "019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10", "--data", bench.data)
            #expect(none.code == 1 && none.output.isEmpty && none.errors.contains("no segment holds"))
            #expect(try await Weir.run("segment", "get", "nonsense", "--data", bench.data).code == 2)
        }

        @Test(.timeLimit(.minutes(2))) func everyVerbReadsSealedSegments() async throws {
            let (bench, ids, _) = try await SegmentVerbTests.mixed()
            let lines = try await Weir.run("segment", "cat", "--data", bench.data).lines
            let before = try #require(try await Weir.run("segment", "stat", "--json", "--data", bench.data).objects().first)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            #expect(try await bench.seal() == 1)
            #expect(try bench.segments().isEmpty)
            let listed = try await Weir.run("segment", "ls", "--json", "--data", bench.data).objects()
            #expect(listed.count == 1 && listed[0]["sealed"]?.bool == true && listed[0]["records"]?.int == 6)
            #expect(listed[0]["damaged"]?.int == 0 && listed[0]["incomplete_at"]?.isNull == true)
            for verb in [["cat"], ["export"], ["tail", "--json"]] {
                let ended = try await Weir.run([Weir.path, "segment"] + verb + ["--data", bench.data])
                #expect(ended.code == 0 && ended.lines.sorted() == lines.sorted(), "\(verb): \(ended.errors)")
            }
            for (id, line) in zip(ids, lines) {
                let got = try await Weir.run("segment", "get", id, "--data", bench.data)
                #expect(got.code == 0 && got.lines == [line] && got.errors.isEmpty, "\(got.errors)")
            }
            let after = try #require(try await Weir.run("segment", "stat", "--json", "--data", bench.data).objects().first)
            for key in ["records", "raw_bytes", "request_body_bytes", "duration_us", "min_started_at_us", "max_started_at_us"] {
                #expect(after[key]?.int == before[key]?.int, "\(key)")
            }
            #expect(try await Weir.run("segment", "verify", "--data", bench.data).code == 0)
            let har = try await Weir.run("segment", "export", "--format", "har", "--status", "429", "--data", bench.data)
            #expect(try HARCheck.entries(try JSONDocument(har.output).root).map { $0["_id"]?.string ?? "" } == [ids[3]])
        }

        @Test(.timeLimit(.minutes(2))) func addsUpWhatIsThere() async throws {
            let (bench, _, _) = try await SegmentVerbTests.mixed()
            let ended = try await Weir.run("segment", "stat", "--json", "--data", bench.data)
            let stat = try #require(try ended.objects().first)
            let listed = try await Weir.run("segment", "ls", "--json", "--data", bench.data).objects()
            for (key, own) in [
                ("file_bytes", "file_bytes"), ("raw_bytes", "raw_bytes"), ("batches", "batches"), ("records", "records"),
            ] {
                #expect(stat[key]?.int == listed.compactMap { $0[own]?.int }.reduce(0, +), "\(key)")
            }
            let records = try await bench.records()
            for key in ["request_body_bytes", "response_body_bytes"] {
                #expect(stat[key]?.int == records.compactMap { $0[key]?.int }.reduce(0, +), "\(key)")
            }
            #expect(stat["duration_us"]?.int == records.compactMap { $0["ended_us"]?.int }.reduce(0, +))
            #expect(stat["min_started_at_us"]?.int == records.compactMap { $0["started_at_us"]?.int }.min())
            #expect(stat["by_provider"]?["openai"]?.int == 5 && stat["by_provider"]?["anthropic"]?.int == 1)
            #expect(stat["by_status"]?["429"]?.int == 1 && stat["by_outcome"]?["completed"]?.int == 6)
            #expect(stat["damaged"]?.int == 0)
            let table = try await Weir.run("segment", "stat", "--data", bench.data)
            #expect(table.code == 0 && table.text.contains("anthropic") && table.text.contains("429"))
        }

        @Test(.timeLimit(.minutes(2))) func keepsErasesRemovesAndMends() async throws {
            let (bench, ids, _) = try await SegmentVerbTests.mixed()
            func run(_ arguments: String...) async throws -> Finished {
                try await Weir.run([Weir.path, "segment"] + arguments + ["--data", bench.data])
            }
            #expect(try await run("hold", "--reason", "case 7").code == 0)
            let kept = try await run("erase", "--exchange", ids[1], "--yes", "--json")
            let report = try #require(try kept.objects().first)
            #expect(kept.code == 1 && report["erased"]?.int == 0 && report["held"]?[0] != nil, "\(kept.errors)")
            #expect(try await run("get", ids[1]).code == 0)
            #expect(try await run("release").code == 0)
            #expect(try await run("erase", "--yes").code == 2)
            let erased = try await run("erase", "--pending", "--yes", "--json")
            #expect(try erased.code == 0 && erased.objects().first?["erased"]?.int == 1, "\(erased.errors)")
            #expect(try await run("get", ids[1]).code == 1)
            #expect(try await run("cat").lines.count == ids.count - 1)
            let planned = try #require(try await run("retain", "--age", "0s", "--dry-run", "--json").objects().first)
            #expect(planned["dry_run"] != nil && planned["segments"]?.int ?? 0 > 0)
            #expect(try await run("cat").lines.count == ids.count - 1)
            let removed = try #require(try await run("retain", "--age", "0s", "--json").objects().first)
            #expect(removed["freed_bytes"]?.int == planned["freed_bytes"]?.int)
            #expect(try await run("cat").lines.isEmpty)
            let expired = try await run("ls", "--expired", "--json").objects()
            #expect(expired.compactMap { $0["facts"]?.int }.reduce(0, +) == Int64(ids.count - 1))
            let counted = try await Weir.run("index", "--json", "--data", bench.data)
            #expect(try counted.objects().first?["caught_up"] != nil)
            let gone = try #require(try await run("retain", "--facts", "0s", "--json").objects().first)
            #expect(gone["forgotten_facts"]?.int == Int64(ids.count - 1))
            #expect(try await run("ls", "--expired").lines.isEmpty)
            #expect(try await run("repair").code == 0)
        }

        @Test(.timeLimit(.minutes(2))) func exportsJSONLinesAndHAR() async throws {
            let (bench, ids, answers) = try await SegmentVerbTests.mixed()
            let cat = try await Weir.run("segment", "cat", "--data", bench.data)
            #expect(try await Weir.run("segment", "export", "--data", bench.data).output == cat.output)
            let out = bench.scratch.at("all.har")
            let har = try await Weir.run("segment", "export", "--format", "har", "--out", out, "--json", "--data", bench.data)
            #expect(har.code == 0, "\(har.errors)")
            #expect(try har.objects().first?["records"]?.int == 6)
            #expect(!FileManager.default.fileExists(atPath: out + ".part"))
            let archive = try JSONDocument(bytes(of: out)).root
            let entries = try HARCheck.entries(archive)
            #expect(entries.map { $0["_id"]?.string ?? "" } == ids)
            for (entry, answer) in zip(entries, answers) {
                #expect(entry["response"]?["status"]?.int == Int64(answer.status))
                #expect(HARCheck.body(entry["response"]?["content"], encodingKey: "encoding") == answer.body)
            }
            #expect(
                HARCheck.body(entries[5]["request"]?["postData"], encodingKey: "_encoding") == [0x7B, 0xFF, 0xFE, 0x00, 0x7D])
            #expect(entries[0]["request"]?["url"]?.string == "http://127.0.0.1:\(bench.provider.port)/v1/chat/completions")
            let none = try await Weir.run("segment", "export", "--format", "har", "--task", "none", "--data", bench.data)
            #expect(try HARCheck.entries(try JSONDocument(none.output).root).isEmpty)
            let few = try await Weir.run("segment", "export", "--limit", "2", "--data", bench.data)
            #expect(try SegmentVerbTests.ids(few) == Array(ids.prefix(2)))
            #expect(try await Weir.run("segment", "export", "--json", "--data", bench.data).code == 2)
            let lost = try await Weir.run("segment", "export", "--out", bench.scratch.at("no/such/file"), "--data", bench.data)
            #expect(lost.code == 3)
        }

        @Test(.timeLimit(.minutes(2))) func tailFollowsThroughNewSegments() async throws {
            let bench = try await Bench()
            var ids: [String] = []
            let out = bench.scratch.at("tail")
            var gateway = try await bench.gateway("--no-index")
            for number in 0..<2 { ids.append(try await Question.chat("before \(number)").ask(port: gateway.port).id) }
            _ = try await eventually("two records") { try await bench.records().count == 2 ? true : nil }
            let tail = try ChildProcess(
                [Weir.path, "segment", "tail", "-f", "-n", "1", "--json", "--data", bench.data], output: out,
                errors: bench.scratch.at("tail.err"))
            _ = try await eventually("the last record") { text(of: out).isEmpty ? nil : true }
            for round in 0..<3 {
                for number in 0..<3 { ids.append(try await Question.chat("\(round) \(number)").ask(port: gateway.port).id) }
                let wanted = Array(ids.dropFirst())
                let found: [String] = try await eventually("the records of round \(round)") {
                    let lines = text(of: out).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                    let seen = try lines.compactMap { try JSONDocument(Array($0.utf8)).root["id"]?.string }
                    return seen.count >= wanted.count ? seen : nil
                }
                #expect(found == wanted)
                #expect(try await gateway.stop() == 0)
                if round < 2 { gateway = try await bench.gateway("--no-index") }
            }
            #expect(tail.ended() == nil)
            tail.send(SIGINT)
            #expect(try await tail.end() == 128 + SIGINT)
            #expect(text(of: bench.scratch.at("tail.err")).isEmpty)
            let people = try await Weir.run("segment", "tail", "-n", "3", "--data", bench.data)
            #expect(people.code == 0 && people.lines.count == 3)
            for (line, id) in zip(people.lines, ids.suffix(3)) {
                #expect(line.contains(id) && line.contains("gpt-4o-mini") && line.contains(" 200 "), "\(line)")
            }
        }

        @Test(.timeLimit(.minutes(2))) func tailNeitherLosesNorRepeatsWhatIsSealedMeanwhile() async throws {
            let bench = try await Bench()
            let (config, out) = (bench.scratch.at("weir.yaml"), bench.scratch.at("tail"))
            try Data("segments:\n  roll_age: 1s\n".utf8).write(to: URL(fileURLWithPath: config))
            let gateway = try await bench.gateway("--config", config)
            var ids = [try await Question.chat("first").ask(port: gateway.port).id]
            _ = try await eventually("the first record") { try await bench.records().isEmpty ? nil : true }
            let tail = try ChildProcess(
                [Weir.path, "segment", "tail", "-f", "-n", "1", "--json", "--data", bench.data], output: out,
                errors: bench.scratch.at("tail.err"))
            _ = try await eventually("its line") { text(of: out).isEmpty ? nil : true }
            // Goes on until segments that the tail has read are sealed and gone, and some more came after them.
            _ = try await eventually("three sealed segments", within: 60, every: 100) {
                ids.append(try await Question.chat("\(ids.count)").ask(port: gateway.port).id)
                let listed = try await Weir.run("segment", "ls", "--json", "--data", bench.data).objects()
                return listed.filter { $0["sealed"]?.bool == true }.count >= 3 ? true : nil
            }
            #expect(try await gateway.stop() == 0)
            let seen: [String] = try await eventually("all records") {
                let lines = text(of: out).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                let seen = try lines.compactMap { try JSONDocument(Array($0.utf8)).root["id"]?.string }
                return seen.count >= ids.count ? seen : nil
            }
            #expect(seen.sorted() == ids.sorted())
            #expect(tail.ended() == nil && text(of: bench.scratch.at("tail.err")).isEmpty)
        }
    }
}

/// What HAR 1.2 asks of an archive (http://www.softwareishard.com/blog/har-12-spec/), as far as Weir writes it.
enum HARCheck {
    /// The entries; expects each to be as the format wants it.
    static func entries(_ root: JSONNode) throws -> [JSONNode] {
        let log = try #require(root["log"])
        #expect(log["version"]?.string == "1.2")
        #expect(log["creator"]?["name"]?.string == "weir" && log["creator"]?["version"]?.string != nil)
        let entries = Array(try #require(log["entries"]).elements)
        for entry in entries { check(entry) }
        return entries
    }

    private static func check(_ entry: JSONNode) {
        let name = entry["_id"]?.string ?? "?"
        let started = entry["startedDateTime"]?.string ?? ""
        #expect(started.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil, "\(name): \(started)")
        let phases = ["blocked", "dns", "connect", "ssl", "send", "wait", "receive"].map { entry["timings"]?[$0]?.double }
        #expect(!phases.contains(nil), "\(name): timings")
        let sum = phases.compactMap { $0 }.filter { $0 > 0 }.reduce(0, +)
        #expect(abs(sum - (entry["time"]?.double ?? -1)) < 0.001, "\(name): \(sum) is not the time")
        #expect(entry["cache"]?.kind == .object, "\(name): cache")
        for side in ["request", "response"] {
            let node = entry[side]
            for key in ["cookies", "headers"] { #expect(node?[key]?.kind == .array, "\(name): \(side).\(key)") }
            for key in ["headersSize", "bodySize"] { #expect(node?[key]?.int != nil, "\(name): \(side).\(key)") }
            #expect(node?["httpVersion"]?.string != nil, "\(name): \(side).httpVersion")
            for header in node?["headers"]?.elements ?? JSONNode.noElements {
                #expect(header["name"]?.string != nil && header["value"]?.string != nil, "\(name): a header")
            }
        }
        let request = entry["request"]
        #expect(request?["method"]?.string?.isEmpty == false && URL(string: request?["url"]?.string ?? "") != nil, "\(name): url")
        #expect(request?["queryString"]?.kind == .array, "\(name): queryString")
        if let post = request?["postData"] { #expect(post["mimeType"]?.string != nil && post["text"]?.string != nil) }
        let response = entry["response"]
        #expect(response?["status"]?.int != nil && response?["statusText"]?.string != nil, "\(name): status")
        #expect(response?["redirectURL"]?.string != nil, "\(name): redirectURL")
        #expect(response?["content"]?["size"]?.int != nil && response?["content"]?["mimeType"]?.string != nil, "\(name): content")
    }

    /// The bytes of a body.
    static func body(_ node: JSONNode?, encodingKey: String) -> [UInt8]? {
        guard let text = node?["text"]?.unescapedBytes else { return nil }
        return node?[encodingKey]?.string == "base64" ? Base64.decode(text[...]) : text
    }
}
