// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform
import SegmentLog

/// What recovery found in the arenas of processes that died.
struct ArenaRecoveryReport {
    /// Arenas drained and removed.
    var arenas = 0
    /// Records written.
    var records = 0
    /// Of those, exchanges that were in flight.
    var crashed = 0
    /// Exchanges whose records were in the log already.
    var alreadyWritten = 0
    /// Exchanges that the policy leaves out.
    var leftOut = 0
    /// Files that are not sound arenas, set aside.
    var damagedArenas = 0
    /// Slots that could not be read to their end.
    var damagedSlots = 0
    /// What could not be done, in words.
    var problems: [String] = []

    var isEmpty: Bool { arenas == 0 && damagedArenas == 0 && problems.isEmpty }
}

/// Drains the arenas that no living process locks into the log, before a new one is made; idempotent.
///
/// Exactly once: before a record is appended its slot is told the writer's epoch and the record's number, and a slot whose record the
/// log holds is only freed. A crash during recovery, or between the append and the freeing, therefore neither loses nor doubles.
struct ArenaRecovery {
    let directory: String
    let segments: SegmentDirectory
    let files: any FileSystem
    let writer: SegmentWriter
    let limits: CaptureLimits
    let making: RecordMaking
    /// The same for what a dead process left as for what a living one does.
    var judge = PolicyJudge(CapturePolicy(), secrets: CaptureSecrets([UInt8](repeating: 0, count: 16)))
    /// This run of the machine.
    var bootID = Host.bootID()
    private static let flushEvery = 1_000

    func run() -> ArenaRecoveryReport {
        var report = ArenaRecoveryReport()
        do throws(PlatformError) {
            for name in try files.list(directory) {
                let path = PathText.join(directory, name)
                if name.hasSuffix(ArenaFormat.newExtension) { removeUnfinished(path, &report) }
                if name.hasSuffix(ArenaFormat.fileExtension) { recover(path, name, &report) }
            }
        } catch {
            report.problems.append("The arenas cannot be listed: \(error.message)")
        }
        return report
    }

    /// An arena that died before it had a name holds nothing.
    private func removeUnfinished(_ path: String, _ report: inout ArenaRecoveryReport) {
        do throws(PlatformError) {
            guard let lock = try files.tryLock(path) else { return }
            defer { lock.release() }
            try files.unlink(path)
        } catch {
            report.problems.append("An unfinished arena stays: \(error.message)")
        }
    }

    private func recover(_ path: String, _ name: String, _ report: inout ArenaRecoveryReport) {
        let mapping: MappedFile
        do throws(PlatformError) {
            guard let opened = try files.openMapped(path) else { return }
            mapping = opened
        } catch {
            report.problems.append(error.message)
            // Empty: not an arena. Anything else may pass, and what it holds may be sound: it stays for the next start.
            if error.errno == PlatformLimits.notMappable { setAside(path, name, &report) }
            return
        }
        guard let (identity, memory) = ArenaIdentity.read(mapping) else { return setAside(path, name, &report) }
        do throws(SegmentError) {
            let before = report.damagedSlots
            let isOld = bootID.isEmpty || identity.bootID != bootID
            let logged = isOld ? try LoggedExchanges(memory, since: identity.epoch, segments: segments) : nil
            try drain(memory, node: identity.node, logged: logged, &report)
            try coverLosses(memory, epoch: identity.epoch, isOlder: isOld)
            report.arenas += 1
            if report.damagedSlots > before { return setAside(path, name, &report) }
            remove(path, name, &report)
        } catch {
            report.problems.append("\(name) is kept for the next start: \(error)")
        }
        withExtendedLifetime(mapping) {}
    }

    private func remove(_ path: String, _ name: String, _ report: inout ArenaRecoveryReport) {
        do throws(PlatformError) { try files.unlink(path) } catch {
            report.problems.append("\(name) is drained and cannot be removed: \(error.message)")
        }
    }

    // `logged` is nil where the arena is as the process left it; else what the log holds, for after a power cut the disk has each
    // page as the kernel last wrote it.
    private func drain(
        _ memory: ArenaMemory, node: String, logged: LoggedExchanges?, _ report: inout ArenaRecoveryReport
    ) throws(SegmentError) {
        let coverage = try SegmentCoverage(epochs: epochs(memory), directory: segments)
        let view = ExchangeView()
        let maker = RecordMaking(node: node, hasher: making.hasher, limits: limits)
        let encoder = LineEncoder(making: maker)
        var written: [UInt32] = []
        for slot in 0..<UInt32(memory.slotCount) {
            let state = memory.state(slot)
            guard state != ArenaFormat.SlotState.free else { continue }
            guard state <= ArenaFormat.SlotState.committed, memory.isSound(slot) else {
                report.damagedSlots += logged == nil ? 1 : 0
                memory.setState(slot, ArenaFormat.SlotState.free)
                continue
            }
            if isWritten(memory, slot, coverage) || logged?.holds(memory.id(slot)) == true {
                report.alreadyWritten += 1
                written.append(slot)
                continue
            }
            // A page of another exchange ends an old chain: what lies before it is true.
            if !view.read(memory, slot: slot, spill: nil), logged == nil { report.damagedSlots += 1 }
            if state == ArenaFormat.SlotState.open || !view.facts.isFinal {
                view.markCrashed()
                report.crashed += 1
            }
            let verdict = judge.verdict(of: view)
            guard verdict.mode != .off else {
                report.leftOut += 1
                memory.setState(slot, ArenaFormat.SlotState.free)
                continue
            }
            view.treatment = TreatmentPlan(verdict, limits: limits).treatment
            view.redactor = judge.redactor(verdict)
            try append(encoder.line(of: view, allowsFast: false), memory, slot)
            report.records += 1
            written.append(slot)
            if written.count >= ArenaRecovery.flushEvery { try settle(&written, memory) }
        }
        try settle(&written, memory)
    }

    /// What the dead process lost and had no time to say.
    private func coverLosses(_ memory: ArenaMemory, epoch: UInt64, isOlder: Bool) throws(SegmentError) {
        guard !GapKeeper.isSettled(memory) else { return }
        let gaps = GapKeeper(writer: writer)
        try gaps.recall(memory, epoch: epoch, segments, isOlder: isOlder)
        try gaps.write(memory, isOfTheDead: true)
        try writer.flush()
        gaps.settle(memory)
    }

    /// The slot is told before the record can reach a segment; where the log refuses the record, it is told that it has none: the
    /// number goes to another one.
    private func append(_ line: ByteRun, _ memory: ArenaMemory, _ slot: UInt32) throws(SegmentError) {
        stamp(memory, slot, epoch: writer.epoch, number: writer.nextRecord + 1)
        do throws(SegmentError) {
            try writer.append(line, startedAtUs: memory.startedAtUs(slot))
        } catch {
            stamp(memory, slot, epoch: 0, number: 0)
            throw error
        }
    }

    /// Never an epoch beside the number of another one, wherever the process dies.
    private func stamp(_ memory: ArenaMemory, _ slot: UInt32, epoch: UInt64, number: UInt64) {
        memory.setSlotWord(slot, ArenaFormat.Slot.recordEpoch, 0)
        memory.setSlotWord(slot, ArenaFormat.Slot.recordNumber, number)
        memory.setSlotWord(slot, ArenaFormat.Slot.recordEpoch, epoch)
    }

    /// Makes the records durable, then frees their slots.
    private func settle(_ written: inout [UInt32], _ memory: ArenaMemory) throws(SegmentError) {
        guard !written.isEmpty else { return }
        try writer.flush()
        for slot in written { memory.setState(slot, ArenaFormat.SlotState.free) }
        written = []
    }

    private func epochs(_ memory: ArenaMemory) -> Set<UInt64> {
        var found: Set<UInt64> = []
        for slot in 0..<UInt32(memory.slotCount) where memory.state(slot) != ArenaFormat.SlotState.free {
            let epoch = memory.slotWord(slot, ArenaFormat.Slot.recordEpoch)
            if epoch != 0 { found.insert(epoch) }
        }
        return found
    }

    private func isWritten(_ memory: ArenaMemory, _ slot: UInt32, _ coverage: SegmentCoverage) -> Bool {
        let epoch = memory.slotWord(slot, ArenaFormat.Slot.recordEpoch)
        let number = memory.slotWord(slot, ArenaFormat.Slot.recordNumber)
        return epoch != 0 && number != 0 && coverage.holds(epoch: epoch, record: number - 1)
    }

    private func setAside(_ path: String, _ name: String, _ report: inout ArenaRecoveryReport) {
        report.damagedArenas += 1
        do throws(PlatformError) {
            let folder = PathText.join(directory, ArenaFormat.damagedFolder)
            try files.createDirectories(folder)
            try files.rename(path, to: PathText.join(folder, name))
        } catch {
            report.problems.append("\(name) is damaged and cannot be set aside: \(error.message)")
        }
    }
}
