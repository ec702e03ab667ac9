// SPDX-License-Identifier: Apache-2.0

/// How far a segment has been read into the index; committed with the facts behind it.
package struct Checkpoint: Equatable, Sendable {
    /// File name of the segment.
    package var segment: String
    /// Bytes of the file that have been read.
    package var offset: Int64

    /// A place in a segment.
    package init(segment: String, offset: Int64) {
        self.segment = segment
        self.offset = offset
    }
}

/// Something in a segment that gave no fact, kept so that nothing is lost in silence.
package struct Loss: Equatable, Sendable {
    /// What kind of loss.
    package enum Kind: String, Sendable {
        /// A range of the file that the segment's reader found damaged.
        case damage
        /// A line that is no record.
        case undecodable
    }

    /// File name of the segment.
    package var segment: String
    /// What kind of loss.
    package var kind: Kind
    /// Byte offset in the file: of the damaged range, or of the batch that holds the line.
    package var frame: Int64
    /// Byte offset of the line in the decompressed frame; 0 for a damaged range.
    package var offset: Int64
    /// Length of the range or of the line, bytes.
    package var byteCount: Int64
    /// Why, in a few words.
    package var reason: String

    /// A loss.
    package init(segment: String, kind: Kind, frame: Int64, offset: Int64, byteCount: Int64, reason: String) {
        self.segment = segment
        self.kind = kind
        self.frame = frame
        self.offset = offset
        self.byteCount = byteCount
        self.reason = reason
    }
}

/// How much was lost, over all segments.
package struct LossCount: Equatable, Sendable {
    /// Ranges that gave no batch.
    package var damagedRanges: Int64 = 0
    /// Bytes in those ranges.
    package var damagedBytes: Int64 = 0
    /// Lines that are no records.
    package var undecodableLines: Int64 = 0

    /// Nothing lost.
    package init() {}
}

/// What one commit changed.
package struct CommitResult: Equatable, Sendable {
    /// Facts that were new.
    package var inserted = 0
    /// Facts whose id was there already; the stored ones stay as they are.
    package var duplicates = 0
    /// Of the new ones, those of a time that was packed into columns or rolled up already.
    package var late = 0

    /// Nothing changed.
    package init() {}
}
