// SPDX-License-Identifier: Apache-2.0

/// Limits of capture; memory is bounded by their sum whatever the traffic does.
package struct CaptureLimits: Sendable {
    /// Of one body, as on the wire: of what comes after only the end is kept, the rest is counted and hashed.
    package var bodyBytes = 64 << 20
    /// Of the arena of one event loop; a disk with little room gets a smaller one.
    package var arenaBytes = 64 << 20
    /// Of the arena that one exchange may hold; payload beyond it goes to plain memory.
    package var arenaShareBytes = 1 << 20
    /// Of payload in plain memory, all exchanges together, those waiting for the capture thread included.
    package var spillBytes = 512 << 20
    /// A body longer than this is hashed as it passes, so that the hash of a body cut later costs no long look back.
    package var digestFromBytes = 1 << 20
    /// A body decoded from its content coding may grow to this.
    package var decodedBytes = 256 << 20
    /// Longest record line; a longer one goes without its bodies.
    var lineBytes = 256 << 20
    /// Longest pause of the capture thread between two looks at the rings, microseconds: hand-offs then cost no wake-up.
    package var pauseUs: Int64 = 10_000

    /// An answer longer than this is cut to its head and its tail while too much waits for the capture thread, and to how much.
    package var pressedAnswerOver = 256 << 10
    /// See `pressedAnswerOver`.
    package var pressedAnswerBytes = 64 << 10
    /// Free space of the segments' disk below which bodies are left out; 0: only a full disk does that.
    package var minFreeBytes: Int64 = 0
    /// Of the file that is given up when the disk is full, so that gaps and facts can still be written; 0: none.
    package var ballastBytes: Int64 = 0

    /// Whether the capture thread lets event loops on its core go first while its arenas have room, where the system allows that.
    package var givesWay = false

    /// The defaults.
    package init() {}

    /// Of the ends of bodies that found no room, beyond `spillBytes`.
    static let tailsBytes = 16 << 20

    /// Smallest arena worth having, bytes.
    static let leastArenaBytes = 1 << 20
}
