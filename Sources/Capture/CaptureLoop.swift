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
    private var lastComplaintUs = Int64.min / 2
    private var lastSecondUs = Int64.min / 2
    private var pacing: CapturePacing
    /// Slots taken from one arena before the next one's turn.
    private static let turn = 32

    init(
        counters: CaptureCounters, signal: CaptureSignal, encoder: LineEncoder, writer: SegmentWriter, clock: any Clock,
        limits: CaptureLimits, policy: PolicyCell, secrets: CaptureSecrets, disk: DiskWatch, logger: Logger,
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
                if !signal.isClosed { clock.sleep(us: pacing.rest(after: taken, fill)) }
                continue
            }
            if wasClosed { break }
            signal.park(maxUs: idleWaitUs) {
                arenas.count != counters.allArenas.count || arenas.contains { !$0.committed.isEmpty }
            }
        }
        for arena in arenas { attempt { () throws(SegmentError) in try gaps.write(arena.memory) } }
        attempt { () throws(SegmentError) in try writer.close() }
        giveBack()
        for arena in arenas { gaps.settle(arena.memory) }
    }

    /// Of the fullest arena.
    private var fill: ArenaFill {
        arenas.reduce(ArenaFill()) { fullest, arena in
            fullest.fuller(
                ArenaFill(used: Int(clamping: arena.memory.counter(.pagesInUse)), pages: arena.memory.pageCount))
        }
    }

    /// One look at every ring, until all are empty or the portion is full; what is left is there for the next look.
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
        let portion = signal.isClosed ? Int.max : pacing.portion(of: fill)
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
        if let counter = plan.counter(encoder.effect, isReduced: view.isReduced) { memory.add(counter) }
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
            lose(arena, slot)
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
        pressure.note(writer.backlogBytes, of: SegmentLimits.standard.backlogBytes)
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
    /// While the disk takes nothing and the arena runs short, also those whose records wait in memory: new exchanges come first then,
    /// and what is lost if the process dies as well is no more than what the full disk already keeps from it.
    private func giveBack() {
        let written = writer.writtenRecords
        while firstPending < pending.count {
            let next = pending[firstPending]
            guard next.record < written || (writer.lastError != nil && isShort(next.arena)) else { break }
            release(next.arena, next.slot)
            firstPending += 1
        }
        if firstPending == pending.count || firstPending > 4_096 {
            pending.removeFirst(firstPending)
            firstPending = 0
        }
    }

    private func isShort(_ arena: CaptureArena) -> Bool {
        Int(clamping: arena.memory.counter(.pagesInUse)) > arena.memory.pageCount / 2
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
