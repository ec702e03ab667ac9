// SPDX-License-Identifier: Apache-2.0
import Platform
import Synchronization

/// Why an exchange has no record.
package enum CaptureDropReason: String, Sendable, CaseIterable {
    /// The arena had no room.
    case arenaFull = "arena_full"
    /// The segment log refused the record.
    case logRefused = "log_refused"
    /// Capture had ended.
    case stopped
}

/// What capture did, counted since the start; safe to read from any thread.
///
/// The numbers lie in the arenas, each written by one side alone; here they are summed.
package final class CaptureCounters: Sendable {
    private let arenas = Mutex<[CaptureArena]>([])
    private let spilled = Atomic<Int>(0)
    private let recoveredCell = Atomic<Int>(0)
    private let damagedCell = Atomic<Int>(0)
    private let clock: any Clock

    init(clock: any Clock) { self.clock = clock }

    /// Exchanges begun.
    package var admitted: Int { sum(.admitted) }
    /// Records given to the segment log.
    package var written: Int { sum(.written) }
    /// Exchanges recorded with less than their whole bodies.
    package var reduced: Int { sum(.reduced) + sum(.reducedByThread) }
    /// Exchanges lost, for whatever reason.
    package var dropped: Int { CaptureDropReason.allCases.reduce(0) { $0 + dropped($1) } }
    /// Times the segment log refused.
    package var failed: Int { sum(.failed) }
    /// Payload bytes copied into the arenas.
    package var payloadBytes: Int { sum(.payloadBytes) }
    /// Exchanges begun and not in a segment yet.
    package var inFlight: Int { arenas.withLock { $0.reduce(0) { $0 + $1.slotsInUse } } }
    /// Exchanges ended and not in a segment yet.
    package var waiting: Int { arenas.withLock { $0.reduce(0) { $0 + $1.waiting } } }
    /// Bytes of arena pages and plain memory held for them; the pages as of each loop's latest commit.
    package var inFlightBytes: Int { sum(.pagesInUse) * ArenaFormat.pageBytes + spilledBytes }
    /// Bytes of plain memory held for payload that is too large for the arena.
    package var spilledBytes: Int { spilled.load(ordering: .relaxed) }
    /// Bytes of all arenas.
    package var mappedBytes: Int { arenas.withLock { $0.reduce(0) { $0 + $1.mapping.count } } }
    /// Records recovered at the start from arenas of processes that died.
    package var recovered: Int { recoveredCell.load(ordering: .relaxed) }
    /// Damaged arenas and slots met at the start.
    package var damaged: Int { damagedCell.load(ordering: .relaxed) }

    /// Exchanges lost for one reason.
    package func dropped(_ reason: CaptureDropReason) -> Int {
        switch reason {
        case .arenaFull: sum(.droppedFull)
        case .logRefused: sum(.droppedRefused)
        case .stopped: sum(.droppedStopped)
        }
    }

    /// How long the oldest ended exchange has waited for its segment, microseconds, at most; 0 while none waits.
    package var lagUs: Int64 {
        let now = clock.monotonicUs
        return arenas.withLock { all in
            all.reduce(0) { lag, arena in
                guard arena.waiting > 0 else { return lag }
                return max(lag, now - Int64(bitPattern: arena.memory.counter(.waitingSinceUs)))
            }
        }
    }

    func add(_ arena: CaptureArena) { arenas.withLock { $0.append(arena) } }

    /// All arenas, in the order in which they were made.
    var allArenas: [CaptureArena] { arenas.withLock { $0 } }

    func noteRecovery(_ report: ArenaRecoveryReport) {
        recoveredCell.wrappingAdd(report.records, ordering: .relaxed)
        damagedCell.wrappingAdd(report.damagedArenas + report.damagedSlots, ordering: .relaxed)
    }

    func releaseSpill(_ bytes: Int) { spilled.wrappingSubtract(bytes, ordering: .relaxed) }

    /// Takes plain memory for a running exchange where the limit allows it.
    func reserveSpill(_ bytes: Int, limit: Int) -> Bool {
        let (_, now) = spilled.wrappingAdd(bytes, ordering: .relaxed)
        if now <= limit { return true }
        spilled.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    private func sum(_ name: ArenaFormat.Counter) -> Int {
        arenas.withLock { $0.reduce(0) { $0 + Int(clamping: $1.memory.counter(name)) } }
    }
}
