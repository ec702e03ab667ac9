// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Platform
import SegmentLog
import Testing

extension SystemTests {
    /// `weir index --reprice` from outside: index and sidecars, what it says, and its exit codes.
    @Suite struct RepriceVerbTests {
        private static func discount(_ perMille: Int, _ data: String) throws {
            let folder = data + "/prices"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let text = """
                format: weir-prices/1
                dated: 2026-11-29
                discounts:
                  - {provider: openai, off_per_mille: \(perMille), note: contract}

                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/overrides.yaml"))
        }

        private static func reprice(_ data: String, _ more: String...) async throws -> (ended: Finished, report: JSONNode?) {
            let ended = try await Weir.run([Weir.path, "index", "--reprice", "--json", "--data", data] + more)
            return (ended, try ended.objects().first)
        }

        @Test(.timeLimit(.minutes(2))) func waitsForWhoSealsAndNamesWhatIsHeld() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--no-index")
            _ = try await Question.chat("priced").ask(port: gateway.port)
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            #expect(try await bench.seal() == 1)
            let directory = SegmentDirectory(files: PosixFileSystem(), path: bench.data + "/segments")

            try Self.discount(500, bench.data)
            let lock = try #require(try directory.sealersLock())
            var (ended, report) = try await Self.reprice(bench.data, "--max-duration", "1")
            // What was done in the index is told, and that the sidecars are not.
            #expect(ended.code == 3 && ended.errors.contains("another process seals"), "\(ended.code) \(ended.errors)")
            #expect(ended.errors.contains("1 of 1 facts") && ended.errors.contains("not finished, run it again"))
            #expect(report?["changed"]?.int == 1 && report?["sidecars"]?.int == 0 && report?["complete"]?.bool == false)
            let before = try #require(report?["before_nanousd"]?.int)
            #expect(report?["after_nanousd"]?.int == before / 2 && before > 0)
            lock.release()
            (ended, report) = try await Self.reprice(bench.data)
            #expect(ended.code == 0 && report?["changed"]?.int == 0 && report?["sidecars"]?.int == 1, "\(ended.errors)")
            #expect(report?["complete"]?.bool == true)

            #expect(try await Weir.run("segment", "hold", "--reason", "case 7", "--data", bench.data).code == 0)
            try Self.discount(250, bench.data)
            (ended, report) = try await Self.reprice(bench.data)
            #expect(ended.code == 1 && ended.errors.contains("is held and keeps its costs"), "\(ended.code) \(ended.errors)")
            #expect(report?["changed"]?.int == 1 && report?["held"].map { Array($0.elements).count } == 1)
            #expect(try await Weir.run("segment", "release", "--data", bench.data).code == 0)
            (ended, report) = try await Self.reprice(bench.data)
            #expect(ended.code == 0 && report?["sidecars"]?.int == 1, "\(ended.errors)")
        }
    }
}
