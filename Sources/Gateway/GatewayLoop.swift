// SPDX-License-Identifier: Apache-2.0
import Capture
import Logging
import NIOCore
import NIOSSL
import Upstream

/// Everything that one event loop shares among its connections.
///
/// World: loop.
final class GatewayLoop {
    private(set) var router: Router
    private(set) var limits: GatewayLimits
    let pool: UpstreamPool
    let flushes: FlushQueue
    let lane: CaptureLane
    let metrics: GatewayMetrics
    let operations: GatewayOperations
    let logger: Logger
    /// By the number of the listener; nil for plain HTTP.
    var listenerTLS: [NIOSSLContext?]
    var counters = ListenerCounters()
    /// Answers carry `Connection: close` from now on.
    private(set) var isDraining = false
    /// New exchanges are refused: draining, unless another process has taken the listener over.
    private(set) var refusesExchanges = false
    private(set) var runningExchanges = 0
    let routeFacts = RouteFactsCache()
    /// Bytes of request bodies that are held because Weir signs them, makes them ask for usage, or takes them itself.
    private var heldBytes = 0
    private var handlers: [ObjectIdentifier: DownstreamHandler] = [:]
    /// Exchanges whose callers have gone, read on so that their usage is known.
    private var draining: [ObjectIdentifier: Exchange] = [:]
    private var connections: [ObjectIdentifier: ListenerConnection] = [:]
    private var connectionsByAddress: [String: Int] = [:]

    init(
        settings: GatewaySettings, listenerTLS: [NIOSSLContext?], pool: UpstreamPool, flushes: FlushQueue, lane: CaptureLane,
        metrics: GatewayMetrics, operations: GatewayOperations, logger: Logger
    ) {
        self.flushes = flushes
        router = settings.router
        limits = settings.limits
        self.listenerTLS = listenerTLS
        self.pool = pool
        self.lane = lane
        self.metrics = metrics
        self.operations = operations
        self.logger = logger
    }

    /// Takes new settings: exchanges that begin from now on use them.
    func apply(_ settings: GatewaySettings, upstream: UpstreamContext) {
        router = settings.router
        limits = settings.limits
        pool.apply(upstream)
    }

    // MARK: Connections

    /// Counts a connection in, or names why it is refused.
    func admit(_ connection: ListenerConnection) throws(ListenerRefusal) {
        let address = connection.address
        if connections.count >= limits.connectionsPerLoop { throw refused(.tooManyConnections) }
        if let address, connectionsByAddress[address, default: 0] >= limits.listener.connectionsPerAddress {
            throw refused(.tooManyOfAddress)
        }
        connections[ObjectIdentifier(connection)] = connection
        if let address { connectionsByAddress[address, default: 0] += 1 }
        counters.accepted += 1
        metrics.connectionOpened()
    }

    private func refused(_ refusal: ListenerRefusal) -> ListenerRefusal {
        switch refusal {
        case .tooManyConnections:
            counters.refusedForTotal += 1
            metrics.connectionRefused(.limit)
        case .tooManyOfAddress:
            counters.refusedForAddress += 1
            metrics.connectionRefused(.addressLimit)
        }
        return refusal
    }

    func forget(_ connection: ListenerConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        metrics.connectionClosed()
        guard let address = connection.address else { return }
        let left = connectionsByAddress[address, default: 1] - 1
        connectionsByAddress[address] = left > 0 ? left : nil
    }

    func add(_ handler: DownstreamHandler) {
        handlers[ObjectIdentifier(handler)] = handler
    }

    func remove(_ handler: DownstreamHandler) {
        handlers[ObjectIdentifier(handler)] = nil
    }

    func exchangeBegan() {
        runningExchanges += 1
        metrics.began()
    }

    func exchangeEnded() { runningExchanges -= 1 }

    /// Counts bytes that are to be held; false where the loop holds too many already.
    func holds(_ count: Int) -> Bool {
        guard heldBytes + count <= limits.signedBytesPerLoop else { return false }
        heldBytes += count
        return true
    }

    func holdsNoMore(_ count: Int) { heldBytes -= count }

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
        for connection in connections.values { connection.checkDeadlines(now) }
        pool.closeExpired()
        metrics.pool(open: pool.openCount, idle: pool.idleCount)
    }

    /// Connections with an exchange, or with answer bytes that have not left yet.
    var busyConnections: Int { handlers.values.count { $0.isBusy } + draining.count }

    /// Connections that still have something to say; a stream that runs counts for its connection too.
    var unsettledConnections: Int { busyConnections + connections.values.count { $0.isUnsettled } }

    /// Connections that were told to go away and have not confirmed it yet.
    var partingConnections: Int { connections.values.count { $0.speaksHTTP2 } }

    /// Connections of callers.
    var openConnections: Int { connections.count }

    // MARK: Ending

    /// Lets running exchanges finish.
    ///
    /// - Parameter isHandedOver: another process accepts now: a connection that this one has accepted is still served once, and
    ///   idle ones are closed by the tick when they have been quiet for a moment.
    func drain(isHandedOver: Bool) {
        isDraining = true
        refusesExchanges = !isHandedOver
        if isHandedOver {
            limits.keepAliveMilliseconds = min(limits.keepAliveMilliseconds, limits.listener.handOverIdleMilliseconds)
        } else {
            for handler in handlers.values { handler.closeIfIdle() }
        }
        for connection in connections.values { connection.drain() }
        pool.closeIdle()
    }

    /// Ends what is still running.
    func closeAll() {
        for handler in handlers.values { handler.cut() }
        for exchange in draining.values { exchange.fail(Fault(.draining, "Weir has shut down before the answer was over")) }
        for connection in connections.values { connection.close() }
        pool.closeIdle()
    }
}
