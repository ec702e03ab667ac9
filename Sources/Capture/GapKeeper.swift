// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import SegmentLog

/// Sees to it that every loss stands in exactly one gap of the log, also over the death of the process.
///
/// World: thread. Before a gap is written the arena is told which losses it covers and its last id; once it is in a segment they
/// are covered. Recovery asks the log for a gap that was on its way.
struct GapKeeper {
    let writer: SegmentWriter

    private static func reason(_ loss: ArenaFormat.Loss) -> CaptureDropReason {
        switch loss {
        case .full: .arenaFull
        case .stopped: .stopped
        case .refused, .early: .logRefused
        }
    }

    /// Takes note of gaps that have reached a segment.
    func settle(_ memory: ArenaMemory) {
        // Gaps are written in their order with the batches: where nothing waits, all are written.
        guard writer.backlogBytes == 0 else { return }
        for loss in ArenaFormat.Loss.allCases {
            let notes = LossNotes(memory, loss)
            if notes.promised > notes.covered { notes.keepPromise() }
        }
    }

    /// Gives the log a gap for the losses that none covers.
    ///
    /// - Parameters:
    ///   - memory: of the arena.
    ///   - isOfTheDead: whether its process died: records that waited in memory are lost then.
    /// - Throws: `SegmentError` where the log refuses; they are then asked for again.
    func write(_ memory: ArenaMemory, isOfTheDead: Bool = false) throws(SegmentError) {
        for loss in ArenaFormat.Loss.allCases where loss != .early || isOfTheDead {
            let notes = LossNotes(memory, loss)
            guard notes.promised == notes.covered, let run = notes.uncovered(GapKeeper.reason(loss)) else { continue }
            notes.promise(run, epoch: writer.epoch)
            do throws(SegmentError) { try writer.append(run) } catch {
                notes.withdraw()
                throw error
            }
        }
        settle(memory)
    }

    /// After a death: settles what the log holds of the gaps.
    ///
    /// - Parameters:
    ///   - memory: of the dead process.
    ///   - epoch: of its log.
    ///   - directory: of the segments.
    ///   - isOlder: whether the arena may be older than the log, as after a power cut: then a gap counts that spans the losses.
    /// - Throws: `SegmentError` where the log cannot be read.
    func recall(
        _ memory: ArenaMemory, epoch: UInt64, _ directory: SegmentDirectory, isOlder: Bool
    ) throws(SegmentError) {
        for loss in ArenaFormat.Loss.allCases {
            let notes = LossNotes(memory, loss)
            if notes.promised > notes.covered {
                let lastID = "\(notes.promisedID)"
                let isThere = try directory.holdsGap(epoch: notes.promisedEpoch) { $0.lastID == lastID }
                if isThere { notes.keepPromise() } else { notes.withdraw() }
            }
            guard isOlder, let run = notes.uncovered(GapKeeper.reason(loss)) else { continue }
            let isSpanned = try directory.holdsGap(epoch: epoch) {
                $0.reason == run.reason.rawValue && $0.count >= run.count && $0.firstAtUs <= run.firstAtUs
                    && $0.lastAtUs >= run.lastAtUs
            }
            guard isSpanned else { continue }
            notes.promise(run, epoch: epoch)
            notes.keepPromise()
        }
    }

    /// Whether every loss of an arena is covered.
    static func isSettled(_ memory: ArenaMemory) -> Bool {
        ArenaFormat.Loss.allCases.allSatisfy { loss in
            let notes = LossNotes(memory, loss)
            return notes.count == notes.covered
        }
    }
}

extension SegmentWriter {
    /// Puts a run of losses into the log as a gap.
    fileprivate func append(_ run: LossRun) throws(SegmentError) {
        try append(
            gap: SegmentGap(
                reason: run.reason.rawValue, count: run.count, firstAtUs: run.firstAtUs, lastAtUs: run.lastAtUs,
                firstID: run.firstID.map { "\($0)" }, lastID: "\(run.lastID)"))
    }
}

extension SegmentDirectory {
    /// Whether the segments of an epoch hold such a gap.
    fileprivate func holdsGap(epoch: UInt64, where isSuch: (SegmentGap) -> Bool) throws(SegmentError) -> Bool {
        for file in try list() + expired() where file.epoch == epoch {
            let gaps = try gaps(of: file)
            if gaps.contains(where: isSuch) { return true }
        }
        return false
    }

    /// The gaps of a segment, which may be sealed while it is asked.
    private func gaps(of file: SegmentFile) throws(SegmentError) -> [SegmentGap] {
        if file.isSealed { return try manifest(of: file).gaps }
        guard let reader = try readerNow(of: file) else { return [] }
        return reader.file.isSealed ? try manifest(of: reader.file).gaps : try hotGaps(reader)
    }

    private func hotGaps(_ reader: SegmentReader) throws(SegmentError) -> [SegmentGap] {
        var gaps: [SegmentGap] = []
        var offset: Int64 = 0
        while true {
            switch try reader.next(after: offset) {
            case .gap(let batch):
                gaps.append(batch.gap)
                offset = batch.next
            case .batch(let batch): offset = batch.next
            case .damage(_, _, let next), .locked(_, let next, _): offset = next
            case .incomplete, .end: return gaps
            }
        }
    }
}
