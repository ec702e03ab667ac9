// SPDX-License-Identifier: Apache-2.0
package import NIOCore
import NIOPosix
import NIOSSL

/// The connections of one event loop to all providers.
///
/// World: loop; never shared between loops.
package final class UpstreamPool {
    private let loop: any EventLoop
    private var context: UpstreamContext
    /// Grows with every reload: connections of an earlier generation serve what they serve and are not kept.
    private var generation = 0
    private var idle: [UpstreamTarget: [UpstreamConnection]] = [:]
    private var counts: [UpstreamTarget: Int] = [:]
    private var limits: UpstreamLimits { context.limits }

    /// A pool without connections.
    ///
    /// - Parameters:
    ///   - loop: the loop on which everything here runs.
    ///   - context: trust, proxies, sizes and times.
    package init(loop: any EventLoop, context: UpstreamContext) {
        self.loop = loop
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
        idle[target]?.popLast()
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
        addresses(of: target).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses): self.tryAddresses(addresses[...], target, last: nil, completion: counted)
            case .failure(let error): counted(.failure(UpstreamPool.upstreamError(error)))
            }
        }
    }

    /// Takes back a connection whose exchange has ended well; false where it has to be closed instead.
    func keep(_ connection: UpstreamConnection) -> Bool {
        guard connection.isOpen, connection.generation == generation,
            idle[connection.target, default: []].count < limits.idlePerTarget
        else { return false }
        connection.idleSince = .now()
        idle[connection.target, default: []].append(connection)
        return true
    }

    /// Drops a connection that has closed.
    func forget(_ connection: UpstreamConnection) {
        uncount(connection.target)
        withdraw(connection)
    }

    /// Gives a connection out no more: it is being closed, which takes a while with TLS.
    func withdraw(_ connection: UpstreamConnection) {
        idle[connection.target]?.removeAll { $0 === connection }
        if idle[connection.target]?.isEmpty == true { idle[connection.target] = nil }
    }

    /// Closes connections that have been idle for too long; called now and then by the loop's owner.
    package func closeExpired() {
        let deadline = NIODeadline.now() - .milliseconds(limits.idleMilliseconds)
        for connection in idle.values.joined() where connection.idleSince < deadline { connection.close() }
    }

    /// Closes every idle connection.
    package func closeIdle() {
        for connection in idle.values.joined() { connection.close() }
    }

    /// Connections that are open or being opened.
    package var openCount: Int { counts.values.reduce(0, +) }

    /// Connections that wait for an attempt.
    package var idleCount: Int { idle.values.reduce(0) { $0 + $1.count } }

    private func uncount(_ target: UpstreamTarget) {
        let left = counts[target, default: 1] - 1
        counts[target] = left > 0 ? left : nil
    }

    private func addresses(of target: UpstreamTarget) -> EventLoopFuture<[String]> {
        if AddressPolicy.isNumeric(target.host) {
            return loop.makeCompletedFuture(Result { try UpstreamPool.allowed([target.host], for: target) })
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try UpstreamPool.allowed(HostLookup.addresses(of: target.host), for: target)
        }
    }

    /// The addresses that may be connected to: those checked here are the ones connected to, so a name cannot change in between.
    private static func allowed(_ addresses: [String], for target: UpstreamTarget) throws(UpstreamError) -> [String] {
        guard target.demandsPublicAddress else { return addresses }
        let allowed = addresses.filter(AddressPolicy.isPublic)
        guard !allowed.isEmpty, !AddressPolicy.isDisguised(target.host) else {
            throw UpstreamError(.addressNotAllowed, "the address is private, loopback, link-local or otherwise special")
        }
        return allowed
    }

    private func tryAddresses(
        _ addresses: ArraySlice<String>, _ target: UpstreamTarget, last: (any Error)?,
        completion: @escaping (Result<UpstreamConnection, UpstreamError>) -> Void
    ) {
        guard let address = addresses.first else {
            return completion(
                .failure(last.map(UpstreamPool.upstreamError) ?? UpstreamError(.connectFailed, "no address to connect to")))
        }
        open(address, target).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let connection):
                completion(.success(connection.value))
            case .failure(let error):
                let rest = addresses.dropFirst().prefix(self.limits.addressesTried - 1)
                self.tryAddresses(rest, target, last: error, completion: completion)
            }
        }
    }

    private func open(_ address: String, _ target: UpstreamTarget) -> EventLoopFuture<NIOLoopBound<UpstreamConnection>> {
        do {
            let socketAddress = try SocketAddress(ipAddress: address, port: target.port)
            let connection = NIOLoopBound(UpstreamConnection(target: target, pool: self, generation: generation), eventLoop: loop)
            let tls = context.tls
            return ClientBootstrap(group: loop)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .connectTimeout(.milliseconds(limits.connectMilliseconds))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if target.isTLS {
                            let serverName = AddressPolicy.isNumeric(target.host) ? nil : target.host
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: tls, serverHostname: serverName))
                        }
                        try channel.pipeline.syncOperations.addHandler(connection.value)
                    }
                }
                .connect(to: socketAddress)
                .map { _ in connection }
        } catch {
            return loop.makeFailedFuture(UpstreamError(.connectFailed, "not an address: \(error)"))
        }
    }

    private static func upstreamError(_ error: any Error) -> UpstreamError {
        if let known = error as? UpstreamError { return known }
        if let channel = error as? ChannelError, case .connectTimeout = channel {
            return UpstreamError(.connectTimedOut, "the provider did not accept a connection in time")
        }
        if let io = error as? IOError {
            return UpstreamError(.connectFailed, "cannot connect to the provider: errno \(io.errnoCode)")
        }
        return UpstreamError(.connectFailed, "cannot connect to the provider: \(type(of: error))")
    }
}
