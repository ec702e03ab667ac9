// SPDX-License-Identifier: Apache-2.0
import Capture
import Gateway
import Indexing
import Logging
import Platform
import SegmentLog
import Telemetry

/// A running gateway with its capture and its indexer: what `serve` and `demo` share.
final class GatewayService: Sendable {
    let directory: DataDirectory
    let server: GatewayServer
    let capture: CaptureEngine
    let operations: GatewayOperations
    private let indexer: BackgroundIndexer?
    private let feedback: FeedbackWriter?
    private let handOver: HandOver
    private let logger: Logger

    /// Starts everything; the ports accept when this returns.
    ///
    /// - Parameters:
    ///   - configuration: what to run with.
    ///   - directory: where the data lies.
    ///   - handed: listening sockets of another process, which may still capture into the same directory.
    ///   - logger: for lifecycle.
    ///   - indexing: starts the indexer.
    /// - Returns: the running service.
    /// - Throws: `VerbFailure`; nothing runs then.
    static func start(
        _ configuration: Configuration, directory: DataDirectory, handed: HandedOver = .nothing, logger: Logger,
        indexing: (BackgroundPlan, IndexerMetrics, Logger) throws -> BackgroundIndexer = BackgroundIndexer.init
    ) async throws -> GatewayService {
        do {
            let files = PosixFileSystem()
            var listeners = configuration.listeners
            let checked = try GatewayServer.check(listeners, configuration.settings)
            // The bypass needs no disk: it may be the disk that is to be got around.
            if !configuration.capturesNothing { try directory.create(files) }
            let capture = try startCapture(configuration, directory, files, sharesDirectory: handed.hasPredecessor, logger)
            do {
                let handOver = try HandOver(&listeners, handed: handed, logger: logger)
                let registry = MetricRegistry()
                ProcessMetrics.add(to: registry)
                let feedback =
                    configuration.capturesNothing ? nil : FeedbackWriter(path: directory.control, registry: registry)
                let operations = GatewayOperations(registry: registry, metricsAccess: configuration.metrics, feedback: feedback)
                let server = try await GatewayServer.start(
                    listeners: listeners, threads: configuration.threads, settings: configuration.settings, capture: capture,
                    operations: operations, checked: checked, accepts: !handed.hasPredecessor, logger: logger)
                var indexer: BackgroundIndexer?
                do {
                    try feedback?.start(logger)
                    if configuration.indexes, !configuration.capturesNothing {
                        let metrics = try IndexerMetrics(
                            providers: configuration.settings.router.providerNames, registry: operations.registry)
                        indexer = try indexing(try configuration.backgroundPlan(directory), metrics, logger)
                    }
                } catch {
                    // It accepts already: a server whose capture has stopped would record nothing.
                    handOver.close()
                    _ = await server.shutDown(limitMilliseconds: 0)
                    feedback?.stop()
                    throw error
                }
                return GatewayService(
                    directory: directory, server: server, capture: capture, operations: operations, indexer: indexer,
                    feedback: feedback, handOver: handOver, logger: logger)
            } catch {
                capture.stop()
                throw error
            }
        } catch let error as GatewayError {
            throw VerbFailure.unfinished(error.message)
        } catch {
            throw (error as? VerbFailure) ?? VerbFailure.unfinished("the gateway cannot start: \(error)")
        }
    }

    private static func startCapture(
        _ configuration: Configuration, _ directory: DataDirectory, _ files: PosixFileSystem, sharesDirectory: Bool,
        _ logger: Logger
    ) throws -> CaptureEngine {
        if configuration.capturesNothing { return CaptureEngine() }
        do {
            return try CaptureEngine(
                places: CapturePlaces(
                    segments: directory.paths.segments, arenas: directory.arenas, lock: directory.serveLock),
                node: configuration.node, hasherSecret: try directory.keyNameSecret(files), files: files,
                limits: configuration.captureLimits, segments: try configuration.segmentSettings(files),
                policy: configuration.capturePolicy, sharesDirectory: sharesDirectory,
                logger: logger)
        } catch let error as CaptureError where error.code == .directoryInUse {
            throw VerbFailure.unfinished("another gateway writes to \(directory.path); stop it, or give this one its own --data")
        }
    }

    private init(
        directory: DataDirectory, server: GatewayServer, capture: CaptureEngine, operations: GatewayOperations,
        indexer: BackgroundIndexer?, feedback: FeedbackWriter?, handOver: HandOver, logger: Logger
    ) {
        self.directory = directory
        self.server = server
        self.capture = capture
        self.operations = operations
        self.indexer = indexer
        self.feedback = feedback
        self.handOver = handOver
        self.logger = logger
    }

    var port: Int { server.port }

    /// Takes callers, where a predecessor took them so far.
    ///
    /// - Throws: where a listener is closed.
    func beginAccepting() async throws { try await server.beginAccepting() }

    /// Hands the listening sockets to a new process of this program; false where that failed and this one goes on.
    func handOverListeners() async -> Bool { await handOver.succeed(arguments: CommandLine.arguments) }

    /// Drains, writes what is queued, and stops.
    ///
    /// - Parameters:
    ///   - drainMilliseconds: how long running exchanges may take.
    ///   - isHandedOver: a new process accepts: no caller of this one is refused.
    func stop(drainMilliseconds: Int64, isHandedOver: Bool = false) async {
        handOver.close()
        if isHandedOver {
            await server.stopAccepting()
            handOver.letSuccessorAccept()
        }
        let cut = await server.shutDown(limitMilliseconds: drainMilliseconds, isHandedOver: isHandedOver)
        indexer?.stop()
        feedback?.stop()
        capture.stop()
        let counters = capture.counters
        logger.notice(
            "stopped",
            metadata: [
                "admitted": "\(counters.admitted)", "recorded": "\(counters.written)", "reduced": "\(counters.reduced)",
                "off": "\(counters.off)", "dropped": "\(counters.dropped)", "cut": "\(cut)",
            ])
    }
}
