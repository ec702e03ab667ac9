// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import FactStore
import Indexing
import Logging
import Platform
import SegmentLog
import Synchronization

/// What the thread behind a running gateway does with its segments.
struct BackgroundPlan: Sendable {
    let paths: IndexPaths
    let log: SegmentDirectory
    /// Whether finished segments are sealed.
    let seals: Bool
    /// What is removed, of what was sealed.
    let retention: RetentionPolicy
    /// Says what an exchange costs.
    var pricer: (any FactPricer)?
    /// Metadata keys that rollups are told apart by; nil leaves them as the index has them.
    var declared: [String]?
    /// The control database, whose feedback goes with what is erased or expires; nil where none is kept.
    var control: String?
    /// Between two looks for something to seal, and for something to remove, microseconds.
    var keepingPauseUs: Int64 = 10_000_000
}

/// Indexes every second on a thread of its own, giving way to a `weir index` that waits; then seals and removes what is due.
final class BackgroundIndexer: Sendable {
    private let thread: OwnedThread
    private let isStopping: Stop

    final class Stop: Sendable {
        private let flag = Atomic<Bool>(false)
        var isSet: Bool { flag.load(ordering: .relaxed) }
        func set() { flag.store(true, ordering: .relaxed) }
    }

    init(_ plan: BackgroundPlan, metrics: IndexerMetrics, logger: Logger) throws {
        let stop = Stop()
        isStopping = stop
        thread = try OwnedThread(name: "weir-index") {
            // Unpacking, reading and sealing are whole cores' work for a moment: traffic comes first.
            OwnedThread.giveWay()
            let clock = SystemClock()
            let keeping = BackgroundKeeping(plan: plan, metrics: metrics, logger: logger)
            var locked = LockedSegments()
            var (sealedUs, removedUs, builtUs) = (clock.monotonicUs, clock.monotonicUs, clock.monotonicUs)
            while !stop.isSet {
                let report = BackgroundIndexer.pass(plan, stop, metrics, logger)
                if let report { locked.note(report, logger) }
                if report?.isCaughtUp == true, clock.monotonicUs - builtUs >= plan.keepingPauseUs {
                    keeping.build(stop)
                    builtUs = clock.monotonicUs
                }
                // Sealing needs the index; what is sealed is read, so that removing does not.
                if report?.isCaughtUp == true, clock.monotonicUs - sealedUs >= plan.keepingPauseUs {
                    keeping.seal(stop)
                    sealedUs = clock.monotonicUs
                }
                if clock.monotonicUs - removedUs >= plan.keepingPauseUs {
                    keeping.remove(stop)
                    removedUs = clock.monotonicUs
                }
                for _ in 0..<20 where !stop.isSet { clock.sleep(us: 50_000) }
            }
        }
    }

    /// One pass; nil where it did not come to its end.
    private static func pass(_ plan: BackgroundPlan, _ stop: Stop, _ metrics: IndexerMetrics, _ logger: Logger) -> IndexReport? {
        let clock = SystemClock()
        let startedAtUs = clock.wallUs
        func passed(_ ending: IndexerMetrics.Ending, _ report: IndexReport? = nil) {
            metrics.passed(ending, report, startedAtUs: startedAtUs, endedAtUs: clock.wallUs)
        }
        do {
            let store = try plan.paths.openForWriting(waitUs: 1_000_000)
            let pass = IndexPass(
                store: store, directory: plan.log, lock: IndexLock(path: plan.paths.lock), pricer: plan.pricer,
                reading: ExchangeReader.read)
            var options = IndexPassOptions(maxDurationUs: 5_000_000, isYielding: true, shouldStop: { stop.isSet })
            options.noting = { metrics.note($0) }
            let report = try pass.run(options)
            passed(.finished, report)
            if report.damaged > 0 || report.undecodable > 0 || !report.unreadable.isEmpty {
                logger.warning("indexing found damage", metadata: ["report": "\(report.summary)"])
            }
            return report
        } catch let error as IndexingError where error.code == .locked {
            passed(.locked)
            logger.debug("another process is indexing")
        } catch {
            passed(.failed)
            logger.error("indexing failed; segments are kept, `weir index` catches up", metadata: ["error": "\(error)"])
        }
        return nil
    }

    func stop() {
        isStopping.set()
        thread.join()
    }
}

/// Segments that the indexer passes over because their key is not at hand; said whenever others are.
struct LockedSegments {
    private var said: Set<String> = []

    /// Takes note of a pass.
    ///
    /// - Parameters:
    ///   - report: what it found; of a pass that was cut short only more is believed.
    ///   - logger: told where the names have changed.
    mutating func note(_ report: IndexReport, _ logger: Logger) {
        let now = report.isCaughtUp ? Set(report.locked) : said.union(report.locked)
        guard now != said else { return }
        said = now
        guard !now.isEmpty else { return logger.notice("every segment has its key again") }
        logger.error(
            "segments are encrypted with keys that are not in the key file; their exchanges are not in the index",
            metadata: ["segments": "\(now.sorted().joined(separator: ", "))"])
    }
}

/// Sealing and removing behind a running gateway; trouble is logged and tried again the next time.
struct BackgroundKeeping {
    let plan: BackgroundPlan
    let metrics: IndexerMetrics
    let logger: Logger
    private let feedback: FeedbackErasing?

    init(plan: BackgroundPlan, metrics: IndexerMetrics, logger: Logger) {
        self.plan = plan
        self.metrics = metrics
        self.logger = logger
        feedback = plan.control.map(FeedbackErasing.init(control:))
    }

    /// Seals what is finished and wholly in the index.
    func seal(_ stop: BackgroundIndexer.Stop) {
        guard plan.seals, !stop.isSet else { return }
        attempt { try sealNow(stop) }
    }

    /// Packs columns and rolls hours, days and weeks up.
    func build(_ stop: BackgroundIndexer.Stop) {
        attempt("columns cannot be packed; answers are right, but slower") {
            let store = try plan.paths.openForWriting(waitUs: 1_000_000)
            let options = IndexPassOptions(maxDurationUs: 1_000_000, isYielding: true, shouldStop: { stop.isSet })
            let building = ColumnBuilding(store: store, lock: IndexLock(path: plan.paths.lock), declared: plan.declared)
            _ = try building.run(options)
        }
    }

    /// Removes what is due, whatever the index is like.
    func remove(_ stop: BackgroundIndexer.Stop) {
        guard !plan.retention.isEmpty, !stop.isSet else { return }
        attempt { try removeNow() }
    }

    private func attempt(
        _ trouble: Logger.Message = "segments cannot be sealed or removed; they are kept as they are", _ work: () throws -> Void
    ) {
        do { try work() } catch let error as IndexingError where error.code == .locked {
            logger.debug("another process indexes, seals or erases")
        } catch {
            logger.error(trouble, metadata: ["error": "\(error)"])
        }
    }

    private func sealNow(_ stop: BackgroundIndexer.Stop) throws {
        let store = try plan.paths.openForWriting(waitUs: 1_000_000)
        defer { settleFeedback() }
        let report = try keeper(store).seal(shouldStop: { stop.isSet })
        metrics.kept(report)
        if !report.failures.isEmpty {
            logger.error("segments cannot be sealed", metadata: ["failures": "\(report.failures.joined(separator: "; "))"])
        }
    }

    private func removeNow() throws {
        // Records first and without the index: what frees the disk must not wait for what may need the disk.
        var records = plan.retention
        records.factsAgeUs = nil
        if let held = try plan.log.sealersLock() {
            defer { held.release() }
            let removal = try SegmentRetention.plan(records, in: plan.log, nowUs: SystemClock().wallUs)
            try SegmentRetention.apply(removal, in: plan.log)
            note(removal, forgotten: 0)
        }
        guard plan.retention.factsAgeUs != nil else { return }
        let store = try plan.paths.openForWriting(waitUs: 1_000_000)
        defer { settleFeedback() }
        let (removal, forgotten) = try keeper(store).retain(plan.retention)
        note(removal, forgotten: forgotten)
    }

    private func keeper(_ store: FactStore) -> SegmentKeeper {
        SegmentKeeper(store: store, directory: plan.log, lock: IndexLock(path: plan.paths.lock)) { [feedback] in
            try feedback?.forget($0)
        }
    }

    /// What could not be moved out of the log yet is due at the next round.
    private func settleFeedback() {
        do { try feedback?.settle() } catch {
            logger.error("erased feedback still lies in the log of its database", metadata: ["error": "\(error)"])
        }
    }

    private func note(_ removal: RetentionPlan, forgotten: Int) {
        guard !removal.files.isEmpty else { return }
        metrics.removed(removal)
        let counts: Logger.Metadata = [
            "segments": "\(removal.segments)", "bytes": "\(removal.freedBytes)", "facts": "\(forgotten)",
        ]
        logger.info("segments removed", metadata: counts)
    }
}
