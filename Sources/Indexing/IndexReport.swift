// SPDX-License-Identifier: Apache-2.0
package import FactStore

/// What a pass did, so far or in all.
package struct IndexReport: Equatable, Sendable {
    /// Segments that had something unread.
    package var segments = 0
    /// Batches committed.
    package var batches = 0
    /// Lines that were records.
    package var records = 0
    /// Facts that were new.
    package var facts = 0
    /// Records whose exchange was in the index already.
    package var duplicates = 0
    /// Damaged ranges found.
    package var damaged = 0
    /// Lines that were no record.
    package var undecodable = 0
    /// Gaps found.
    package var gaps = 0
    /// Exchanges that have no record, by those gaps.
    package var missing: UInt64 = 0
    /// Segments encrypted with a key that is not at hand, at most `IndexingLimits.namedSegments` of them.
    package var locked: [String] = []
    /// Facts of a time that was packed or rolled up before: it is done again.
    package var late = 0
    /// Facts that began more than `IndexingLimits.futureUs` after the pass: somebody's clock is wrong.
    package var future = 0
    /// Chunks of columns packed, hours, days and weeks rolled up.
    package var built = BuildReport()
    /// Bytes of segments read.
    package var bytes: Int64 = 0
    /// Bytes of segments that were unread when the pass began.
    package var totalBytes: Int64 = 0
    /// Bytes left behind the last whole batch of segments: being written, or torn.
    package var incompleteBytes: Int64 = 0
    /// Segments that could not be opened or read, at most `IndexingLimits.namedSegments` of them.
    package var unreadable: [String] = []
    /// How long the pass took, waiting included.
    package var durationUs: Int64 = 0
    /// Whether everything that was there when the pass began is in the index.
    package var isCaughtUp = false

    /// Nothing done.
    package init() {}

    /// The exit code of a verb that ends with this report: 3 where it could not finish, 1 where a segment could not be read.
    package var exitCode: Int32 { isCaughtUp ? (unreadable.isEmpty && locked.isEmpty ? 0 : 1) : 3 }

    /// One line for a person.
    package var summary: String {
        var text =
            "\(facts) facts from \(records) records in \(batches) batches of \(segments) segments, \(durationUs / 1_000) ms"
        if duplicates > 0 { text += "; \(duplicates) known already" }
        if undecodable > 0 { text += "; \(undecodable) lines are no records" }
        if damaged > 0 { text += "; \(damaged) damaged ranges (see `weir segment verify`)" }
        if missing > 0 { text += "; \(missing) exchanges have no record, by \(gaps) gaps" }
        if late > 0 { text += "; \(late) came late" }
        if future > 0 { text += "; \(future) began in the future: look at the clocks of the nodes" }
        if built.chunks > 0 { text += "; chunks packed: \(built.chunks)" }
        if built.hours > 0 { text += "; hours rolled up: \(built.hours)" }
        if !locked.isEmpty { text += "; no key for: \(locked.joined(separator: ", "))" }
        if !unreadable.isEmpty { text += "; cannot be read: \(unreadable.joined(separator: ", "))" }
        if !isCaughtUp { text += "; not finished, run it again" }
        return text
    }
}
