// SPDX-License-Identifier: Apache-2.0

/// Why a pass could not begin or go on.
package struct IndexingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    package enum Code: String, Sendable {
        /// Another process was indexing for as long as this one could wait.
        case locked = "index_locked"
        /// The lock file cannot be opened.
        case lockUnusable = "index_lock_unusable"
        /// The directory of segments cannot be listed.
        case segmentsUnreadable = "index_segments_unreadable"
        /// The list of erasures cannot be read or written.
        case erasuresUnreadable = "index_erasures_unreadable"
    }

    /// The kind of fault.
    package let code: Code
    /// What happened and what to do.
    package let message: String
    /// The file or directory concerned.
    package let path: String

    /// A fault.
    package init(code: Code, message: String, path: String) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// What happened and what to do.
    package var description: String { "\(code.rawValue): \(message)" }

    /// The exit code of a verb that ends with this fault: 2 bad usage, 3 could not finish.
    package var exitCode: Int32 { code == .locked ? 3 : 2 }
}

/// Limits of a pass, with the reason of each.
package enum IndexingLimits {
    /// Work under the lock before a yielding pass gives it up for a moment, microseconds.
    package static let turnUs: Int64 = 200_000
    /// How long after an exchange began its time is packed and rolled up: most of what began with it has ended by then.
    package static let settlingUs: Int64 = 60_000_000
    /// How far a start may lie ahead of this machine's clock before it is counted as of the future.
    package static let futureUs: Int64 = 3_600_000_000
    /// Pause between two turns, microseconds; longer than `lockPollUs`, so that whoever waits gets the lock.
    package static let pauseUs: Int64 = 10_000
    /// Pause between two tries for the lock, microseconds.
    package static let lockPollUs: Int64 = 2_000
    /// A reported count above this (about 10^12) or below zero is no count and stays unknown, so that sums cannot overflow.
    package static let countMaximum: Int64 = 1 << 40
    /// Names of unreadable segments kept in a report.
    package static let namedSegments = 20
}
