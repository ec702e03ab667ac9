// SPDX-License-Identifier: Apache-2.0
import Dialects
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
}

/// Indexes every second on a thread of its own, giving way to a `weir index` that waits; then seals and removes what is due.
final class BackgroundIndexer: Sendable {
    private let thread: OwnedThread
    private let isStopping: Stop
    /// Between two looks for something to seal or remove.
    private static let keepingPauseUs: Int64 = 10_000_000

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
            var keptUs = clock.monotonicUs
            while !stop.isSet {
                let isCaughtUp = BackgroundIndexer.pass(plan, stop, metrics, logger)
                if isCaughtUp, clock.monotonicUs - keptUs >= BackgroundIndexer.keepingPauseUs {
                    BackgroundKeeping(plan: plan, metrics: metrics, logger: logger).run(stop)
                    keptUs = clock.monotonicUs
                }
                for _ in 0..<20 where !stop.isSet { clock.sleep(us: 50_000) }
            }
        }
    }

    /// One pass; true where nothing was left unread.
    private static func pass(_ plan: BackgroundPlan, _ stop: Stop, _ metrics: IndexerMetrics, _ logger: Logger) -> Bool {
        let clock = SystemClock()
        let startedAtUs = clock.wallUs
        func passed(_ ending: IndexerMetrics.Ending, _ report: IndexReport? = nil) {
            metrics.passed(ending, report, startedAtUs: startedAtUs, endedAtUs: clock.wallUs)
        }
        do {
            let store = try plan.paths.openForWriting(waitUs: 1_000_000)
            let pass = IndexPass(
                store: store, directory: plan.log, lock: IndexLock(path: plan.paths.lock), reading: ExchangeReader.read)
            var options = IndexPassOptions(maxDurationUs: 5_000_000, isYielding: true, shouldStop: { stop.isSet })
            options.noting = { metrics.note($0) }
            let report = try pass.run(options)
            passed(.finished, report)
            if report.damaged > 0 || report.undecodable > 0 || !report.unreadable.isEmpty {
                logger.warning("indexing found damage", metadata: ["report": "\(report.summary)"])
            }
            return report.isCaughtUp
        } catch let error as IndexingError where error.code == .locked {
            passed(.locked)
            logger.debug("another process is indexing")
        } catch {
            passed(.failed)
            logger.error("indexing failed; segments are kept, `weir index` catches up", metadata: ["error": "\(error)"])
        }
        return false
    }

    func stop() {
        isStopping.set()
        thread.join()
    }
}

/// Sealing and removing behind a running gateway; trouble is logged and tried again the next time.
struct BackgroundKeeping {
    let plan: BackgroundPlan
    let metrics: IndexerMetrics
    let logger: Logger

    func run(_ stop: BackgroundIndexer.Stop) {
        do {
            if plan.seals { try seal(stop) }
            if !plan.retention.isEmpty, !stop.isSet { try remove() }
        } catch let error as IndexingError where error.code == .locked {
            logger.debug("another process seals or erases")
        } catch {
            logger.error("segments cannot be sealed or removed; they are kept as they are", metadata: ["error": "\(error)"])
        }
    }

    private func seal(_ stop: BackgroundIndexer.Stop) throws {
        let store = try plan.paths.openForWriting(waitUs: 1_000_000)
        let keeper = SegmentKeeper(store: store, directory: plan.log, lock: IndexLock(path: plan.paths.lock))
        let report = try keeper.seal(shouldStop: { stop.isSet })
        metrics.kept(report)
        if !report.failures.isEmpty {
            logger.error("segments cannot be sealed", metadata: ["failures": "\(report.failures.joined(separator: "; "))"])
        }
    }

    private func remove() throws {
        // Records first and without the index: what frees the disk must not wait for what may need the disk.
        var records = plan.retention
        records.factsAgeUs = nil
        if let held = try plan.log.files.tryLock(SegmentSealing.lockPath(of: plan.log)) {
            defer { held.release() }
            let removal = try SegmentRetention.plan(records, in: plan.log, nowUs: SystemClock().wallUs)
            try SegmentRetention.apply(removal, in: plan.log)
            note(removal, forgotten: 0)
        }
        guard plan.retention.factsAgeUs != nil else { return }
        let store = try plan.paths.openForWriting(waitUs: 1_000_000)
        let keeper = SegmentKeeper(store: store, directory: plan.log, lock: IndexLock(path: plan.paths.lock))
        let (removal, forgotten) = try keeper.retain(plan.retention)
        note(removal, forgotten: forgotten)
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
