// SPDX-License-Identifier: Apache-2.0

/// The bounds of the segment log, with units.
package struct SegmentLimits: Sendable {
    /// Lines in a batch before it closes, bytes.
    package var batchBytes = 512 << 10
    /// Age of a batch's first record at which it closes, microseconds.
    package var batchAgeUs: Int64 = 100_000
    /// Lines in a segment before it ends, bytes.
    package var segmentBytes: Int64 = 128 << 20
    /// Age at which a segment ends, microseconds.
    package var segmentAgeUs: Int64 = 300_000_000
    /// Longest record, bytes without its newline; larger ones are refused.
    package var recordBytes = 256 << 20
    /// Compressed bytes written but not synced at which a sync comes early.
    package var unsyncedBytes = 8 << 20
    /// Compressed bytes kept in memory while they cannot be written; beyond it records are refused.
    package var backlogBytes = 64 << 20
    /// Pause after a full disk before the next try, microseconds.
    package var noSpacePauseUs: Int64 = 100_000
    /// First and longest pause after a failing device before the next new segment, microseconds.
    package var failurePauseUs: ClosedRange<Int64> = 1_000_000...60_000_000
    /// Lines in a frame of a sealed segment, bytes; a longer record is a frame of its own.
    package var sealedFrameBytes = 16 << 20
    /// Lines of a segment that may be sealed, bytes: they are held in memory meanwhile.
    package var sealedSourceBytes: Int64 = 1 << 30
    /// Latest segments read through at start.
    package var recoveredSegments = 16
    /// Bytes copied aside per damaged range.
    package var setAsideBytes = 64 << 20
    /// Damaged ranges copied aside and listed per segment; the rest is only counted.
    package var damageListed = 256

    /// The limits of the product.
    package static let standard = SegmentLimits()

    /// The limits of the product, to be changed for a test.
    package init() {}

    /// The same with no batch that a reader would refuse and no age over a day, so that sums of ages never overflow.
    var bounded: SegmentLimits {
        var limits = self
        limits.batchBytes = min(max(1, batchBytes), SegmentFormat.rawBytesLimit - 1)
        limits.batchAgeUs = SegmentLimits.boundedAge(batchAgeUs)
        limits.segmentAgeUs = SegmentLimits.boundedAge(segmentAgeUs)
        limits.noSpacePauseUs = SegmentLimits.boundedAge(noSpacePauseUs)
        return limits
    }

    static func boundedAge(_ us: Int64) -> Int64 { min(max(0, us), 86_400_000_000) }
}
