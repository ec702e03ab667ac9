// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Platform
import SegmentLog

struct SegmentVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment", abstract: "Look into the segment log, and keep it.",
        discussion: """
            EXAMPLES:
              weir segment ls
              weir segment cat --task support --since 1h | jq .id
              weir segment get EXCHANGE-ID --pretty
              weir segment tail -f
              weir segment export --format har --since 1h --out last-hour.har
              weir segment verify
              weir segment seal
              weir segment retain --age 30d --dry-run
              weir segment erase --metadata user=42
            """,
        subcommands: [
            SegmentListVerb.self, SegmentStatVerb.self, SegmentCatVerb.self, SegmentGetVerb.self, SegmentTailVerb.self,
            SegmentExportVerb.self, SegmentVerifyVerb.self, SegmentSealVerb.self, SegmentRetainVerb.self, SegmentEraseVerb.self,
            SegmentHoldVerb.self, SegmentReleaseVerb.self, SegmentRepairVerb.self, SegmentKeyVerb.self,
        ])
}

/// The segments a verb is about.
struct SegmentChoice: ParsableArguments {
    @Argument(help: "Segments by name; all without one.") var names: [String] = []
    @OptionGroup var data: DataOption

    /// The directory of segments.
    var log: SegmentDirectory { get throws(SegmentError) { try data.directory.log } }

    /// The segments in write order.
    func segments() throws -> [SegmentFile] {
        try data.directory.require(PosixFileSystem())
        let all = try log.list()
        guard !names.isEmpty else { return all }
        let known = Set(all.map(\.name))
        for name in names where !known.contains(name) {
            throw VerbFailure.found("there is no segment \(name); see `weir segment ls`")
        }
        return all.filter { names.contains($0.name) }
    }
}
