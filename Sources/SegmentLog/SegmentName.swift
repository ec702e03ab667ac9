// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// What all files of one segment have in common: who wrote it, when, and which one it is.
package struct SegmentStem: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The node's name as file names carry it.
    package let node: String
    /// Start of the writer.
    package let epoch: UInt64
    /// Number of the segment within the epoch.
    package let sequence: UInt64

    /// A segment by its coordinates; the node's name is brought into the form of file names.
    package init(node: String, epoch: UInt64, sequence: UInt64) {
        self.node = SegmentFormat.nodeName(node)
        self.epoch = epoch
        self.sequence = sequence
    }

    /// The stem of a text `NODE-EPOCH-SEQ`, or nil where it is none.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, let sequence = UInt64(parts[parts.count - 1]),
            let epoch = UInt64(parts[parts.count - 2], radix: 16)
        else { return nil }
        self.init(node: parts.dropLast(2).joined(separator: "-"), epoch: epoch, sequence: sequence)
        // Writing it again refuses signs, short numbers and odd letters.
        guard description == text else { return nil }
    }

    /// `NODE-EPOCH-SEQ`.
    package var description: String {
        let hex = String(epoch, radix: 16)
        let number = String(sequence)
        let paddedHex = String(repeating: "0", count: max(0, 16 - hex.utf8.count)) + hex
        let paddedNumber = String(repeating: "0", count: max(0, 8 - number.utf8.count)) + number
        return "\(node)-\(paddedHex)-\(paddedNumber)"
    }

    /// By epoch, node, sequence: the order of writing.
    package static func < (a: SegmentStem, b: SegmentStem) -> Bool {
        (a.epoch, a.node, a.sequence) < (b.epoch, b.node, b.sequence)
    }
}

/// The name of a file that belongs to a segment.
package struct SegmentName: Sendable, Hashable, CustomStringConvertible {
    /// What a file holds of its segment.
    package enum Part: Sendable, Hashable {
        /// All of it, perhaps still being written.
        case hot
        /// Its records, sealed.
        case records
        /// Its facts: no bodies.
        case facts
        /// Its manifest; with it the segment is sealed.
        case manifest
        /// A mark: it may be neither removed nor changed.
        case hold
        /// A mark: a sync of the hot file failed, so that after a power cut it may hold less than was written.
        case suspect
    }

    /// The segment.
    package let stem: SegmentStem
    /// 0 for a hot segment and a mark, 1 after sealing, one more after each rewriting.
    package let generation: Int
    /// What the file holds.
    package let part: Part

    /// A name from its parts.
    package init(_ stem: SegmentStem, generation: Int = 0, _ part: Part) {
        self.stem = stem
        self.generation = generation
        self.part = part
    }

    /// The parts of a file name, or nil where it is not one of a segment.
    package init?(fileName: String) {
        guard let dot = fileName.firstIndex(of: "."), let stem = SegmentStem(fileName[..<dot]) else { return nil }
        let rest = fileName[fileName.index(after: dot)...]
        if rest == SegmentFormat.hotExtension.dropFirst() {
            self.init(stem, .hot)
        } else if rest == SegmentFormat.holdExtension.dropFirst() {
            self.init(stem, .hold)
        } else if rest == SegmentFormat.suspectExtension.dropFirst() {
            self.init(stem, .suspect)
        } else {
            guard let point = rest.firstIndex(of: "."), let number = Int(rest[..<point]), number > 0,
                let part = SegmentName.parts.first(where: { $0.ending == rest[point...] })?.part
            else { return nil }
            self.init(stem, generation: number, part)
        }
        guard description == fileName else { return nil }
    }

    private static let parts: [(part: Part, ending: String)] = [
        (.records, SegmentFormat.recordsExtension), (.facts, SegmentFormat.factsExtension),
        (.manifest, SegmentFormat.manifestExtension),
    ]

    /// The file name.
    package var description: String {
        switch part {
        case .hot: "\(stem)\(SegmentFormat.hotExtension)"
        case .hold: "\(stem)\(SegmentFormat.holdExtension)"
        case .suspect: "\(stem)\(SegmentFormat.suspectExtension)"
        case .records: "\(stem).\(generation)\(SegmentFormat.recordsExtension)"
        case .facts: "\(stem).\(generation)\(SegmentFormat.factsExtension)"
        case .manifest: "\(stem).\(generation)\(SegmentFormat.manifestExtension)"
        }
    }

    /// The name of another file of the same segment and generation.
    package func with(_ part: Part) -> SegmentName { SegmentName(stem, generation: generation, part) }
}
