// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Logging
import NIOCore
import NIOPosix
import Telemetry
import Upstream

/// The data plane as a service: binds, serves, drains.
package final class GatewayServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loops: [(loop: any EventLoop, state: NIOLoopBound<GatewayLoop>)]
    private let channel: any Channel
    private let operations: GatewayOperations
    private let ticks: [RepeatedTask]
    private let logger: Logger

    /// The port it listens on.
    package let port: Int

    /// Binds and begins to serve: the port accepts when this returns.
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
    /// - Throws: where the address cannot be bound, or the trust store cannot be read.
    package static func start(
        host: String, port: Int, threads: Int, router: Router, capture: CaptureEngine, limits: GatewayLimits = GatewayLimits(),
        operations: GatewayOperations = GatewayOperations(), logger: Logger
    ) async throws -> GatewayServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, threads))
        do {
            let tls = try UpstreamPool.makeTLSContext()
            let metricSet = try GatewayMetricSet(providers: router.catalogue.names)
            var shards = operations.registry.makeShards(metricSet.layout, count: max(1, threads))
            CaptureMetrics.add(capture, to: operations.registry)
            var loops: [(any EventLoop, NIOLoopBound<GatewayLoop>)] = []
            for loop in group.makeIterator() {
                guard let shard = shards.popLast() else { break }
                let state = try await loop.submit {
                    let pool = UpstreamPool(loop: loop, tls: tls)
                    return NIOLoopBound(
                        GatewayLoop(
                            router: router, limits: limits, pool: pool, lane: capture.makeLane(),
                            metrics: GatewayMetrics(set: metricSet, shard: shard), operations: operations, logger: logger),
                        eventLoop: loop)
                }.get()
                loops.append((loop, state))
            }
            let channel = try await bind(group, loops, host: host, port: port)
            operations.enter(.ready)
            return GatewayServer(group: group, loops: loops, channel: channel, operations: operations, logger: logger)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private static func bind(
        _ group: MultiThreadedEventLoopGroup, _ loops: [(any EventLoop, NIOLoopBound<GatewayLoop>)], host: String, port: Int
    ) async throws -> any Channel {
        var states: [ObjectIdentifier: NIOLoopBound<GatewayLoop>] = [:]
        for (loop, state) in loops { states[ObjectIdentifier(loop)] = state }
        let byLoop = states
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let state = byLoop[ObjectIdentifier(channel.eventLoop)]?.value else {
                        throw ChannelError.connectTimeout(.seconds(0))
                    }
                    guard state.canAcceptConnection else {
                        state.metrics.connectionRefused(.limit)
                        throw ChannelError.connectTimeout(.seconds(0))
                    }
                    try channel.pipeline.syncOperations.addHandler(DownstreamHandler(loop: state))
                }
            }
            .bind(host: host, port: port).get()
    }

    private init(
        group: MultiThreadedEventLoopGroup, loops: [(any EventLoop, NIOLoopBound<GatewayLoop>)], channel: any Channel,
        operations: GatewayOperations, logger: Logger
    ) {
        self.group = group
        self.loops = loops.map { (loop: $0.0, state: $0.1) }
        self.channel = channel
        self.operations = operations
        self.logger = logger
        port = channel.localAddress?.port ?? 0
        ticks = loops.map { loop, state in
            loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in state.value.tick() }
        }
    }

    /// Exchanges running now, over all loops.
    package func runningExchanges() async -> Int { await sum { $0.runningExchanges } }

    private func busyConnections() async -> Int { await sum { $0.busyConnections } }

    private func sum(_ count: @escaping @Sendable (GatewayLoop) -> Int) async -> Int {
        var total = 0
        for entry in loops {
            let state = entry.state
            total += (try? await entry.loop.submit { count(state.value) }.get()) ?? 0
        }
        return total
    }

    /// Accepts no more, lets running exchanges finish within a limit, then ends what is left.
    ///
    /// - Parameter limitMilliseconds: how long running exchanges may take.
    /// - Returns: how many answers had to be cut.
    package func shutDown(limitMilliseconds: Int64) async -> Int {
        operations.enter(.draining)
        do { try await channel.close() } catch { logger.debug("the listener was closed already") }
        await onEveryLoop { $0.drain() }
        let deadline = NIODeadline.now() + .milliseconds(limitMilliseconds)
        var left = await busyConnections()
        while left > 0, NIODeadline.now() < deadline {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
            left = await busyConnections()
        }
        for task in ticks { task.cancel() }
        await onEveryLoop { $0.closeAll() }
        do { try await group.shutdownGracefully() } catch {
            logger.error("event loops did not stop", metadata: ["error": "\(error)"])
        }
        return left
    }

    private func onEveryLoop(_ work: @escaping @Sendable (GatewayLoop) -> Void) async {
        for entry in loops {
            let state = entry.state
            do { try await entry.loop.submit { work(state.value) }.get() } catch { logger.debug("a loop is gone already") }
        }
    }
}
