// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension SystemTests {
    @Suite struct IndexKillTests {
        /// A short round of the campaign `Tests/Campaigns/index_kill.sh`.
        @Test(.timeLimit(.minutes(8))) func anIndexThatIsKilledOverAndOverEndsAsOneMadeAtAStretch() async throws {
            let folder = try Scratch()
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().path
            let line = """
                cd "$1" && WEIR_BIN="$2" TMPDIR="$3" EXCHANGES=150 ROUNDS=12 SEED=6 exec Tests/Campaigns/index_kill.sh
                """
            let ended = try await Weir.run(
                ["/bin/bash", "-c", line, "-", root, Weir.path, folder.path], within: 460)
            #expect(ended.code == 0, "\(ended.errors) \(ended.text)")
            let verdict = try #require(ended.text.split(separator: "\n").last { $0.hasPrefix("index kill: ") })
            #expect(verdict.hasPrefix("index kill: held: "), "\(ended.text)")
        }
    }
}
