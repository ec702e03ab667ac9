// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Logging
import Platform
import SegmentLog

/// The capture thread's work: takes committed exchanges out of the arenas, encodes and appends them, and gives their slots back once
/// their records are in a segment.
///
/// World: thread; owns the segment writer alone.
///
/// `@unchecked Sendable`: handed to its one thread at creation and touched by no other.
final class CaptureLoop: @unchecked Sendable {
    /// A slot whose record the writer has taken and no segment holds yet.
    private struct Pending {
        let arena: CaptureArena
        let slot: UInt32
        let record: UInt64
        let committedUs: Int64
    }

    /// An exchange whose slot was given back while its record waited in memory.
    private struct Early {
        let arena: CaptureArena
        let record: UInt64
        let id: ExchangeID
        let startedAtUs: Int64
    }

    private let counters: CaptureCounters
    private let signal: CaptureSignal
    private let encoder: LineEncoder
    private let writer: SegmentWriter
    private let clock: any Clock
    private let limits: CaptureLimits
    private let logger: Logger
    private let everySecond: @Sendable () -> Void
    private let policy: PolicyCell
    private let secrets: CaptureSecrets
    private let gaps: GapKeeper
    /// Bytes that the log keeps for a disk that takes none.
    private let backlogLimit: Int
    private let view = ExchangeView()
    private var judge: PolicyJudge
    private var judgedVersion: Int
    private var disk: DiskWatch
    /// The highest rung since the last second, and losses up to then.
    private var highestRung = CaptureRung.everything
    private var saidRung = CaptureRung.everything
    private var lostBefore = 0
    private var arenas: [CaptureArena] = []
    private var pending: [Pending] = []
    private var firstPending = 0
    private var early: [Early] = []
    private var lastComplaintUs = Int64.min / 2
    private var lastSecondUs = Int64.min / 2
    private var pacing: CapturePacing
    /// Slots taken from one arena before the next one's turn.
    private static let turn = 32
    /// Longest look at the rings, microseconds: what is due beside it does not wait for a lull.
    private static let longestLookUs: Int64 = 50_000

    init(
        counters: CaptureCounters, signal: CaptureSignal, encoder: LineEncoder, writer: SegmentWriter, clock: any Clock,
        limits: CaptureLimits, backlogLimit: Int, policy: PolicyCell, secrets: CaptureSecrets, disk: DiskWatch, logger: Logger,
        everySecond: @escaping @Sendable () -> Void
    ) {
        self.counters = counters
        self.signal = signal
        self.encoder = encoder
        self.writer = writer
        self.clock = clock
        self.limits = limits
        self.logger = logger
        self.everySecond = everySecond
        self.policy = policy
        self.secrets = secrets
        self.disk = disk
        judgedVersion = policy.version
        judge = PolicyJudge(policy.current, secrets: secrets)
        gaps = GapKeeper(writer: writer)
        self.backlogLimit = backlogLimit
        pacing = CapturePacing(longestUs: limits.pauseUs)
    }

    func run() {
        while true {
            let wasClosed = signal.isClosed
            let taken = takeAll()
            attempt { () throws(SegmentError) in try writer.tick() }
            giveBack()
            if taken > 0 {
                // Busy times poll at their own pace; idle ones sleep until woken, and wake for the batch and sync deadlines.
                if !signal.isClosed { clock.sleep(us: pacing.rest(after: taken, ArenaFill(of: arenas))) }
                continue
            }
            if wasClosed { break }
            signal.park(maxUs: idleWaitUs) {
                arenas.count != counters.allArenas.count || arenas.contains { !$0.committed.isEmpty }
            }
        }
        for arena in arenas { attempt { () throws(SegmentError) in try gaps.write(arena.memory) } }
        // A disk that is full gives its ballast up at the first refusal, so that the second try may find room.
        attempt { () throws(SegmentError) in try writer.flush() }
        attempt { () throws(SegmentError) in try writer.close() }
        giveBack()
        settleEnd()
        for arena in arenas { gaps.settle(arena.memory) }
    }

    /// One look at every ring, until all are empty, the portion is full or the time is up; what is left is there for the next look.
    ///
    /// - Returns: how many exchanges were taken.
    private func takeAll() -> Int {
        let now = clock.monotonicUs
        arenas = counters.allArenas
        if now - lastSecondUs >= 1_000_000 {
            lastSecondUs = now
            everySecond()
            lookAround()
        }
        takePolicy()
        let portion = signal.isClosed ? Int.max : pacing.portion(of: ArenaFill(of: arenas))
        var all = 0
        var isMore = true
        while isMore {
            isMore = false
            for arena in arenas {
                var taken = 0
                while taken < CaptureLoop.turn {
                    let rung = rung(of: arena)
                    guard let slot = arena.takeCommitted() else { break }
                    write(arena, slot, rung)
                    taken += 1
                }
                all += taken
                isMore = isMore || taken == CaptureLoop.turn && all < portion
                giveBack()
            }
            if clock.monotonicUs - now >= CaptureLoop.longestLookUs { break }
        }
        note(now)
        return all
    }

    /// Publishes since when the oldest exchange of each arena waits; an arena that was emptied has none from before `now`.
    private func note(_ now: Int64) {
        let oldest = firstPending < pending.count ? pending[firstPending].committedUs : now
        for arena in arenas {
            let left = arena.committed.first.map { Int64(bitPattern: arena.memory.slotWord($0, ArenaFormat.Slot.committedUs)) }
            arena.memory.set(.waitingSinceUs, UInt64(bitPattern: min(oldest, left ?? now, now)))
        }
    }

    private var idleWaitUs: Int64 {
        guard let deadline = writer.nextDeadlineUs else { return 1_000_000 }
        return min(max(deadline - clock.monotonicUs, 1_000), 1_000_000)
    }

    private func write(_ arena: CaptureArena, _ slot: UInt32, _ rung: CaptureRung) {
        let memory = arena.memory
        guard view.read(memory, slot: slot, spill: arena.spill(slot)), view.facts.isFinal else {
            // Our own invariant broke; the exchange is counted, and the log goes on.
            logger.error("an arena slot cannot be read", metadata: ["slot": "\(slot)"])
            memory.add(.failed)
            return lose(arena, slot)
        }
        let verdict = judge.verdict(of: view)
        guard verdict.mode != .off else {
            memory.add(verdict.cause == .policy ? .policyOff : .sampledOff)
            return release(arena, slot)
        }
        let plan = TreatmentPlan(verdict, rung: rung, isDiskLow: disk.isLow, limits: limits)
        view.treatment = plan.treatment
        view.redactor = judge.redactor(verdict)
        let line = encoder.line(of: view)
        if let redactor = view.redactor { counters.note(redactor.takeCounts()) }
        if let counter = plan.counter(encoder.effect, reduction: arena.reduction(slot)) { memory.add(counter) }
        append(line, arena, slot)
    }

    private func append(_ line: ByteRun, _ arena: CaptureArena, _ slot: UInt32) {
        let memory = arena.memory
        let record = writer.nextRecord
        // Told before the record can reach a segment, so that recovery knows where to look for it.
        memory.setSlotWord(slot, ArenaFormat.Slot.recordNumber, record + 1)
        memory.setSlotWord(slot, ArenaFormat.Slot.recordEpoch, writer.epoch)
        do throws(SegmentError) {
            try writer.append(line, startedAtUs: view.startedAtUs)
            memory.add(.written)
            letSpillGo(arena, slot)
            pending.append(
                Pending(
                    arena: arena, slot: slot, record: record,
                    committedUs: Int64(bitPattern: memory.slotWord(slot, ArenaFormat.Slot.committedUs))))
        } catch {
            complain(error, memory)
            guard error.code == .backlogFull, signal.isClosed, !arena.path.isEmpty else { return lose(arena, slot) }
            // Nobody needs its room any more: it stays for the next start, told that it has no record, for the number goes to another.
            memory.setSlotWord(slot, ArenaFormat.Slot.recordEpoch, 0)
            memory.setSlotWord(slot, ArenaFormat.Slot.recordNumber, 0)
        }
    }

    /// An exchange that will have no record.
    private func lose(_ arena: CaptureArena, _ slot: UInt32) {
        arena.lost(.refused, arena.memory.id(slot), startedAtUs: arena.memory.startedAtUs(slot))
        release(arena, slot)
    }

    // MARK: Pressure

    /// What may be recorded of the exchange that is taken next.
    private func rung(of arena: CaptureArena) -> CaptureRung {
        var pressure = Pressure()
        pressure.note(arena.untakenPages, of: arena.memory.pageCount)
        var spillBytes = 0
        for arena in arenas { spillBytes += arena.untakenSpillBytes }
        pressure.note(spillBytes, of: limits.spillBytes)
        pressure.note(writer.backlogBytes, of: backlogLimit)
        let rung = pressure.rung
        if rung > highestRung { highestRung = rung }
        return rung
    }

    /// Once a second: the disk, gaps for what was lost, and what the ladder did.
    private func lookAround() {
        disk.look()
        counters.note(disk)
        let lost = counters.dropped(.arenaFull) + counters.dropped(.logRefused)
        let rung = lost > lostBefore ? .dropping : highestRung
        lostBefore = lost
        highestRung = .everything
        counters.note(rung)
        sayRung(rung, lost)
        for arena in arenas {
            gaps.settle(arena.memory)
            // Not in the midst of it: one gap for all of them.
            guard rung < .dropping, writer.lastError == nil else { continue }
            attempt { () throws(SegmentError) in try gaps.write(arena.memory) }
        }
    }

    private func sayRung(_ rung: CaptureRung, _ lost: Int) {
        guard rung != saidRung else { return }
        let metadata: Logger.Metadata = ["recorded": "\(rung.word)", "dropped": "\(lost)"]
        if rung > saidRung {
            logger.warning("capture cannot follow and records less", metadata: metadata)
        } else {
            logger.notice("capture records more again", metadata: metadata)
        }
        saidRung = rung
    }

    private func takePolicy() {
        let version = policy.version
        guard version != judgedVersion else { return }
        judgedVersion = version
        judge = PolicyJudge(policy.current, secrets: secrets)
    }

    /// Gives back the slots whose records are in a segment.
    ///
    /// While the disk takes nothing and an arena is more than half full, also those whose records wait in memory, until half of it is
    /// free: new exchanges come first then. The arena is told of each, so that it is counted should the process die.
    private func giveBack() {
        let written = writer.writtenRecords
        settleEarly(written)
        while firstPending < pending.count {
            let next = pending[firstPending]
            if next.record >= written {
                guard writer.lastError != nil, !signal.isClosed, isShort(next.arena) else { break }
                let memory = next.arena.memory
                let exchange = Early(
                    arena: next.arena, record: next.record, id: memory.id(next.slot), startedAtUs: memory.startedAtUs(next.slot))
                next.arena.lost(.early, exchange.id, startedAtUs: exchange.startedAtUs)
                early.append(exchange)
            }
            release(next.arena, next.slot)
            firstPending += 1
        }
        if firstPending == pending.count || firstPending > 4_096 {
            pending.removeFirst(firstPending)
            firstPending = 0
        }
    }

    /// Those whose records have reached a segment are lost no more.
    private func settleEarly(_ written: UInt64) {
        guard let first = early.first, first.record < written else { return }
        early.removeAll { exchange in
            guard exchange.record < written else { return false }
            LossNotes(exchange.arena.memory, .early).cover(1)
            return true
        }
    }

    private func isShort(_ arena: CaptureArena) -> Bool { arena.heldPages > arena.memory.pageCount / 2 }

    /// Once the log is closed: what no segment holds stays in its arena for the next start, and is counted as lost where it does not
    /// lie there any more or the arena goes with the process.
    private func settleEnd() {
        let written = writer.writtenRecords
        var (kept, lost) = (0, 0)
        for exchange in early where exchange.record >= written {
            exchange.arena.memory.subtract(.written)
            exchange.arena.lost(.refused, exchange.id, startedAtUs: exchange.startedAtUs)
            LossNotes(exchange.arena.memory, .early).cover(1)
            lost += 1
        }
        for left in pending[firstPending...] {
            left.arena.memory.subtract(.written)
            if left.arena.path.isEmpty {
                lose(left.arena, left.slot)
                lost += 1
            } else {
                kept += 1
            }
        }
        guard kept + lost > 0 else { return }
        logger.error(
            "the segment log was closed with records that no segment holds; the next start writes what the arenas keep",
            metadata: ["kept": "\(kept)", "lost": "\(lost)"])
    }

    private func release(_ arena: CaptureArena, _ slot: UInt32) {
        letSpillGo(arena, slot)
        arena.giveBack(slot)
    }

    private func letSpillGo(_ arena: CaptureArena, _ slot: UInt32) {
        if let spill = arena.takeSpill(slot) { counters.releaseSpill(spill.heldBytes) }
    }

    /// The log keeps what it could not write and tries again at the next tick; here it is counted and said, once a while.
    private func attempt(_ work: () throws(SegmentError) -> Void) {
        do throws(SegmentError) {
            try work()
        } catch {
            complain(error, arenas.first?.memory)
        }
    }

    private func complain(_ error: SegmentError, _ memory: ArenaMemory?) {
        memory?.add(.failed)
        if error.code == .noSpace || error.cause?.code == .noSpace {
            disk.diskIsFull()
            counters.note(disk)
        }
        let now = clock.monotonicUs
        guard now - lastComplaintUs > 10_000_000 else { return }
        lastComplaintUs = now
        logger.error("the segment log cannot write", metadata: ["error": "\(error)", "failures": "\(counters.failed)"])
    }
}
