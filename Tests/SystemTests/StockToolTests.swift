// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: OutsideTools.hasZstdAndJq, "zstd and jq are not installed"))
    struct StockToolTests {
        @Test(.timeLimit(.minutes(2))) func zstdAndJqReadEverySegment() async throws {
            let bench = try await Bench()
            var ids: [String] = []
            for run in 0..<3 {
                let gateway = try await bench.gateway("--no-index")
                for number in 0..<5 {
                    let isStream = number % 2 == 0
                    let question =
                        run == 1
                        ? Question.message("tool \(number)", isStream: isStream)
                        : Question.chat("tool \(run) \(number) \\u00e9\\ud83d\\ude00 \\n", isStream: isStream)
                    let answer = try await question.ask(port: gateway.port)
                    #expect(answer.status == 200)
                    ids.append(answer.id)
                }
                #expect(try await gateway.stop() == 0)
            }
            let segments = try bench.segments()
            #expect(segments.count == 3)
            var read: [String] = []
            for segment in segments {
                let ended = try await Weir.shell("set -o pipefail; zstd -dc < '\(segment)' | jq -r .id")
                #expect(ended.code == 0, "\(ended.errors)")
                read += ended.lines
            }
            #expect(read == ids)
            #expect(try await bench.records().compactMap { $0["id"]?.string } == ids)
        }
    }
}
