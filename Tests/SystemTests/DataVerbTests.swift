// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Platform
import SegmentLog
import Testing

extension SystemTests {
    /// Verbs over data that a gateway wrote: whole, locked, newer, corrupted, flipped, torn.
    @Suite struct DataVerbTests {
        /// The fact of `record.md`, in its order.
        private static let factKeys = """
            v id node started_at_us environment task metadata key_id trace_id parent_span_id client_request_id provider deployment api
            method path query upstream_url status outcome error_source error_code request_received_us upstream_sent_us first_byte_us
            last_byte_us ended_us request_body_encoding response_body_encoding request_body_bytes response_body_bytes request_content_coding
            response_content_coding request_body_kept response_body_kept request_body_sha256 response_body_sha256 response_stream
            model_requested model_responded stream_requested stream duration_us ttft_us first_visible_us overhead_us tokens_per_second usage usage_source finish_reason
            tool_calls service_tier provider_error cost price_version segment frame offset
            """.split(whereSeparator: \.isWhitespace).map(String.init)
        private static let usageKeys = """
            input_total input_uncached input_cached cache_write_total cache_write_5m cache_write_1h output_total output_visible
            output_reasoning input_audio output_audio input_image output_image tool_use_prompt
            """.split(whereSeparator: \.isWhitespace).map(String.init)
        private static let costKeys = """
            input_nanousd input_cached_nanousd cache_write_nanousd output_nanousd reasoning_nanousd tools_nanousd total_nanousd
            reported_nanousd
            """.split(whereSeparator: \.isWhitespace).map(String.init)

        private static func keys(_ node: JSONNode?) -> [String] { node?.members.map { $0.key.string ?? "" } ?? [] }

        private static func batches(_ path: String) throws -> [SegmentBatch] {
            let url = URL(fileURLWithPath: path)
            let directory = SegmentDirectory(files: PosixFileSystem(), path: url.deletingLastPathComponent().path)
            let file = try #require(directory.file(named: url.lastPathComponent))
            let reader = try SegmentReader(file: file, files: PosixFileSystem())
            var found: [SegmentBatch] = []
            while case .batch(let batch) = try reader.next(after: found.last?.next ?? 0) { found.append(batch) }
            return found
        }

        /// One segment with a batch for each of three exchanges; the gateway has stopped.
        private static func threeBatches() async throws -> (bench: Bench, segment: String, ids: [String]) {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--no-index")
            var ids: [String] = []
            for number in 1...3 {
                ids.append(try await Question.chat("batch \(number)").ask(port: gateway.port).id)
                _ = try await eventually("batch \(number)") {
                    try bench.segments().first.flatMap { try batches($0).count == number ? true : nil }
                }
            }
            #expect(try await gateway.stop() == 0)
            return (bench, try #require(try bench.segments().first), ids)
        }

        private static func rewrite(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
            var content = bytes(of: path)
            change(&content)
            try Data(content).write(to: URL(fileURLWithPath: path))
        }

        @Test(.timeLimit(.minutes(2))) func indexesOnceAndAnswersWithTheKeysOfTheRecord() async throws {
            let (bench, _, ids) = try await DataVerbTests.threeBatches()
            let first = try await Weir.run("index", "--json", "--data", bench.data)
            #expect(first.code == 0)
            #expect(try first.objects().first?["facts"]?.int == 3)
            let second = try await Weir.run("index", "--json", "--data", bench.data)
            #expect(second.code == 0)
            let report = try #require(try second.objects().first)
            #expect(report["facts"]?.int == 0 && report["records"]?.int == 0 && report["caught_up"]?.bool == true)

            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data)
            #expect(facts.code == 0)
            let objects = try facts.objects()
            #expect(objects.compactMap { $0["id"]?.string } == ids)
            for fact in objects {
                #expect(DataVerbTests.keys(fact) == DataVerbTests.factKeys)
                #expect(DataVerbTests.keys(fact["usage"]) == DataVerbTests.usageKeys)
                #expect(DataVerbTests.keys(fact["cost"]) == DataVerbTests.costKeys)
            }
            for line in [["query", "tail-latency"], ["segment", "ls"], ["segment", "verify"]] {
                let ended = try await Weir.run([Weir.path] + line + ["--json", "--data", bench.data])
                let isEmpty = try ended.objects().isEmpty
                #expect(ended.code == 0 && !isEmpty, "\(line): \(ended.errors)")
            }
        }

        @Test(.timeLimit(.minutes(2))) func waitsForTheIndexLockThenExits3() async throws {
            let (bench, _, _) = try await DataVerbTests.threeBatches()
            let lock = FileLock(path: bench.data + "/index.lock")
            #expect(try lock.tryAcquire())
            let refused = try await Weir.run("index", "--max-duration", "1", "--data", bench.data)
            #expect(refused.code == 3)
            #expect(refused.errors.contains("another process is indexing"), "\(refused.errors)")
            lock.release()
            #expect(try await Weir.run("index", "--max-duration", "1", "--data", bench.data).code == 0)
        }

        @Test(.timeLimit(.minutes(2))) func leavesANewerIndexUntouched() async throws {
            let (bench, _, _) = try await DataVerbTests.threeBatches()
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let index = bench.data + "/index.sqlite"
            // `PRAGMA user_version` lies at byte 60 of the file, big-endian.
            try DataVerbTests.rewrite(index) { $0.replaceSubrange(60..<64, with: [0, 0, 0, 99]) }
            let before = bytes(of: index)
            for arguments in [["index"], ["query", "exchanges", "--json"]] {
                let ended = try await Weir.run([Weir.path] + arguments + ["--data", bench.data])
                #expect(ended.code == 2, "\(arguments): \(ended.errors)")
                #expect(ended.errors.contains("index_newer_version") && ended.errors.contains("99"), "\(ended.errors)")
                #expect(bytes(of: index) == before)
            }
            let gateway = try await bench.gateway()
            #expect(try await Question.chat("traffic goes on").ask(port: gateway.port).status == 200)
            _ = try await eventually("the complaint") { gateway.errors.contains("index_newer_version") ? true : nil }
            #expect(try await gateway.stop() == 0)
            #expect(bytes(of: index) == before)
        }

        @Test(.timeLimit(.minutes(2))) func saysThatTheIndexIsDamagedAndHowToRebuildIt() async throws {
            let (bench, _, ids) = try await DataVerbTests.threeBatches()
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let index = bench.data + "/index.sqlite"
            let whole = bytes(of: index)
            let damages: [(inout [UInt8]) -> Void] = [
                { $0.replaceSubrange(0..<100, with: repeatElement(0xA5, count: 100)) },
                { for i in 100..<$0.count { $0[i] = UInt8(truncatingIfNeeded: i &* 31) } },
            ]
            for damage in damages {
                try Data(whole).write(to: URL(fileURLWithPath: index))
                try DataVerbTests.rewrite(index, damage)
                for arguments in [["index"], ["query", "exchanges", "--json"]] {
                    let ended = try await Weir.run([Weir.path] + arguments + ["--data", bench.data])
                    #expect(ended.code == 1, "\(arguments): \(ended.code) \(ended.errors)")
                    #expect(ended.errors.contains("`weir index --rebuild`"), "\(ended.errors)")
                }
            }
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: index + suffix) }
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data)
            #expect(try facts.objects().compactMap { $0["id"]?.string } == ids)
        }

        @Test(.timeLimit(.minutes(2))) func namesFlippedBitsAndReadsTheRest() async throws {
            let (bench, segment, ids) = try await DataVerbTests.threeBatches()
            let second = try DataVerbTests.batches(segment)[1]
            let place = Int(second.offset) + SegmentFormat.headerBytes + 20
            try DataVerbTests.rewrite(segment) { $0[place] ^= 0x10 }
            let name = (segment as NSString).lastPathComponent
            let verified = try await Weir.run("segment", "verify", "--data", bench.data)
            #expect(verified.code == 1)
            #expect(verified.errors.contains("\(name): bytes \(second.offset)..<\(second.next)"), "\(verified.errors)")
            let cat = try await Weir.run("segment", "cat", "--data", bench.data)
            #expect(cat.code == 1)
            #expect(try cat.objects().compactMap { $0["id"]?.string } == [ids[0], ids[2]])
            let indexed = try await Weir.run("index", "--data", bench.data)
            #expect(indexed.code == 0 && indexed.errors.contains("1 damaged"), "\(indexed.errors)")
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data)
            #expect(try facts.objects().compactMap { $0["id"]?.string } == [ids[0], ids[2]])
        }

        @Test(.timeLimit(.minutes(2))) func cutsATornTailAtTheNextStart() async throws {
            let (bench, segment, ids) = try await DataVerbTests.threeBatches()
            let whole = bytes(of: segment)
            let first = try DataVerbTests.batches(segment)[0]
            for count in [5, SegmentFormat.headerBytes, Int(first.next) - 1] {
                try DataVerbTests.rewrite(segment) { $0 += whole.prefix(count) }
                let torn = try await Weir.run("segment", "verify", "--data", bench.data)
                #expect(torn.errors.contains("unfinished from byte \(whole.count)"), "\(torn.errors)")
                let gateway = try await bench.gateway("--no-index")
                #expect(bytes(of: segment) == whole)
                #expect(try await gateway.stop() == 0)
            }
            #expect(try await bench.records().compactMap { $0["id"]?.string } == ids)
            #expect(try await Weir.run("segment", "verify", "--data", bench.data).code == 0)
        }

        @Test(.timeLimit(.minutes(2))) func endsQuietlyWhenTheReaderHasGone() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            let long = String(repeating: "words and words ", count: 10_000)
            for number in 0..<5 { #expect(try await Question.chat("\(number) \(long)").ask(port: gateway.port).status == 200) }
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            for verb in ["segment cat", "segment ls", "query", "query exchanges --json", "--help"] {
                let data = verb == "--help" || verb == "query" ? "" : " --data '\(bench.data)'"
                for reader in ["head -c 10 >/dev/null", "true"] {
                    let ended = try await Weir.shell("$WEIR \(verb)\(data) | \(reader); echo ${PIPESTATUS[0]}")
                    #expect(
                        ended.text == "0\n" && ended.errors.split(separator: "\n").count <= 1, "\(verb) | \(reader): \(ended)")
                }
            }
        }
    }
}
