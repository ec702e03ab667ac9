// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
package import Logging
package import Platform
import Redaction
import SegmentLog

/// Capture as a whole: the mailbox, the lanes of the loops, and the thread that owns the segment log.
package final class CaptureEngine: Sendable {
    /// What capture did, counted.
    package let counters = CaptureCounters()
    private let mailbox: Mailbox<CapturedExchange>
    private let limits: CaptureLimits
    private let clock: any Clock
    private let thread: OwnedThread

    /// Recovers the log, opens a new segment and starts the capture thread.
    ///
    /// - Parameters:
    ///   - directory: where segments lie; made where it is missing.
    ///   - node: the name written into every record.
    ///   - hasherSecret: see `KeyHasher`.
    ///   - files: the file system.
    ///   - clock: the clock of records.
    ///   - limits: bounds on memory.
    ///   - logger: for lifecycle and trouble; never sees a payload.
    /// - Throws: `SegmentError` where the directory cannot be used at all.
    package init(
        directory: String, node: String, hasherSecret: [UInt8], files: any FileSystem = PosixFileSystem(),
        clock: any Clock = SystemClock(),
        limits: CaptureLimits = CaptureLimits(), logger: Logger
    ) throws {
        let mailbox = Mailbox<CapturedExchange>(weightLimit: limits.queueBytes, countLimit: limits.queueCount)
        let report = try SegmentRecovery.recover(directory: directory, files: files)
        if report.truncatedBytes > 0 || report.damageCount > 0 || !report.problems.isEmpty {
            logger.notice(
                "segments recovered",
                metadata: [
                    "truncated_bytes": "\(report.truncatedBytes)", "damaged": "\(report.damageCount)",
                    "records": "\(report.records)",
                    "problems": "\(report.problems.joined(separator: "; "))",
                ])
        }
        let writer = try SegmentWriter(directory: directory, node: node, files: files, clock: clock)
        let making = RecordMaking(node: node, hasher: KeyHasher(secret: hasherSecret), limits: limits)
        let loop = CaptureLoop(
            mailbox: mailbox, making: making, writer: writer, clock: clock, limits: limits, counters: counters, logger: logger)
        self.mailbox = mailbox
        self.limits = limits
        self.clock = clock
        thread = try OwnedThread(name: "weir-capture") { loop.run() }
    }

    /// A lane for one event loop; not to be shared between loops.
    package func makeLane() -> CaptureLane {
        CaptureLane(clock: clock, limits: limits, counters: counters, mailbox: mailbox)
    }

    /// Bytes of ended exchanges that wait for the capture thread; from any thread.
    package var waitingBytes: Int { mailbox.heldWeight }

    /// Takes no more, writes what is queued, syncs, and waits for the thread; blocks the calling thread.
    package func stop() {
        mailbox.close()
        thread.join()
    }
}

/// The capture thread's work.
///
/// World: thread; owns the segment writer alone.
///
/// `@unchecked Sendable`: handed to its one thread at creation and touched by no other.
private final class CaptureLoop: @unchecked Sendable {
    private let mailbox: Mailbox<CapturedExchange>
    private let making: RecordMaking
    private let writer: SegmentWriter
    private let clock: any Clock
    private let limits: CaptureLimits
    private let counters: CaptureCounters
    private let logger: Logger
    private var lastComplaintUs = Int64.min / 2

    init(
        mailbox: Mailbox<CapturedExchange>, making: RecordMaking, writer: SegmentWriter, clock: any Clock, limits: CaptureLimits,
        counters: CaptureCounters, logger: Logger
    ) {
        self.mailbox = mailbox
        self.making = making
        self.writer = writer
        self.clock = clock
        self.limits = limits
        self.counters = counters
        self.logger = logger
    }

    func run() {
        while true {
            let wasClosed = mailbox.isClosed
            var messages = mailbox.take(maxWaitUs: 0)
            if messages.isEmpty {
                if wasClosed { break }
                // Busy times poll at their own pace; idle ones sleep until woken, and wake for the batch and sync deadlines.
                messages = mailbox.take(maxWaitUs: idleWaitUs)
            }
            for message in messages { write(message) }
            attempt { try writer.tick() }
            if !messages.isEmpty, !mailbox.isClosed { clock.sleep(us: limits.pauseUs) }
        }
        attempt { try writer.close() }
    }

    private var idleWaitUs: Int64 {
        guard let deadline = writer.nextDeadlineUs else { return 1_000_000 }
        return min(max(deadline - clock.monotonicUs, 1_000), 1_000_000)
    }

    private func write(_ exchange: CapturedExchange) {
        let record = making.record(of: exchange)
        var line = record.encodedLine()
        if line.count > SegmentLimits.standard.recordBytes {
            line = making.withoutBodies(record, of: exchange).encodedLine()
            if !exchange.isReduced { counters.reduce() }
        }
        attempt {
            do {
                try writer.append(line, startedAtUs: exchange.startedAtUs)
                counters.wrote()
            } catch {
                counters.drop()
                throw error
            }
        }
    }

    /// The log keeps what it could not write and tries again at the next tick; here it is counted and said, once a while.
    private func attempt(_ work: () throws -> Void) {
        do {
            try work()
        } catch {
            counters.fail()
            let now = clock.monotonicUs
            if now - lastComplaintUs > 10_000_000 {
                lastComplaintUs = now
                logger.error("the segment log cannot write", metadata: ["error": "\(error)", "failures": "\(counters.failed)"])
            }
        }
    }
}
