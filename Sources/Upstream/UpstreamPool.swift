// SPDX-License-Identifier: Apache-2.0
package import NIOCore

/// The connections of one event loop to all providers.
///
/// World: loop; never shared between loops.
package final class UpstreamPool {
    private let loop: any EventLoop
    private let lookups: HostLookups
    private var context: UpstreamContext
    /// Grows with every reload: connections of an earlier generation serve what they serve and are not kept.
    private var generation = 0
    private var idle: [UpstreamTarget: IdleConnections] = [:]
    private var counts: [UpstreamTarget: Int] = [:]
    private var limits: UpstreamLimits { context.limits }

    /// A pool without connections.
    ///
    /// - Parameters:
    ///   - loop: the loop on which everything here runs.
    ///   - context: trust, proxies, sizes and times.
    package init(loop: any EventLoop, context: UpstreamContext) {
        self.loop = loop
        lookups = HostLookups(loop: loop)
        self.context = context
    }

    /// Takes new settings: idle connections are closed, running attempts end on the connections they have.
    package func apply(_ context: UpstreamContext) {
        self.context = context
        generation += 1
        closeIdle()
    }

    /// The idle connection to a target that was used last, or nil.
    package func takeIdle(_ target: UpstreamTarget) -> UpstreamConnection? {
        idle[target]?.connections.popLast()
    }

    /// Opens a new connection.
    ///
    /// - Parameters:
    ///   - target: where to.
    ///   - completion: called once, on the loop.
    package func connect(_ target: UpstreamTarget, completion: @escaping (Result<UpstreamConnection, UpstreamError>) -> Void) {
        guard counts[target, default: 0] < limits.connectionsPerTarget else {
            completion(.failure(UpstreamError(.tooManyConnections, "too many connections to the provider are open")))
            return
        }
        counts[target, default: 0] += 1
        let counted = { (result: Result<UpstreamConnection, UpstreamError>) in
            if case .failure = result { self.uncount(target) }
            completion(result)
        }
        let (context, generation) = (context, generation)
        UpstreamOpening(target, context: context, loop: loop, lookups: lookups) { result in
            counted(result.flatMap { self.take($0, target, context, generation) })
        }.start()
    }

    private func take(
        _ channel: any Channel, _ target: UpstreamTarget, _ context: UpstreamContext, _ generation: Int
    ) -> Result<UpstreamConnection, UpstreamError> {
        let proxy = context.proxies.proxy(for: target)
        let connection = UpstreamConnection(
            target: target, pool: self, idle: idleConnections(target), generation: generation,
            isBehindPlainProxy: !target.isTLS && !target.demandsPublicAddress && proxy != nil,
            isBehindTLS: target.isTLS || proxy?.isTLS ?? false)
        do {
            guard channel.isActive else { throw ChannelError.eof }
            try channel.pipeline.syncOperations.addHandler(connection)
            return .success(connection)
        } catch {
            channel.close(promise: nil)
            return .failure(UpstreamError(.connectFailed, "the provider closed the connection as it was opened"))
        }
    }

    /// Takes back a connection whose exchange has ended well; false where it has to be closed instead.
    func keep(_ connection: UpstreamConnection) -> Bool {
        guard connection.isOpen, connection.generation == generation else { return false }
        let list = connection.idle
        guard list.connections.count < context.limits.idlePerTarget else { return false }
        connection.idleSince = .now()
        list.connections.append(connection)
        return true
    }

    private func idleConnections(_ target: UpstreamTarget) -> IdleConnections {
        if let known = idle[target] { return known }
        let made = IdleConnections()
        idle[target] = made
        return made
    }

    /// Drops a connection that has closed.
    func forget(_ connection: UpstreamConnection) {
        uncount(connection.target)
        withdraw(connection)
    }

    /// Gives a connection out no more: it is being closed, which takes a while with TLS.
    func withdraw(_ connection: UpstreamConnection) {
        connection.idle.connections.removeAll { $0 === connection }
    }

    /// Closes connections that have been idle for too long; called now and then by the loop's owner.
    package func closeExpired() {
        let deadline = NIODeadline.now() - .milliseconds(limits.idleMilliseconds)
        for connection in allIdle where connection.idleSince < deadline { connection.close() }
    }

    /// Closes every idle connection.
    package func closeIdle() {
        for connection in allIdle { connection.close() }
    }

    private var allIdle: [UpstreamConnection] { idle.values.flatMap(\.connections) }

    /// Connections that are open or being opened.
    package var openCount: Int { counts.values.reduce(0, +) }

    /// Connections that wait for an attempt.
    package var idleCount: Int { idle.values.reduce(0) { $0 + $1.connections.count } }

    private func uncount(_ target: UpstreamTarget) {
        let left = counts[target, default: 1] - 1
        counts[target] = left > 0 ? left : nil
        // With the last connection goes the list: targets that callers name are without number.
        if left <= 0 { idle[target] = nil }
    }
}

/// The connections to one target that wait for an attempt, the one used last at the end.
///
/// World: loop. Every connection to the target holds it, so that none has to be looked up when it comes back.
final class IdleConnections {
    var connections: [UpstreamConnection] = []
}
