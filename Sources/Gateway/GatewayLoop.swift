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
    let logger: Logger
    private(set) var isDraining = false
    private(set) var runningExchanges = 0
    private var handlers: [ObjectIdentifier: DownstreamHandler] = [:]
    /// Exchanges whose callers have gone, read on so that their usage is known.
    private var draining: [ObjectIdentifier: Exchange] = [:]

    init(router: Router, limits: GatewayLimits, pool: UpstreamPool, lane: CaptureLane, logger: Logger) {
        self.router = router
        self.limits = limits
        self.pool = pool
        self.lane = lane
        self.logger = logger
    }

    var canAcceptConnection: Bool { handlers.count < limits.connectionsPerLoop }

    func add(_ handler: DownstreamHandler) { handlers[ObjectIdentifier(handler)] = handler }
    func remove(_ handler: DownstreamHandler) { handlers[ObjectIdentifier(handler)] = nil }

    func exchangeBegan() { runningExchanges += 1 }
    func exchangeEnded() { runningExchanges -= 1 }

    func beganDraining(_ exchange: Exchange) {
        draining[ObjectIdentifier(exchange)] = exchange
        runningExchanges += 1
    }

    func endedDraining(_ exchange: Exchange) {
        guard draining.removeValue(forKey: ObjectIdentifier(exchange)) != nil else { return }
        runningExchanges -= 1
    }

    /// Looks at every deadline; called once a second.
    func tick() {
        let now = NIODeadline.now()
        for handler in handlers.values { handler.checkDeadlines(now) }
        for exchange in draining.values { exchange.checkDeadline(now) }
        pool.closeExpired()
    }

    /// Connections with an exchange, or with answer bytes that have not left yet.
    var busyConnections: Int { handlers.values.count { $0.isBusy } + draining.count }

    /// Lets running exchanges finish and begins no more.
    func drain() {
        isDraining = true
        for handler in handlers.values { handler.closeIfIdle() }
        pool.closeIdle()
    }

    /// Ends what is still running.
    func closeAll() {
        for handler in handlers.values { handler.cut() }
        for exchange in draining.values { exchange.fail(Fault(.draining, "Weir has shut down before the answer was over")) }
        pool.closeIdle()
    }
}
