// SPDX-License-Identifier: Apache-2.0
import Capture
import Logging
import NIOCore
import Upstream

/// Everything that one event loop shares among its connections.
///
/// World: loop.
final class GatewayLoop {
    let router: Router
    let limits: GatewayLimits
    let pool: UpstreamPool
    let lane: CaptureLane
    let metrics: GatewayMetrics
    let operations: GatewayOperations
    let logger: Logger
    private(set) var isDraining = false
    private(set) var runningExchanges = 0
    private var handlers: [ObjectIdentifier: DownstreamHandler] = [:]

    init(
        router: Router, limits: GatewayLimits, pool: UpstreamPool, lane: CaptureLane, metrics: GatewayMetrics,
        operations: GatewayOperations, logger: Logger
    ) {
        self.router = router
        self.limits = limits
        self.pool = pool
        self.lane = lane
        self.metrics = metrics
        self.operations = operations
        self.logger = logger
    }

    var canAcceptConnection: Bool { handlers.count < limits.connectionsPerLoop }

    func add(_ handler: DownstreamHandler) {
        handlers[ObjectIdentifier(handler)] = handler
        metrics.connectionOpened()
    }

    func remove(_ handler: DownstreamHandler) {
        guard handlers.removeValue(forKey: ObjectIdentifier(handler)) != nil else { return }
        metrics.connectionClosed()
    }

    func exchangeBegan() {
        runningExchanges += 1
        metrics.began()
    }

    func exchangeEnded() { runningExchanges -= 1 }

    /// Looks at every deadline; called once a second.
    func tick() {
        let now = NIODeadline.now()
        for handler in handlers.values { handler.checkDeadlines(now) }
        pool.closeExpired()
        metrics.pool(open: pool.openCount, idle: pool.idleCount)
    }

    /// Connections with an exchange, or with answer bytes that have not left yet.
    var busyConnections: Int { handlers.values.count { $0.isBusy } }

    /// Lets running exchanges finish and begins no more.
    func drain() {
        isDraining = true
        for handler in handlers.values { handler.closeIfIdle() }
        pool.closeIdle()
    }

    /// Ends what is still running.
    func closeAll() {
        for handler in handlers.values { handler.cut() }
        pool.closeIdle()
    }
}
