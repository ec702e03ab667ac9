// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The bounds of this room, with units.
package struct PlatformLimits: Sendable {
    /// Longest single write or read given to the system, bytes; larger buffers go in several calls.
    package static let ioChunkBytes = 8 << 20
    /// Interruptions or empty writes in a row before an append gives up.
    package static let idleWrites = 1_000
    /// First and longest pause between two tries for a file lock, microseconds.
    package static let lockPollUs: ClosedRange<Int64> = 1_000...50_000
    /// Longest name of a thread, bytes (a limit of Linux).
    package static let threadNameBytes = 15
    /// Longest single sleep of a mailbox, microseconds: one hour.
    package static let longestParkUs: Int64 = 3_600_000_000

    /// The error number of a full disk, for those who find out by themselves.
    package static let noSpace = ENOSPC

    /// The error number of a file that cannot be mapped because of what it is: an empty one, as a rule.
    package static let notMappable = EINVAL

    static let noEntry = ENOENT
    /// Connections that the kernel holds until they are accepted.
    static let listenBacklog: Int32 = 1_024
    /// Listening sockets that one process takes from another.
    static let handedSockets = 64
    /// The niceness of a thread that works behind traffic.
    static let backgroundNiceness: Int32 = 10
    /// `SCHED_IDLE` of `<sched.h>`, which glibc shows under `_GNU_SOURCE` alone.
    static let schedIdle: Int32 = 5
}
