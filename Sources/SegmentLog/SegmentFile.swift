// SPDX-License-Identifier: Apache-2.0

/// A segment's file as its directory shows it.
package struct SegmentFile: Sendable, Equatable {
    /// The parts of its name.
    package let fileName: SegmentName
    /// The path to open.
    package let path: String
    /// Bytes when it was listed.
    package let size: Int64

    /// A file from its parts.
    package init(name: SegmentName, path: String, size: Int64) {
        fileName = name
        self.path = path
        self.size = size
    }

    /// The file name.
    package var name: String { fileName.description }
    /// The segment it belongs to.
    package var stem: SegmentStem { fileName.stem }
    /// The node's name as file names carry it.
    package var node: String { stem.node }
    /// Start of the writer.
    package var epoch: UInt64 { stem.epoch }
    /// Number of the segment within the epoch.
    package var sequence: UInt64 { stem.sequence }
    /// Whether it is a finished file that never changes.
    package var isSealed: Bool { fileName.part != .hot }

    /// The name of a hot segment.
    package static func name(node: String, epoch: UInt64, sequence: UInt64) -> String {
        SegmentName(SegmentStem(node: node, epoch: epoch, sequence: sequence), .hot).description
    }
}
