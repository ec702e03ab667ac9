// SPDX-License-Identifier: Apache-2.0

/// When a writer makes its batches durable.
package enum SegmentSyncPolicy: Sendable, Equatable {
    /// At the latest this many microseconds after the first unsynced write, or earlier by `SegmentLimits.unsyncedBytes`.
    case interval(us: Int64)
    /// After every write.
    case always
    /// Never; the kernel writes when it likes, and nothing is kept for rewriting.
    case never

    /// The same with an interval of at most a day.
    var bounded: SegmentSyncPolicy {
        if case .interval(let us) = self { .interval(us: SegmentLimits.boundedAge(us)) } else { self }
    }
}

/// What a writer did, counted since it began.
package struct SegmentWriterCounters: Sendable, Equatable {
    /// Records taken.
    package var records: UInt64 = 0
    /// Records refused: invalid, too large, or no room left.
    package var refusedRecords: UInt64 = 0
    /// Records taken that no file held when the writer was closed.
    package var lostRecords: UInt64 = 0
    /// Gaps taken.
    package var gaps: UInt64 = 0
    /// Batches written to a file, rewritten ones counted again.
    package var batches: UInt64 = 0
    /// Bytes of lines in those batches.
    package var rawBytes: UInt64 = 0
    /// Bytes written for those batches, headers included.
    package var writtenBytes: UInt64 = 0
    /// Segments created.
    package var segments: UInt64 = 0
    /// Segments left after a failed write or sync.
    package var abandonedSegments: UInt64 = 0
    /// Batches written to a second segment because the first was abandoned before they were synced.
    package var rewrittenBatches: UInt64 = 0
    /// Successful syncs.
    package var syncs: UInt64 = 0
    /// Failed syncs.
    package var syncFailures: UInt64 = 0
    /// Failed writes and opens, a full disk not among them.
    package var writeFailures: UInt64 = 0
    /// Writes and opens that met a full disk.
    package var noSpaceFailures: UInt64 = 0
}
