// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Gateway
import Logging
import Platform
import Synchronization
import Telemetry

/// Stores the feedback that callers post to the gateway: a bounded queue, and one thread that writes.
///
/// Safe from any thread. What was accepted is stored in the order in which it came; where the database cannot be written, it is kept and
/// tried again, and what comes meanwhile is refused once the queue is full. Only the end of the process gives it up, counted and logged.
/// The database is not opened before the first piece. Nothing of what was written goes into the log.
final class FeedbackWriter: FeedbackDesk {
    /// How much may wait, what the thread has in hand included.
    struct Limits: Sendable {
        /// Bytes of all that is accepted and not stored yet.
        var bytes = 32 << 20
        /// Pieces that are accepted and not stored yet.
        var pieces = 10_000
        /// Pieces stored in one transaction.
        var piecesABatch = 1_000
        /// Microseconds between two tries where the database cannot be written.
        var retryUs: Int64 = 1_000_000
    }

    /// A piece, and the bytes that it counts for.
    private struct Waiting: Sendable {
        let feedback: Feedback
        let bytes: Int
    }

    /// What was accepted and is not stored yet: the mailbox alone would forget what the thread has taken out of it.
    private struct Held {
        var pieces = 0
        var bytes = 0
    }

    private final class Counts: Sendable {
        let held = Mutex(Held())
        let stored = Atomic<Int>(0)
        let duplicates = Atomic<Int>(0)
        let refused = Atomic<Int>(0)
        let full = Atomic<Int>(0)
        let lost = Atomic<Int>(0)
    }

    let bodyBytes = ControlStoreLimits.feedbackBytes
    private let mailbox: Mailbox<Waiting>
    private let counts = Counts()
    private let isStopping = Atomic(false)
    private let limits: Limits
    private let path: String
    private let thread = Mutex<OwnedThread?>(nil)

    /// A queue that takes feedback; `start` begins to store it.
    init(path: String, limits: Limits = Limits(), registry: MetricRegistry) {
        self.path = path
        self.limits = limits
        mailbox = Mailbox(weightLimit: limits.bytes, countLimit: limits.pieces)
        addMetrics(to: registry)
    }

    /// Starts the thread; once.
    ///
    /// - Throws: `PlatformError` where the system has no more threads.
    func start(_ logger: Logger) throws {
        let started = try OwnedThread(name: "weir-feedback") { [self] in
            // It waits for the disk: traffic comes first.
            OwnedThread.giveWay()
            run(logger)
        }
        thread.withLock { $0 = started }
    }

    func offer(_ body: [UInt8]) -> FeedbackVerdict {
        let nowUs = SystemClock().wallUs
        let feedback: Feedback
        do throws(ControlStoreError) {
            feedback = try FeedbackJSON.read(body, id: FeedbackFile.newID(), atUs: nowUs, source: "api")
        } catch {
            counts.refused.add(1, ordering: .relaxed)
            return .refused(error.message)
        }
        let waiting = Waiting(feedback: feedback, bytes: body.count + 256)
        guard hold(waiting) else {
            if mailbox.isClosed { return .closed }
            counts.full.add(1, ordering: .relaxed)
            return .full
        }
        guard mailbox.offer(waiting, weight: waiting.bytes) else {
            letGo([waiting])
            return .closed
        }
        return .accepted(id: feedback.id.description)
    }

    private func hold(_ waiting: Waiting) -> Bool {
        counts.held.withLock { held in
            guard held.pieces < limits.pieces, held.bytes + waiting.bytes <= limits.bytes else { return false }
            held.pieces += 1
            held.bytes += waiting.bytes
            return true
        }
    }

    private func letGo(_ gone: [Waiting]) {
        let bytes = gone.reduce(0) { $0 + $1.bytes }
        counts.held.withLock { held in
            held.pieces -= gone.count
            held.bytes -= bytes
        }
    }

    /// Refuses what still comes, stores what was accepted, and ends; once no listener asks any more.
    func stop() {
        mailbox.close()
        isStopping.store(true, ordering: .releasing)
        let running = thread.withLock { held in
            defer { held = nil }
            return held
        }
        running?.join()
    }

    // MARK: The thread

    private func run(_ logger: Logger) {
        var store: ControlStore?
        while true {
            var waiting = mailbox.take(maxWaitUs: 60_000_000)[...]
            if waiting.isEmpty, mailbox.isClosed { return }
            while !waiting.isEmpty {
                let batch = Array(waiting.prefix(limits.piecesABatch))
                guard keepStoring(batch.map(\.feedback), &store, logger) else { return giveUp(Array(waiting), logger) }
                letGo(batch)
                waiting = waiting.dropFirst(batch.count)
            }
        }
    }

    /// Stores a batch, however often it takes; false where the end of the process comes before.
    private func keepStoring(_ batch: [Feedback], _ store: inout ControlStore?, _ logger: Logger) -> Bool {
        var hasFailed = false
        while true {
            // What fails once the end has come is not tried again.
            let isLast = isStopping.load(ordering: .acquiring)
            do {
                let opened = try store ?? ControlStore.open(path: path, mode: .readWrite)
                store = opened
                let stored = try opened.add(batch)
                counts.stored.add(stored.added, ordering: .relaxed)
                counts.duplicates.add(stored.duplicates, ordering: .relaxed)
                if hasFailed { logger.notice("feedback is stored again") }
                return true
            } catch {
                store = nil
                if !hasFailed {
                    logger.error("feedback cannot be stored; it is kept and tried again", metadata: ["error": "\(error)"])
                }
                hasFailed = true
            }
            if isLast { return false }
            pause()
        }
    }

    private func pause() {
        let clock = SystemClock()
        let untilUs = clock.monotonicUs + limits.retryUs
        while !isStopping.load(ordering: .acquiring), clock.monotonicUs < untilUs { clock.sleep(us: min(50_000, limits.retryUs)) }
    }

    private func giveUp(_ waiting: [Waiting], _ logger: Logger) {
        let all = waiting + mailbox.take(maxWaitUs: 0)
        letGo(all)
        let lost = all.count
        counts.lost.add(lost, ordering: .relaxed)
        logger.error("feedback that was accepted is lost: the database could not be written", metadata: ["pieces": "\(lost)"])
    }

    private func addMetrics(to registry: MetricRegistry) {
        let counts = self.counts
        registry.addSource { out in
            let name = "weir_feedback_total"
            out.begin(name, type: "counter", help: "Feedback that callers posted, by what became of it.")
            let results = [
                ("stored", counts.stored.load(ordering: .relaxed)), ("duplicate", counts.duplicates.load(ordering: .relaxed)),
                ("refused", counts.refused.load(ordering: .relaxed)), ("full", counts.full.load(ordering: .relaxed)),
                ("lost", counts.lost.load(ordering: .relaxed)),
            ]
            for (result, count) in results { out.sample(name, [("result", result)], count) }
            out.begin("weir_feedback_waiting", type: "gauge", help: "Posted feedback that is not stored yet.")
            out.sample("weir_feedback_waiting", [], counts.held.withLock { $0.pieces })
        }
    }
}
