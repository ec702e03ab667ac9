// SPDX-License-Identifier: Apache-2.0

/// Limits of the control database, with the reason of each.
package enum ControlStoreLimits {
    /// Seconds to wait for another connection's transaction.
    package static let busySeconds = 10.0
    /// Milliseconds to wait for readers before the log is emptied behind an erasure; what waits longer is told.
    package static let clearingMilliseconds = 1_000
    /// Bytes of a name: of a ledger, a data set, a version, a source of feedback.
    package static let nameBytes = 128
    /// Bytes of one part of an attachment: 65,536 keys, and one line of an export of 1.4 MB.
    package static let partBytes = 1 << 20
    /// Keys in one list of one build: 256 MB, far above what a build trains on.
    package static let listKeys = 1 << 24
    /// Bytes that a gate keeps of one row of eval: half a million shingles.
    package static let separationBytes = 4 << 20
    /// Group keys of one row of eval; a conversation has a few.
    package static let groupKeys = 1_024
    /// Exchanges of one row of eval: a conversation of so many turns.
    package static let exchanges = 4_096
    /// Bytes of the reason of a tombstone.
    package static let reasonBytes = 512
    /// Entries of one append.
    package static let entriesAnAppend = 1_000_000
    /// Bytes of a canonical payload; the limits above stay below it.
    static let payloadBytes = 1 << 20
    /// Bytes of a line of an export.
    package static let lineBytes = 4 << 20
    /// Entries read at a time while streaming.
    static let pageEntries = 256
    /// Bytes of attachments read at a time while streaming.
    static let pageBytes = 8 << 20

    /// Bytes of a label of feedback: a word or a few.
    package static let labelBytes = 256
    /// Bytes of a correction: an answer as it should have been.
    package static let correctionBytes = 256 << 10
    /// The greatest score, and its opposite the least.
    package static let scoreMagnitude = 1_000_000_000.0
    /// Bytes of one piece of feedback that is posted: a correction whose every byte may be escaped in two, and the rest.
    package static let feedbackBytes = 2 * correctionBytes + 4_096
    /// Bytes of one piece of feedback in a line: whatever is stored can be written and read again, also where all of it is escaped in six.
    package static let feedbackLineBytes = 6 * correctionBytes + 4_096
    /// Pieces of feedback stored in one transaction.
    package static let feedbackABatch = 100_000
    /// Pieces of feedback that are kept: a rating each second for half a year.
    package static let feedbackPieces: Int64 = 16_000_000
    /// Bytes of feedback that are kept, about: it shares the disk with the segments.
    package static let feedbackStoredBytes: Int64 = 16 << 30
    /// Microseconds by which the time of feedback may be ahead of ours: clocks differ, and a day is no clock's error.
    package static let feedbackAheadUs: Int64 = 86_400_000_000
    /// The latest time of feedback, microseconds since 1970: the end of the year 9999.
    static let latestUs: Int64 = 253_402_300_799_999_999
    /// Pieces of feedback listed at once.
    package static let feedbackListed = 100_000
}
