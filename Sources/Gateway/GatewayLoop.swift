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

    /// Looks at every deadline; called once a second.
    func tick() {
        let now = NIODeadline.now()
        for handler in handlers.values { handler.checkDeadlines(now) }
        pool.closeExpired()
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
