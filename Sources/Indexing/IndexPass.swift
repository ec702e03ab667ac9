// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore
package import Platform
package import SegmentLog

/// How a pass behaves towards others and towards its own time.
package struct IndexPassOptions: Sendable {
    /// The time a pass may take, waiting for the lock included, microseconds.
    package var maxDurationUs: Int64
    /// Whether the lock is given up for a moment after every turn, so that another process gets its turn.
    package var isYielding: Bool
    /// Asked after every commit: whether to stop here.
    ///
    /// The next pass goes on from the checkpoint.
    package var shouldStop: @Sendable () -> Bool
    /// Told after every commit which facts were read; those that were in the index already are among them.
    package var noting: @Sendable ([ExchangeFact]) -> Void = { _ in }

    /// Options of a pass.
    package init(maxDurationUs: Int64, isYielding: Bool = false, shouldStop: @escaping @Sendable () -> Bool = { false }) {
        self.maxDurationUs = maxDurationUs
        self.isYielding = isYielding
        self.shouldStop = shouldStop
    }
}

/// One pass over the segments: from each checkpoint to the end that was there.
///
/// Thread world; owned by one thread.
///
/// - The facts of a batch and the checkpoint behind it are one transaction, under the lock.
/// - After every wait for the lock the checkpoints are read again: another process may have gone on meanwhile.
/// - A segment that is gone, that cannot be read, or that is damaged never ends a pass.
package final class IndexPass {
    private let store: FactStore
    private let directory: SegmentDirectory
    private let lock: IndexLock
    private let clock: any Clock
    private let reading: (ExchangeRecord) -> ExchangeReading
    private let pricer: (any FactPricer)?

    private var options = IndexPassOptions(maxDurationUs: 0)
    private var progress: (IndexReport) -> Void = { _ in }
    private var report = IndexReport()
    private var offsets: [String: Int64] = [:]
    private var startedUs: Int64 = 0
    private var turnStartedUs: Int64 = 0

    /// A pass that has not begun.
    ///
    /// - Parameters:
    ///   - store: where facts go; opened for writing.
    ///   - directory: the segments.
    ///   - lock: the lock of those who write the index.
    ///   - clock: measures the pass.
    ///   - pricer: says what an exchange costs; without one only what providers reported is known.
    ///   - reading: says what a record's bytes mean.
    package init(
        store: FactStore, directory: SegmentDirectory, lock: IndexLock, clock: any Clock = SystemClock(),
        pricer: (any FactPricer)? = nil, reading: @escaping (ExchangeRecord) -> ExchangeReading
    ) {
        self.store = store
        self.directory = directory
        self.lock = lock
        self.clock = clock
        self.pricer = pricer
        self.reading = reading
    }

    /// Runs the pass.
    ///
    /// Blocks its thread; may be called again for another pass.
    ///
    /// - Parameters:
    ///   - options: time, yielding, stopping.
    ///   - progress: told after every commit what was done so far.
    /// - Returns: what was done.
    /// - Throws: `IndexingError` of code `locked` where the lock never came, `FactStoreError` where the index cannot be written.
    package func run(_ options: IndexPassOptions, progress: @escaping (IndexReport) -> Void = { _ in }) throws -> IndexReport {
        self.options = options
        self.progress = progress
        report = IndexReport()
        startedUs = clock.monotonicUs
        try takeTurn()
        defer { lock.release() }
        let (segments, expired) = try surveyed()
        try takeBack(segments)
        report.totalBytes = segments.reduce(0) { $0 + max(0, $1.size - (offsets[$1.name] ?? 0)) }
        report.isCaughtUp = true
        for segment in segments where (offsets[segment.name] ?? 0) < segment.size {
            guard try read(segment) else {
                report.isCaughtUp = false
                break
            }
        }
        if report.isCaughtUp { report.isCaughtUp = try read(expired) }
        report.durationUs = clock.monotonicUs - startedUs
        return report
    }

    private var leftUs: Int64 { options.maxDurationUs - (clock.monotonicUs - startedUs) }

    private func takeTurn() throws {
        try lock.acquire(waitUs: max(0, leftUs))
        turnStartedUs = clock.monotonicUs
        offsets = Dictionary(try store.checkpoints().map { ($0.segment, $0.offset) }, uniquingKeysWith: max)
    }

    private func surveyed() throws(IndexingError) -> (segments: [SegmentFile], expired: [SegmentName]) {
        do { return try directory.survey() } catch {
            throw IndexingError(code: .segmentsUnreadable, message: "\(error)", path: directory.path)
        }
    }

    /// Takes back what was read of hot segments beyond their ends: a power cut took it from the log after the index had it.
    private func takeBack(_ segments: [SegmentFile]) throws {
        for segment in segments where !segment.isSealed && (offsets[segment.name] ?? 0) > segment.size {
            try store.takeBack(segment.name, to: segment.size)
            offsets[segment.name] = segment.size
        }
    }

    /// Reads one segment to its end; false where the pass has to stop.
    private func read(_ segment: SegmentFile) throws -> Bool {
        report.segments += 1
        do {
            let reader = try directory.reader(of: segment)
            while true {
                let offset = offsets[segment.name] ?? 0
                guard let next = try commit(try reader.next(after: offset), of: segment) else { return true }
                report.bytes += next - offset
                offsets[segment.name] = next
                report.durationUs = clock.monotonicUs - startedUs
                progress(report)
                guard try mayGoOn() else { return false }
            }
        } catch let error as SegmentError where error.code == .keyMissing {
            if report.locked.count < IndexingLimits.namedSegments { report.locked.append(segment.name) }
            return true
        } catch is SegmentError {
            // Retention may have removed it since it was listed; anything else is worth a name.
            if directory.file(named: segment.name) != nil, report.unreadable.count < IndexingLimits.namedSegments {
                report.unreadable.append(segment.name)
            }
            return true
        }
    }

    /// Commits what a step gave; the place behind it, or nil at the segment's end.
    private func commit(_ step: SegmentStep, of segment: SegmentFile) throws -> Int64? {
        switch step {
        case .batch(let batch):
            var read = BatchFacts(of: batch, segment: segment.name, pricer: pricer, reading: reading)
            let result = try store.commit(
                facts: &read.facts, checkpoint: Checkpoint(segment: segment.name, offset: batch.next), losses: read.losses)
            options.noting(read.facts)
            report.batches += 1
            note(result, of: read.facts)
            report.undecodable += read.losses.count
            return batch.next
        case .damage(let range, let reason, let next):
            let loss = Loss(
                segment: segment.name, kind: .damage, frame: range.lowerBound, offset: 0, byteCount: Int64(range.count),
                reason: reason.rawValue)
            try store.commit(facts: [], checkpoint: Checkpoint(segment: segment.name, offset: next), losses: [loss])
            report.damaged += 1
            return next
        case .gap(let gap):
            try store.commit(facts: [], checkpoint: Checkpoint(segment: segment.name, offset: gap.next))
            report.gaps += 1
            report.missing += gap.gap.count
            return gap.next
        case .locked(let offset, _, _):
            throw SegmentError(
                .keyMissing, "The segment is encrypted with a key that is not in the key file.", segment: segment.name,
                offset: offset)
        case .incomplete(let offset):
            guard !segment.isSealed else {
                return try commit(
                    .damage(range: offset..<segment.size, reason: .missingBytes, next: segment.size), of: segment)
            }
            report.incompleteBytes += max(0, segment.size - offset)
            return nil
        case .end:
            // Behind the last batch of a sealed segment lies its seek table: read too, or it would be looked at for ever.
            guard segment.isSealed, (offsets[segment.name] ?? 0) < segment.size else { return nil }
            try readLost(of: segment)
            try store.commit(facts: [], checkpoint: Checkpoint(segment: segment.name, offset: segment.size))
            return segment.size
        }
    }

    /// Reads the facts of segments whose records are gone and that the index does not know; false where the pass has to stop.
    private func read(_ expired: [SegmentName]) throws -> Bool {
        // A place beyond 0 is the end: between, facts are committed at 0.
        for facts in expired where (offsets[facts.with(.records).description] ?? 0) == 0 {
            let name = facts.with(.records).description
            let file = directory.facts(facts)
            do {
                let manifest = try directory.manifest(of: file)
                report.segments += 1
                if manifest.facts != nil {
                    var rest = try SealedLines(file, in: directory)
                    while let lines = try rest.next() {
                        try commit(lines, of: file, as: name)
                        guard try mayGoOn() else { return false }
                    }
                }
                try store.commit(facts: [], checkpoint: Checkpoint(segment: name, offset: manifest.records.bytes))
            } catch is SegmentError {
                if report.unreadable.count < IndexingLimits.namedSegments { report.unreadable.append(file.name) }
            }
        }
        return true
    }

    /// Reads those facts of a sealed segment that have no record in it: what they were read from is damaged or was never on the disk.
    ///
    /// A sidecar that is damaged is named and passed over: `weir segment repair`, which makes it anew, waits for the index.
    private func readLost(of segment: SegmentFile) throws {
        guard let manifest = try? directory.manifest(of: segment), let facts = manifest.facts,
            facts.lines > manifest.records.lines, let name = SegmentName(fileName: facts.file)
        else { return }
        do {
            var rest = try SealedLines(directory.facts(name), in: directory)
            while let lines = try rest.next() { try commit(lines, of: segment, as: segment.name) { $0.location.frame < 0 } }
        } catch let error as SegmentError where error.code != .keyMissing {
            if report.unreadable.count < IndexingLimits.namedSegments { report.unreadable.append(facts.file) }
        }
    }

    private func commit(
        _ lines: [[UInt8]], of file: SegmentFile, as name: String, where isWanted: (ExchangeFact) -> Bool = { _ in true }
    ) throws {
        var facts: [ExchangeFact] = []
        for line in lines {
            do {
                let fact = try ExchangeFact(line: line)
                if isWanted(fact) { facts.append(fact) }
            } catch {
                report.undecodable += 1
            }
        }
        guard !facts.isEmpty else { return }
        let result = try store.commit(facts: &facts, checkpoint: Checkpoint(segment: name, offset: 0))
        options.noting(facts)
        report.batches += 1
        note(result, of: facts)
        progress(report)
    }

    private func note(_ result: CommitResult, of facts: [ExchangeFact]) {
        let latestUs = clock.wallUs + IndexingLimits.futureUs
        report.records += facts.count
        report.facts += result.inserted
        report.duplicates += result.duplicates
        report.late += result.late
        report.future += facts.count { $0.head.startedAtUs > latestUs }
    }

    /// Minds the time, the wish to stop and the others who wait; false where the pass has to stop.
    private func mayGoOn() throws -> Bool {
        if options.shouldStop() || leftUs <= 0 { return false }
        guard options.isYielding, clock.monotonicUs - turnStartedUs >= IndexingLimits.turnUs else { return true }
        lock.release()
        clock.sleep(us: IndexingLimits.pauseUs)
        do { try takeTurn() } catch let error as IndexingError where error.code == .locked { return false }
        return true
    }
}
