// SPDX-License-Identifier: Apache-2.0
import Capture
import Dialects
import Gateway
import Indexing
import Logging
import Platform
import SegmentLog
import Synchronization
import Telemetry

/// A running gateway with its capture and its indexer: what `serve` and `demo` share.
final class GatewayService: Sendable {
    let directory: DataDirectory
    let server: GatewayServer
    let capture: CaptureEngine
    let operations: GatewayOperations
    private let lock: FileLock
    private let indexer: BackgroundIndexer?
    private let logger: Logger

    /// Starts everything; the ports accept when this returns.
    static func start(_ configuration: Configuration, directory: DataDirectory, logger: Logger) async throws -> GatewayService {
        let files = PosixFileSystem()
        try directory.create(files)
        let lock = FileLock(path: directory.serveLock)
        guard try lock.tryAcquire() else {
            throw VerbFailure.unfinished("another gateway writes to \(directory.path); stop it, or give this one its own --data")
        }
        let capture = try CaptureEngine(
            directory: directory.paths.segments, node: configuration.node, hasherSecret: try directory.keyNameSecret(files),
            files: files,
            logger: logger)
        let operations = GatewayOperations(metricsAccess: configuration.metrics)
        ProcessMetrics.add(to: operations.registry)
        do {
            let server = try await GatewayServer.start(
                listeners: configuration.listeners, threads: configuration.threads, settings: configuration.settings,
                capture: capture, operations: operations, logger: logger)
            var indexer: BackgroundIndexer?
            if configuration.indexes {
                let metrics = try IndexerMetrics(
                    providers: configuration.settings.router.providerNames, registry: operations.registry)
                indexer = try BackgroundIndexer(paths: directory.paths, metrics: metrics, logger: logger)
            }
            return GatewayService(
                directory: directory, server: server, capture: capture, operations: operations, lock: lock, indexer: indexer,
                logger: logger)
        } catch {
            capture.stop()
            if let error = error as? GatewayError { throw VerbFailure.unfinished(error.message) }
            throw (error as? VerbFailure) ?? VerbFailure.unfinished("the gateway cannot start: \(error)")
        }
    }

    private init(
        directory: DataDirectory, server: GatewayServer, capture: CaptureEngine, operations: GatewayOperations, lock: FileLock,
        indexer: BackgroundIndexer?, logger: Logger
    ) {
        self.directory = directory
        self.server = server
        self.capture = capture
        self.operations = operations
        self.lock = lock
        self.indexer = indexer
        self.logger = logger
    }

    var port: Int { server.port }

    /// Drains, writes what is queued, and stops.
    func stop(drainMilliseconds: Int64) async {
        let cut = await server.shutDown(limitMilliseconds: drainMilliseconds)
        indexer?.stop()
        capture.stop()
        lock.release()
        let counters = capture.counters
        logger.notice(
            "stopped",
            metadata: [
                "admitted": "\(counters.admitted)", "recorded": "\(counters.written)", "reduced": "\(counters.reduced)",
                "dropped": "\(counters.dropped)", "cut": "\(cut)",
            ])
    }
}

/// Indexes every second on a thread of its own, giving way to a `weir index` that waits.
final class BackgroundIndexer: Sendable {
    private let thread: OwnedThread
    private let isStopping: Stop

    private final class Stop: Sendable {
        let flag = Atomic<Bool>(false)
    }

    init(paths: IndexPaths, metrics: IndexerMetrics, logger: Logger) throws {
        let stop = Stop()
        isStopping = stop
        thread = try OwnedThread(name: "weir-index") {
            let clock = SystemClock()
            while !stop.flag.load(ordering: .relaxed) {
                BackgroundIndexer.pass(paths, stop, metrics, logger)
                for _ in 0..<20 where !stop.flag.load(ordering: .relaxed) { clock.sleep(us: 50_000) }
            }
        }
    }

    private static func pass(_ paths: IndexPaths, _ stop: Stop, _ metrics: IndexerMetrics, _ logger: Logger) {
        let clock = SystemClock()
        let startedAtUs = clock.wallUs
        func passed(_ ending: IndexerMetrics.Ending, _ report: IndexReport? = nil) {
            metrics.passed(ending, report, startedAtUs: startedAtUs, endedAtUs: clock.wallUs)
        }
        do {
            let store = try paths.openForWriting(waitUs: 1_000_000)
            let pass = IndexPass(
                store: store, directory: SegmentDirectory(files: PosixFileSystem(), path: paths.segments),
                lock: IndexLock(path: paths.lock), reading: ExchangeReader.read)
            var options = IndexPassOptions(
                maxDurationUs: 5_000_000, isYielding: true, shouldStop: { stop.flag.load(ordering: .relaxed) })
            options.noting = { metrics.note($0) }
            let report = try pass.run(options)
            passed(.finished, report)
            if report.damaged > 0 || report.undecodable > 0 || !report.unreadable.isEmpty {
                logger.warning("indexing found damage", metadata: ["report": "\(report.summary)"])
            }
        } catch let error as IndexingError where error.code == .locked {
            passed(.locked)
            logger.debug("another process is indexing")
        } catch {
            passed(.failed)
            logger.error("indexing failed; segments are kept, `weir index` catches up", metadata: ["error": "\(error)"])
        }
    }

    func stop() {
        isStopping.flag.store(true, ordering: .relaxed)
        thread.join()
    }
}
