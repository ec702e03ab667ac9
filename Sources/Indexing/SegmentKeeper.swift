// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore
package import Platform
package import SegmentLog

/// What a keeper did.
package struct KeepingReport: Equatable, Sendable {
    /// Hot segments sealed.
    package var sealed = 0
    /// Sealed segments written anew without some records.
    package var rewritten = 0
    /// Records in them.
    package var records: UInt64 = 0
    /// Records erased on the way.
    package var erased: UInt64 = 0
    /// Facts erased from the index whose records or sidecars were not there to be searched.
    package var erasedFacts = 0
    /// Bytes of lines in them.
    package var rawBytes: UInt64 = 0
    /// Bytes of the files before, and of what took their place.
    package var bytesBefore: Int64 = 0
    /// Bytes of the files that took their place, facts included.
    package var bytesAfter: Int64 = 0
    /// Finished hot segments that are not wholly in the index yet.
    package var waiting = 0
    /// Segments that hold what must be forgotten and are held.
    package var held: [String] = []
    /// Segments that could not be sealed or rewritten, and why.
    package var failures: [String] = []
    /// Whether all that could be done was done.
    package var isFinished = true

    /// Nothing done.
    package init() {}
}

/// Seals finished segments behind the indexer, and writes segments anew from which something is to be erased.
///
/// Thread world; owned by one thread. Restartable at every step: what a death leaves is found and finished by the next run.
/// - A segment is replaced only once its twin was read back, is durable, and the index points into it.
/// - Holds the sealer's lock all along, and the index's lock for the moment of each transaction.
/// - What else is kept about an exchange goes before its facts do, and only where they really go: not for the sake of what is held.
package final class SegmentKeeper {
    let store: FactStore
    let directory: SegmentDirectory
    let sealing: SegmentSealing
    private let lock: IndexLock
    let clock: any Clock
    let forgetting: ([ExchangeID]) throws -> Void
    static let factsABatch = 1_024
    private static let lockWaitUs: Int64 = 10_000_000

    /// A keeper of the segments of a directory.
    ///
    /// - Parameters:
    ///   - store: the index, opened for writing.
    ///   - directory: the segments; its keys' current one encrypts what is sealed.
    ///   - lock: the lock of those who write the index.
    ///   - clock: for the manifests.
    ///   - limits: bounds of frames and memory.
    ///   - forgetting: told which exchanges leave, by erasure or because their facts expire, before they do; what it throws keeps them.
    ///     A death behind it tells it again.
    package init(
        store: FactStore, directory: SegmentDirectory, lock: IndexLock, clock: any Clock = SystemClock(),
        limits: SegmentLimits = .standard, forgetting: @escaping ([ExchangeID]) throws -> Void = { _ in }
    ) {
        self.store = store
        self.directory = directory
        self.lock = lock
        self.clock = clock
        self.forgetting = forgetting
        sealing = SegmentSealing(directory: directory, clock: clock, limits: limits)
    }

    /// Seals every finished hot segment that the index has read to its end.
    ///
    /// - Parameters:
    ///   - shouldStop: asked between two segments.
    ///   - progress: told of each segment before it is sealed.
    /// - Returns: what was done; trouble with single segments stands there.
    /// - Throws: `IndexingError` of code `locked` where another process seals, `erasuresUnreadable`; `SegmentError` or
    ///   `FactStoreError` where nothing can be done at all.
    package func seal(shouldStop: () -> Bool = { false }, progress: (SegmentFile) -> Void = { _ in }) throws -> KeepingReport {
        try locked {
            var report = KeepingReport()
            try seal(try Erasures(of: directory), &report, shouldStop: shouldStop, progress: progress)
            return report
        }
    }

    /// Writes down what must be forgotten, and then writes anew every segment, and deletes from the index, what holds something of it.
    ///
    /// - Parameters:
    ///   - more: what must be forgotten beside what was written down before.
    ///   - progress: told of each segment before it is read.
    /// - Returns: what was done; what is held or failed stands there, and what is still being written is erased when it is sealed.
    /// - Throws: as `seal`; nothing is written down where another process seals.
    package func erase(_ more: [Erasure] = [], progress: (SegmentFile) -> Void = { _ in }) throws -> KeepingReport {
        try locked {
            var erasures = try Erasures(of: directory)
            if !more.isEmpty { try erasures.append(more, in: directory) }
            var report = KeepingReport()
            try seal(erasures, &report, progress: progress)
            guard !erasures.isEmpty else { return report }
            let sealed = try directory.list().filter(\.isSealed)
            let expired = try directory.expired().filter { $0.size > 0 }
            let ends = try checkpoints()
            for file in sealed + expired {
                progress(file)
                attempt(file, &report) { report in
                    guard try holds(file, erasures) else { return }
                    guard directory.hold(of: file.stem) == nil else { return report.held.append(file.name) }
                    if file.fileName.part == .facts {
                        return try rewriteFacts(file, &report) { $0.filter { !erasures.covers($0) } }
                    }
                    try replace(file, erasures, ends, &report)
                }
            }
            try eraseFromIndex(erasures, &report)
            return report
        }
    }

    /// Mends manifests, and writes anew sealed segments that are damaged or have lost their facts, with what can be read of them;
    /// damaged ranges are copied aside.
    ///
    /// - Parameter progress: told of each segment before it is read.
    /// - Returns: what was done, and the manifests made anew.
    /// - Throws: as `seal`.
    package func repair(progress: (SegmentFile) -> Void = { _ in }) throws -> (report: KeepingReport, manifests: [String]) {
        try locked {
            var report = KeepingReport()
            let mending = try SegmentRepair.mendManifests(in: directory, clock: clock)
            report.failures = mending.problems
            let erasures = try Erasures(of: directory)
            let unfinished = try finishReplaced(erasures, &report)
            let ends = try checkpoints()
            for file in try directory.list() where file.isSealed && !unfinished.contains(file.stem) {
                progress(file)
                let found = SegmentVerify.verify(file, in: directory)
                let isFactless = !SegmentVerify.hasSoundFacts(file, in: directory)
                guard found.damageCount > 0 || isFactless, found.lockedBatches == 0 else { continue }
                guard directory.hold(of: file.stem) == nil else {
                    report.held.append(file.name)
                    continue
                }
                attempt(file, &report) { try replace(file, erasures, ends, &$0, isSalvage: true) }
            }
            return (report, mending.mended)
        }
    }

    /// Removes whole segments by age and by bytes; where facts go, the index forgets them first.
    ///
    /// - Parameters:
    ///   - policy: how long and how much is kept.
    ///   - progress: told of each file before it goes.
    /// - Returns: what went, and how many facts the index forgot.
    /// - Throws: as `seal`.
    package func retain(_ policy: RetentionPolicy, progress: (SegmentFile) -> Void = { _ in }) throws
        -> (plan: RetentionPlan, forgotten: Int)
    {
        try locked {
            var report = KeepingReport()
            if policy.factsAgeUs != nil { _ = try finishReplaced(try Erasures(of: directory), &report) }
            let plan = try SegmentRetention.plan(policy, in: directory, nowUs: clock.wallUs)
            var forgotten = 0
            for (segment, startedAtUs) in plan.forgotten {
                try forget(try store.ids(at: segment.description, startedAtUs: startedAtUs))
                try inTurn { forgotten += try store.forget(segment.description, startedAtUs: startedAtUs) }
            }
            try SegmentRetention.apply(plan, in: directory, progress: progress)
            return (plan, forgotten)
        }
    }

    private func seal(
        _ erasures: Erasures, _ report: inout KeepingReport, shouldStop: () -> Bool = { false },
        progress: (SegmentFile) -> Void
    ) throws {
        let unfinished = try finishReplaced(erasures, &report)
        let ends = try checkpoints()
        for file in try finishedHot() where !unfinished.contains(file.stem) {
            guard !shouldStop() else {
                report.isFinished = false
                return
            }
            progress(file)
            // What is held keeps everything, sealed or not; `erase` names it.
            let covered = directory.hold(of: file.stem) == nil ? erasures : Erasures()
            attempt(file, &report) { try replace(file, covered, ends, &$0) }
        }
    }

    /// What else is kept about exchanges goes, before their facts do.
    func forget(_ exchanges: [ExchangeID]) throws { if !exchanges.isEmpty { try forgetting(exchanges) } }

    /// What fails for one segment does not stop the others.
    func attempt(_ file: SegmentFile, _ report: inout KeepingReport, _ body: (inout KeepingReport) throws -> Void) {
        do { try body(&report) } catch { report.failures.append("\(file.name): \(error)") }
    }

    func checkpoints() throws -> [String: Int64] {
        Dictionary(try store.checkpoints().map { ($0.segment, $0.offset) }, uniquingKeysWith: max)
    }

    // MARK: Order and locks

    /// Hot segments that nobody writes to any more.
    private func finishedHot() throws -> [SegmentFile] {
        // In this order: a writer that begins after the first look is in no list, and one that ends before the second has
        // written all that the third look sees.
        let hot = try directory.list().filter { !$0.isSealed }
        let live = try SegmentEpoch.live(in: directory)
        let finished = Set(
            hot.filter { file in
                // A writer never returns to a segment that it has left for the next one.
                !live.contains(file.epoch)
                    || hot.contains { $0.epoch == file.epoch && $0.node == file.node && $0.sequence > file.sequence }
            }.map(\.name))
        return try directory.list().filter { finished.contains($0.name) }
    }

    func inTurn(_ body: () throws -> Void) throws {
        try lock.acquire(waitUs: SegmentKeeper.lockWaitUs)
        defer { lock.release() }
        try body()
    }

    func locked<T>(waitUs: Int64 = 0, whileWaiting: () -> Void = {}, _ body: () throws -> T) throws -> T {
        guard let lock = try directory.sealersLock(waitUs: waitUs, clock: clock, whileWaiting: whileWaiting) else {
            throw IndexingError(
                code: .locked, message: "another process seals or erases in \(directory.path); try again when it is done",
                path: directory.path)
        }
        defer { lock.release() }
        return try body()
    }
}
