// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
package import Logging
package import Platform
import Redaction
package import SegmentLog
import Synchronization

/// Where capture keeps its files.
package struct CapturePlaces: Sendable {
    /// Segments.
    package var segments: String
    /// Arenas: on a file system that survives the process; one in memory (`tmpfs`) will do.
    package var arenas: String
    /// The lock of the one process that captures here.
    package var lock: String

    /// The places within one directory of segments.
    package init(segments: String) {
        self.segments = segments
        arenas = PathText.join(segments, "arenas")
        lock = PathText.join(segments, "capture.lock")
    }

    /// Three places of their own.
    package init(segments: String, arenas: String, lock: String) {
        self.segments = segments
        self.arenas = arenas
        self.lock = lock
    }
}

/// How the segments are written.
package struct CaptureSegments: Sendable {
    /// When records become durable.
    package var sync = SegmentSyncPolicy.interval(us: 1_000_000)
    /// Sizes and ages.
    package var limits = SegmentLimits.standard
    /// The current one encrypts.
    package var keys = SegmentKeys.none

    /// The defaults.
    package init() {}
}

/// Capture as a whole: the arenas of the loops, and the thread that owns the segment log.
package final class CaptureEngine: Sendable {
    /// What capture did, counted.
    package let counters: CaptureCounters
    private let limits: CaptureLimits
    private let clock: any Clock
    private let signal = CaptureSignal()
    private let policy: PolicyCell
    /// Nil where capture is off.
    private let running: Running?

    private struct Running: Sendable {
        let thread: OwnedThread
        /// Nil where capture does not give way.
        let watch: (CaptureWatch, OwnedThread)?
        let places: CapturePlaces
        let files: any FileSystem
        let logger: Logger
        let node: String
        let epoch: SegmentEpoch
        let lock: DirectoryLock
        let loops = LoopNumbers()
    }

    private final class LoopNumbers: Sendable {
        private let next = Atomic<Int>(0)
        func take() -> UInt32 { UInt32(clamping: next.wrappingAdd(1, ordering: .relaxed).oldValue) }
    }

    /// Recovers segments and arenas that no living process holds, opens a new epoch and starts the capture thread.
    ///
    /// - Parameters:
    ///   - places: where the files lie; made where they are missing.
    ///   - node: the name written into every record.
    ///   - hasherSecret: see `KeyHasher`.
    ///   - files: the file system.
    ///   - clock: the clock of records.
    ///   - limits: bounds on memory.
    ///   - segments: how the segments are written.
    ///   - policy: what is recorded, also of what dead processes left.
    ///   - sharesDirectory: whether another process may capture into the same directory meanwhile, as when one hands its listening
    ///     descriptor over to the next; false refuses.
    ///   - logger: for lifecycle and trouble; never sees a payload.
    /// - Throws: `CaptureError`, or `SegmentError` where the directory cannot be used at all.
    package init(
        places: CapturePlaces, node: String, hasherSecret: [UInt8], files: any FileSystem = PosixFileSystem(),
        clock: any Clock = SystemClock(), limits: CaptureLimits = CaptureLimits(), segments: CaptureSegments = CaptureSegments(),
        policy: CapturePolicy = CapturePolicy(),
        sharesDirectory: Bool = false, logger: Logger
    ) throws {
        try files.createDirectories(places.segments)
        try files.createDirectories(places.arenas)
        let lock = try DirectoryLock(places.lock, files: files, sharesDirectory: sharesDirectory, logger: logger)
        // With the keys: recovery looks for exchanges among the records.
        let directory = SegmentDirectory(files: files, path: places.segments, keys: segments.keys)
        let live = try SegmentEpoch.live(in: directory)
        let report = try SegmentRecovery.recover(directory: places.segments, files: files) { live.contains($0.epoch) }
        CaptureEngine.say(report, logger)
        let epoch = try SegmentEpoch.take(in: directory, clock: clock)
        let writer = try SegmentWriter(
            directory: places.segments, node: node, files: files, clock: clock, sync: segments.sync, limits: segments.limits,
            lock: epoch, keys: segments.keys)
        let making = RecordMaking(node: node, hasher: KeyHasher(secret: hasherSecret), limits: limits)
        counters = CaptureCounters(clock: clock)
        let secrets = CaptureSecrets(hasherSecret)
        self.policy = PolicyCell(policy)
        let recovered = ArenaRecovery(
            directory: places.arenas, segments: directory, files: files, writer: writer, limits: limits, making: making,
            judge: PolicyJudge(policy, secrets: secrets)
        ).run()
        CaptureEngine.say(recovered, logger)
        counters.noteRecovery(recovered)
        let loop = CaptureLoop(
            counters: counters, signal: signal, encoder: LineEncoder(making: making), writer: writer, clock: clock,
            limits: limits, backlogLimit: segments.limits.backlogBytes, policy: self.policy, secrets: secrets,
            disk: DiskWatch(files: files, directory: places.segments, limits: limits, logger: logger), logger: logger,
            everySecond: { lock.tryAgain() })
        self.limits = limits
        self.clock = clock
        let givesWay = limits.givesWay && CaptureEngine.mayGiveWay(logger)
        let thread = try OwnedThread(name: "weir-capture") {
            // Tried by `mayGiveWay` on another thread of this process.
            if givesWay { _ = OwnedThread.keepDiskPriority() }
            loop.run()
        }
        running = Running(
            thread: thread, watch: givesWay ? CaptureEngine.watch(thread, counters, clock) : nil, places: places,
            files: files, logger: logger, node: node, epoch: epoch, lock: lock)
    }

    /// Whether the system lets the capture thread be idle and come back; else it runs as any thread.
    private static func mayGiveWay(_ logger: Logger) -> Bool {
        guard let obstacle = IdleObstacle.ofThisProcess() else {
            logger.info("capture lets event loops on its core go first")
            return true
        }
        logger.info("capture cannot let event loops on its core go first", metadata: ["needs": "\(obstacle.needs)"])
        return false
    }

    /// Nil where the system has no more threads.
    private static func watch(
        _ thread: OwnedThread, _ counters: CaptureCounters, _ clock: any Clock
    ) -> (CaptureWatch, OwnedThread)? {
        let watch = CaptureWatch(counters: counters, clock: clock) { thread.setPriority($0) }
        guard let own = try? OwnedThread(name: "weir-watch", run: { watch.run() }) else { return nil }
        return (watch, own)
    }

    /// Capture with all its files within the directory of the segments; see the form with `places`.
    package convenience init(
        directory: String, node: String, hasherSecret: [UInt8], files: any FileSystem = PosixFileSystem(),
        clock: any Clock = SystemClock(), limits: CaptureLimits = CaptureLimits(), policy: CapturePolicy = CapturePolicy(),
        logger: Logger
    ) throws {
        try self.init(
            places: CapturePlaces(segments: directory), node: node, hasherSecret: hasherSecret, files: files, clock: clock,
            limits: limits, policy: policy, logger: logger)
    }

    /// Capture that is off: its taps give ids and times, and keep nothing.
    package init(clock: any Clock = SystemClock()) {
        counters = CaptureCounters(clock: clock)
        limits = CaptureLimits()
        policy = PolicyCell(CapturePolicy())
        self.clock = clock
        running = nil
    }

    /// Replaces the policy: for the exchanges that the capture thread takes from now on.
    package func apply(_ policy: CapturePolicy) { self.policy.current = policy }

    private static func say(_ report: RecoveryReport, _ logger: Logger) {
        guard report.truncatedBytes > 0 || report.damageCount > 0 || !report.problems.isEmpty else { return }
        logger.notice(
            "segments recovered",
            metadata: [
                "truncated_bytes": "\(report.truncatedBytes)", "damaged": "\(report.damageCount)", "records": "\(report.records)",
                "problems": "\(report.problems.joined(separator: "; "))",
            ])
    }

    private static func say(_ report: ArenaRecoveryReport, _ logger: Logger) {
        guard !report.isEmpty else { return }
        logger.notice(
            "arenas recovered",
            metadata: [
                "arenas": "\(report.arenas)", "records": "\(report.records)", "in_flight": "\(report.crashed)",
                "already_written": "\(report.alreadyWritten)", "left_out_by_policy": "\(report.leftOut)",
                "damaged_arenas": "\(report.damagedArenas)",
                "damaged_slots": "\(report.damagedSlots)", "problems": "\(report.problems.joined(separator: "; "))",
            ])
    }

    /// A lane for one event loop, with an arena of its own; not to be shared between loops.
    ///
    /// Where the disk has no room for the arena it lies in plain memory: capture works, but does not survive the process.
    package func makeLane() -> CaptureLane {
        var arena: CaptureArena?
        if let running {
            arena = CaptureEngine.makeArena(running, limits: limits, clock: clock)
            if let arena {
                counters.add(arena)
                signal.wakeIfAsleep()
            }
        }
        return CaptureLane(clock: clock, limits: limits, counters: counters, arena: arena, signal: signal)
    }

    private static func makeArena(_ running: Running, limits: CaptureLimits, clock: any Clock) -> CaptureArena? {
        let loop = running.loops.take()
        let identity = ArenaIdentity(
            node: running.node, epoch: running.epoch.number, loop: loop, createdAtUs: clock.wallUs, bootID: Host.bootID())
        let name = ArenaIdentity.fileName(
            node: SegmentFormat.nodeName(running.node), epoch: running.epoch.number, loop: loop)
        let path = PathText.join(running.places.arenas, name)
        do throws(PlatformError) {
            let free = try running.files.freeBytes(at: running.places.arenas)
            // At most a quarter of what the disk has left: the log needs the rest.
            let bytes = min(Int64(max(limits.arenaBytes, CaptureLimits.leastArenaBytes)), free / 4)
            guard bytes >= Int64(CaptureLimits.leastArenaBytes) else {
                throw PlatformError(errno: PlatformLimits.noSpace, operation: "fallocate", path: path)
            }
            // Nameless to recovery until its header is whole.
            let mapping = try running.files.createMapped(path + ArenaFormat.newExtension, bytes: Int(bytes))
            let arena = CaptureArena(mapping: mapping, path: path, identity: identity)
            try running.files.rename(path + ArenaFormat.newExtension, to: path)
            return arena
        } catch {
            running.logger.error(
                "no arena on disk; capture will not survive a crash of this process", metadata: ["error": "\(error)"])
        }
        do throws(PlatformError) {
            let mapping = try MappedFile.anonymous(bytes: max(limits.arenaBytes, CaptureLimits.leastArenaBytes))
            return CaptureArena(mapping: mapping, path: "", identity: identity)
        } catch {
            running.logger.error("no arena at all; nothing is captured on this loop", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Takes no more, writes what is queued, syncs, and waits for the thread; blocks the calling thread.
    ///
    /// The loops must have come to rest. An arena that still holds an exchange stays on disk, and the next start recovers it.
    package func stop() {
        signal.close()
        guard let running else { return }
        if let (watch, thread) = running.watch {
            // Before the last work of the capture thread: it is to have its share for it.
            watch.end()
            thread.join()
        }
        running.thread.join()
        for arena in counters.allArenas
        where arena.slotsInUse == 0 && !arena.path.isEmpty && GapKeeper.isSettled(arena.memory) {
            // An empty arena that cannot be removed is removed at the next start.
            try? running.files.unlink(arena.path)
        }
        running.epoch.release(files: running.files)
        running.lock.release()
    }
}

/// The lock that says: one process captures here.
///
/// A process that takes over may begin without it, and takes it once it is free.
private final class DirectoryLock: Sendable {
    private let held: Mutex<(any HeldLock)?>
    private let released = Atomic<Bool>(false)
    private let path: String
    private let files: any FileSystem
    private let logger: Logger
    private let hasComplained = Atomic<Bool>(false)

    init(_ path: String, files: any FileSystem, sharesDirectory: Bool, logger: Logger) throws {
        self.path = path
        self.files = files
        self.logger = logger
        let lock = try files.tryLock(path)
        guard lock != nil || sharesDirectory else {
            throw CaptureError(
                code: .directoryInUse,
                message: "another process captures into \(PathText.parent(of: path)); stop it, or use another directory")
        }
        held = Mutex(lock)
    }

    func tryAgain() {
        guard !released.load(ordering: .acquiring) else { return }
        held.withLock { lock in
            guard lock == nil else { return }
            do throws(PlatformError) { lock = try files.tryLock(path) } catch {
                // Asked for again in a second; said once.
                guard !hasComplained.exchange(true, ordering: .relaxed) else { return }
                logger.error(
                    "the lock of the data directory cannot be asked for; another gateway could start beside this one",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    func release() {
        released.store(true, ordering: .releasing)
        held.withLock { lock in
            lock?.release()
            lock = nil
        }
    }
}
