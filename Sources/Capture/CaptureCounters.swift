// SPDX-License-Identifier: Apache-2.0
import Platform
import Redaction
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

/// Why an exchange is recorded with less than its whole bodies, where no policy asked for that.
package enum CaptureReduction: String, Sendable, CaseIterable {
    /// A body was too long.
    case bodyLimit = "body_limit"
    /// Neither arena nor memory had room for all of a body.
    case noRoom = "no_room"
    /// Too much waited: a long answer was cut.
    case pressureCut = "pressure_cut"
    /// Much too much waited: no bodies.
    case pressureMetadata = "pressure_metadata"
    /// The disk had too little space: no bodies.
    case diskLow = "disk_low"

    var counter: ArenaFormat.Counter {
        switch self {
        case .bodyLimit: .reducedByLimit
        case .noRoom: .reducedForRoom
        case .pressureCut: .reducedCut
        case .pressureMetadata: .reducedToMetadata
        case .diskLow: .reducedForDisk
        }
    }
}

/// Why the policy asked for less than everything.
package enum CapturePolicyReason: String, Sendable, CaseIterable {
    /// A rule, the mode or the header.
    case policy
    /// The conversation is not of the sample.
    case sampledOut = "sampled_out"
}

/// What capture did, counted since the start; safe to read from any thread.
///
/// The numbers lie in the arenas, each written by one side alone; here they are summed.
package final class CaptureCounters: Sendable {
    private let arenas = Mutex<[CaptureArena]>([])
    private let spilled = Atomic<Int>(0)
    private let recoveredCell = Atomic<Int>(0)
    private let damagedCell = Atomic<Int>(0)
    private let redacted = Mutex(RedactionCounts())
    private let rungCell = Atomic<Int>(0)
    private let diskLow = Atomic<Bool>(false)
    private let diskFree = Atomic<Int>(-1)
    private let ballast = Atomic<Int>(0)
    private let clock: any Clock

    init(clock: any Clock) { self.clock = clock }

    /// Exchanges begun.
    package var admitted: Int { sum(.admitted) }
    /// Records given to the segment log.
    package var written: Int { sum(.written) }
    /// Exchanges recorded with less than their whole bodies, where no policy asked for that.
    package var reduced: Int { CaptureReduction.allCases.reduce(0) { $0 + reduced($1) } }
    /// Exchanges without a record because the policy says so.
    package var off: Int { CapturePolicyReason.allCases.reduce(0) { $0 + off($1) } }
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

    /// Exchanges reduced for one reason; the first that there was.
    package func reduced(_ reason: CaptureReduction) -> Int { sum(reason.counter) }

    /// Exchanges without a record, for one reason.
    package func off(_ reason: CapturePolicyReason) -> Int { sum(reason == .policy ? .policyOff : .sampledOff) }

    /// Exchanges recorded without their bodies because the policy says so, for one reason.
    package func metadataOnly(_ reason: CapturePolicyReason) -> Int {
        sum(reason == .policy ? .policyMetadata : .sampledMetadata)
    }

    /// Values replaced by pseudonyms, by the names of their kinds.
    package var redactions: [(kind: String, count: Int)] {
        let counts = redacted.withLock { $0 }
        return DetectorKind.allCases.map { ($0.rawValue, counts[$0]) }
    }

    /// The highest rung of the ladder within the last second.
    package var rung: CaptureRung { CaptureRung(rawValue: rungCell.load(ordering: .relaxed)) ?? .everything }
    /// Whether bodies are left out for lack of disk space.
    package var isDiskLow: Bool { diskLow.load(ordering: .relaxed) }
    /// Free bytes of the segments' disk as of the last second; nil where they are not known.
    package var diskFreeBytes: Int? {
        let free = diskFree.load(ordering: .relaxed)
        return free < 0 ? nil : free
    }
    /// Bytes held back for the time when the disk is full.
    package var ballastBytes: Int { ballast.load(ordering: .relaxed) }

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

    func note(_ counts: RedactionCounts) {
        guard counts.total > 0 else { return }
        redacted.withLock { $0.add(counts) }
    }

    func note(_ rung: CaptureRung) { rungCell.store(rung.rawValue, ordering: .relaxed) }

    func note(_ disk: DiskWatch) {
        diskLow.store(disk.isLow, ordering: .relaxed)
        diskFree.store(disk.freeBytes.map { Int(clamping: $0) } ?? -1, ordering: .relaxed)
        ballast.store(Int(clamping: disk.heldBallast), ordering: .relaxed)
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
