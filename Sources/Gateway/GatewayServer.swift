// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Telemetry
import Upstream

/// The data plane as a service: binds, serves, takes new settings, drains.
///
/// World: task; every loop is told by `submit`.
package final class GatewayServer: Sendable {
    private typealias Loop = (loop: any EventLoop, state: NIOLoopBound<GatewayLoop>)

    private let group: MultiThreadedEventLoopGroup
    private let loops: [Loop]
    private let listeners: [ListenerSettings]
    private let channels: [any Channel]
    private let operations: GatewayOperations
    private let ticks: [RepeatedTask]
    private let logger: Logger

    /// The ports it listens on, in the order of the listeners.
    package var ports: [Int] { channels.map { $0.localAddress?.port ?? 0 } }

    /// The addresses it listens on, as `HOST:PORT`, in the order of the listeners.
    package var addresses: [String] {
        zip(listeners, ports).map { listener, port in
            listener.host.contains(":") ? "[\(listener.host)]:\(port)" : "\(listener.host):\(port)"
        }
    }

    /// The port of the first listener.
    package var port: Int { ports.first ?? 0 }

    /// Binds and begins to serve: every port accepts when this returns.
    ///
    /// Certificates, authority files and settings are read and checked before the first socket opens.
    ///
    /// - Parameters:
    ///   - listeners: at least one.
    ///   - threads: event loops.
    ///   - settings: what a reload may replace.
    ///   - capture: gives each loop its lane.
    ///   - operations: what the gateway shows of itself.
    ///   - checked: what `check` gave for the same settings; nil: the files are read here.
    ///   - accepts: false where callers are to wait in the sockets' queues until `beginAccepting`.
    ///   - logger: for lifecycle.
    /// - Returns: the running server.
    /// - Throws: `GatewayError`, naming the file or the address.
    package static func start(
        listeners: [ListenerSettings], threads: Int, settings: GatewaySettings, capture: CaptureEngine,
        operations: GatewayOperations = GatewayOperations(), checked: CheckedFiles? = nil, accepts: Bool = true, logger: Logger
    ) async throws -> GatewayServer {
        let files = try checked ?? check(listeners, settings)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, threads))
        var channels: [any Channel] = []
        do {
            let metricSet = try GatewayMetricSet(providers: settings.router.catalogue.names)
            var shards = operations.registry.makeShards(metricSet.layout, count: max(1, threads))
            CaptureMetrics.add(capture, to: operations.registry)
            var loops: [Loop] = []
            for loop in group.makeIterator() {
                guard let shard = shards.popLast() else { break }
                let state = try await loop.submit {
                    NIOLoopBound(
                        GatewayLoop(
                            settings: settings, listenerTLS: files.certificates,
                            pool: UpstreamPool(loop: loop, context: files.upstream),
                            flushes: FlushQueue(eventLoop: loop), lane: capture.makeLane(),
                            metrics: GatewayMetrics(set: metricSet, shard: shard),
                            operations: operations,
                            logger: logger),
                        eventLoop: loop)
                }.get()
                loops.append((loop, state))
            }
            for index in listeners.indices {
                channels.append(try await bind(group, loops, listeners[index], index: index, accepts: accepts))
            }
            operations.enter(.ready)
            return GatewayServer(
                group: group, loops: loops, listeners: listeners, channels: channels, operations: operations, logger: logger)
        } catch {
            for channel in channels { channel.close(promise: nil) }
            try await group.shutdownGracefully()
            throw error
        }
    }

    /// The same with one plain listener.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address.
    ///   - port: 0 for any.
    ///   - threads: event loops.
    ///   - router: decides where requests go.
    ///   - capture: gives each loop its lane.
    ///   - limits: of the data plane.
    ///   - operations: what the gateway shows of itself.
    ///   - logger: for lifecycle.
    /// - Returns: the running server.
    /// - Throws: `GatewayError`.
    package static func start(
        host: String, port: Int, threads: Int, router: Router, capture: CaptureEngine, limits: GatewayLimits = GatewayLimits(),
        operations: GatewayOperations = GatewayOperations(), logger: Logger
    ) async throws -> GatewayServer {
        try await start(
            listeners: [ListenerSettings(host: host, port: port)], threads: threads,
            settings: GatewaySettings(router: router, limits: limits), capture: capture, operations: operations, logger: logger)
    }

    /// The files that settings name, read.
    package struct CheckedFiles: Sendable {
        /// By the number of the listener.
        let certificates: [NIOSSLContext?]
        let upstream: UpstreamContext
    }

    /// Reads certificates, authority files and settings as `start` does, without opening anything.
    ///
    /// - Returns: what was read, for `start`.
    /// - Throws: `GatewayError`, naming the file and what is wrong.
    package static func check(
        _ listeners: [ListenerSettings], _ settings: GatewaySettings
    ) throws(GatewayError) -> CheckedFiles {
        guard !listeners.isEmpty else { throw GatewayError(.badSettings, "there is no address to listen on") }
        var certificates: [NIOSSLContext?] = []
        for listener in listeners { certificates.append(try certificate(listener)) }
        return CheckedFiles(certificates: certificates, upstream: try prepare(settings))
    }

    private static func certificate(_ listener: ListenerSettings) throws(GatewayError) -> NIOSSLContext? {
        guard let tls = listener.tls else { return nil }
        return try ListenerCertificate.load(tls)
    }

    private static func prepare(_ settings: GatewaySettings) throws(GatewayError) -> UpstreamContext {
        do throws(UpstreamError) { return try UpstreamContext(settings.upstream) } catch {
            throw GatewayError(.badSettings, error.message)
        }
    }

    private static func bind(
        _ group: MultiThreadedEventLoopGroup, _ loops: [Loop], _ listener: ListenerSettings, index: Int, accepts: Bool
    ) async throws -> any Channel {
        var states: [ObjectIdentifier: NIOLoopBound<GatewayLoop>] = [:]
        for (loop, state) in loops { states[ObjectIdentifier(loop)] = state }
        let byLoop = states
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.autoRead, value: accepts)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let state = byLoop[ObjectIdentifier(channel.eventLoop)]?.value else { throw ChannelError.eof }
                    try ListenerPipeline.build(channel, loop: state, listener: index)
                }
            }
        do {
            if let descriptor = listener.inheritedDescriptor { return try await bootstrap.withBoundSocket(descriptor).get() }
            return try await bootstrap.bind(host: listener.host, port: listener.port).get()
        } catch let error as IOError {
            throw GatewayError.cannotListen(host: listener.host, port: listener.port, errno: error.errnoCode)
        } catch {
            throw GatewayError(.cannotListen, "cannot listen on \(listener.host):\(listener.port): \(error)")
        }
    }

    private init(
        group: MultiThreadedEventLoopGroup, loops: [Loop], listeners: [ListenerSettings], channels: [any Channel],
        operations: GatewayOperations, logger: Logger
    ) {
        self.group = group
        self.loops = loops
        self.listeners = listeners
        self.channels = channels
        self.operations = operations
        self.logger = logger
        ticks = loops.map { loop, state in
            loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in state.value.tick() }
        }
    }

    // MARK: Reload

    /// Replaces the settings: exchanges that begin from now on use the new ones, running ones end with the old.
    ///
    /// Connections to providers are opened anew, under the new trust and proxies.
    ///
    /// - Parameter settings: all of them.
    /// - Throws: `GatewayError` where they cannot be used; then nothing has changed.
    package func apply(_ settings: GatewaySettings) async throws {
        let upstream = try GatewayServer.prepare(settings)
        await onEveryLoop { $0.apply(settings, upstream: upstream) }
    }

    /// Reads the certificates and keys of all listeners again: connections that come from now on see the new ones.
    ///
    /// - Throws: `GatewayError` naming the file and what is wrong; then every listener keeps what it had.
    package func reloadCertificates() async throws {
        let certificates = try listeners.map(GatewayServer.certificate)
        await onEveryLoop { $0.listenerTLS = certificates }
    }

    // MARK: Looking

    /// Exchanges running now, over all loops.
    package func runningExchanges() async -> Int { await collect { $0.runningExchanges }.reduce(0, +) }

    /// What has been seen of callers' connections, over all loops.
    package func listenerCounters() async -> ListenerCounters {
        await collect { $0.counters }.reduce(ListenerCounters(), +)
    }

    private func collect<T: Sendable>(_ read: @escaping @Sendable (GatewayLoop) -> T) async -> [T] {
        var values: [T] = []
        for entry in loops {
            let state = entry.state
            do { values.append(try await entry.loop.submit { read(state.value) }.get()) } catch {
                logger.debug("a loop is gone already")
            }
        }
        return values
    }

    private func onEveryLoop(_ work: @escaping @Sendable (GatewayLoop) -> Void) async {
        _ = await collect { work($0) }
    }

    // MARK: Accepting

    /// Takes those who wait and all who come, where `start` was told not to.
    ///
    /// - Throws: `ChannelError` where a listener is closed.
    package func beginAccepting() async throws {
        for channel in channels { try await channel.setOption(.autoRead, value: true).get() }
    }

    /// Accepts no more; where another process holds the same sockets, callers wait in their queues for it.
    package func stopAccepting() async {
        for channel in channels {
            do { try await channel.close() } catch { logger.debug("a listener was closed already") }
        }
    }

    // MARK: Ending

    /// Accepts no more, lets running exchanges finish within a limit, then ends what is left.
    ///
    /// - Parameters:
    ///   - limitMilliseconds: how long running exchanges may take.
    ///   - isHandedOver: another process has taken the listening sockets over: what this one has accepted is still served, so that no
    ///     caller is refused.
    /// - Returns: how many answers had to be cut.
    package func shutDown(limitMilliseconds: Int64, isHandedOver: Bool = false) async -> Int {
        operations.enter(.draining)
        await stopAccepting()
        await onEveryLoop { $0.drain(isHandedOver: isHandedOver) }
        let start = NIODeadline.now()
        let deadline = start + .milliseconds(limitMilliseconds)
        // A connection may be on its way from the listener to its loop.
        let settled = start + .milliseconds(isHandedOver ? min(500, limitMilliseconds) : 0)
        var left = await unfinished(isHandedOver)
        while left > 0 || NIODeadline.now() < settled, NIODeadline.now() < deadline {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
            left = await unfinished(isHandedOver)
        }
        let cut = await collect { $0.busyConnections }.reduce(0, +)
        if cut == 0 { await waitForPartings(until: min(deadline, NIODeadline.now() + .seconds(5))) }
        for task in ticks { task.cancel() }
        await onEveryLoop { $0.closeAll() }
        do { try await group.shutdownGracefully() } catch {
            logger.error("event loops did not stop", metadata: ["error": "\(error)"])
        }
        return cut
    }

    /// Lets HTTP/2 callers confirm that they go, for a moment: closing with frames unread would make the kernel send a reset, which can
    /// destroy the end of an answer on its way.
    private func waitForPartings(until limit: NIODeadline) async {
        let deadline = max(limit, NIODeadline.now() + .seconds(1))
        while await collect({ $0.partingConnections }).reduce(0, +) > 0, NIODeadline.now() < deadline {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    private func unfinished(_ isHandedOver: Bool) async -> Int {
        await collect { isHandedOver ? $0.openConnections : $0.unsettledConnections }.reduce(0, +)
    }
}
