// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import NIOSSL

/// Opens one connection to a target: resolves, connects, passes a proxy where one stands in the way, and shakes hands over TLS.
///
/// World: loop. Each step has a deadline; the first failure is the last, but for addresses, which are tried in their order.
///
/// A target that a caller named is resolved here, also on the way through a proxy: the addresses are checked, and the proxy is asked
/// for the checked address and never for the name.
final class UpstreamOpening {
    private let target: UpstreamTarget
    private let context: UpstreamContext
    private let loop: any EventLoop
    private let lookups: HostLookups
    private let proxy: ProxyAddress?
    /// `HOST:PORT` that a proxy is asked for.
    private var tunnelAuthority: String
    private var completion: ((Result<any Channel, UpstreamError>) -> Void)?

    /// - Parameters:
    ///   - target: where to.
    ///   - context: trust, proxies and limits.
    ///   - loop: on which everything runs.
    ///   - lookups: of that loop.
    ///   - completion: called once, on the loop, with a channel on which nobody reads yet.
    init(
        _ target: UpstreamTarget, context: UpstreamContext, loop: any EventLoop, lookups: HostLookups,
        completion: @escaping (Result<any Channel, UpstreamError>) -> Void
    ) {
        self.target = target
        self.context = context
        self.loop = loop
        self.lookups = lookups
        self.completion = completion
        proxy = context.proxies.proxy(for: target)
        tunnelAuthority = UpstreamOpening.authority(target.host, target.port)
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private func fail(_ error: UpstreamError) { end(.failure(error)) }

    private func end(_ result: Result<any Channel, UpstreamError>) {
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }

    // MARK: Addresses

    func start() {
        guard proxy == nil || target.demandsPublicAddress else { return connectToProxy() }
        let source: HostLookups.Source = target.demandsPublicAddress ? .callerNamed : .operatorNamed
        lookups.addresses(of: target.host, from: source, limits: context.limits) { result in
            do throws(UpstreamError) {
                let allowed = try self.allowed(result.get())
                guard self.proxy == nil else {
                    guard let first = allowed.first else { throw UpstreamError(.connectFailed, "no address to connect to") }
                    self.tunnelAuthority = UpstreamOpening.authority(first, self.target.port)
                    return self.connectToProxy()
                }
                self.tryAddresses(allowed.prefix(self.context.limits.addressesTried), port: self.target.port, last: nil)
            } catch {
                self.fail(error)
            }
        }
    }

    /// The addresses that may be connected to: those checked here are the ones connected to, so a name cannot change in between.
    private func allowed(_ addresses: [String]) throws(UpstreamError) -> [String] {
        guard target.demandsPublicAddress else { return addresses }
        let allowed = addresses.filter(AddressPolicy.isPublic)
        guard !allowed.isEmpty, !AddressPolicy.isDisguised(target.host) else {
            throw UpstreamError(.addressNotAllowed, "the address is private, loopback, link-local or otherwise special")
        }
        return allowed
    }

    private func connectToProxy() {
        guard let proxy else { return }
        lookups.addresses(of: proxy.host, from: .operatorNamed, limits: context.limits) { result in
            switch result {
            case .success(let addresses):
                self.tryAddresses(addresses.prefix(self.context.limits.addressesTried), port: proxy.port, last: nil)
            case .failure(let error):
                self.fail(UpstreamError(error.code, "the proxy \(proxy): its host name cannot be resolved"))
            }
        }
    }

    private func tryAddresses(_ addresses: ArraySlice<String>, port: Int, last: (any Error)?) {
        guard let address = addresses.first else {
            let whom = proxy.map { "the proxy \($0)" } ?? "the provider"
            return fail(
                last.map { UpstreamFailure.named($0, to: whom) } ?? UpstreamError(.connectFailed, "no address to connect to"))
        }
        let socketAddress: SocketAddress
        do { socketAddress = try SocketAddress(ipAddress: address, port: port) } catch {
            return tryAddresses(addresses.dropFirst(), port: port, last: error)
        }
        ClientBootstrap(group: loop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connectTimeout(.milliseconds(context.limits.connectMilliseconds))
            .connect(to: socketAddress)
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel)
                case .failure(let error): self.tryAddresses(addresses.dropFirst(), port: port, last: error)
                }
            }
    }

    // MARK: Layers

    private func connected(_ channel: any Channel) {
        guard let proxy else { return secure(channel) }
        guard proxy.isTLS else { return passProxy(channel, proxy) }
        shakeHands(channel, with: "the proxy \(proxy)", host: proxy.host, isBehindProxy: false) { self.passProxy(channel, proxy) }
    }

    private func passProxy(_ channel: any Channel, _ proxy: ProxyAddress) {
        guard target.isTLS || target.demandsPublicAddress else {
            return add(ProxyRequestLine(target: target, proxy: proxy), to: channel) { self.end(.success(channel)) }
        }
        let tunnel = ProxyTunnel(proxy: proxy, authority: tunnelAuthority, milliseconds: context.limits.proxyMilliseconds) {
            result in
            switch result {
            case .success: self.secure(channel)
            case .failure(let error): self.fail(error)
            }
        }
        add(tunnel, to: channel) {}
    }

    private func secure(_ channel: any Channel) {
        guard target.isTLS else { return end(.success(channel)) }
        shakeHands(channel, with: "the provider", host: target.host, isBehindProxy: proxy != nil) { self.end(.success(channel)) }
    }

    private func shakeHands(
        _ channel: any Channel, with whom: String, host: String, isBehindProxy: Bool, then next: @escaping () -> Void
    ) {
        let handshake = UpstreamHandshake(with: whom, milliseconds: context.limits.handshakeMilliseconds) { result in
            switch result {
            case .success: next()
            case .failure(let error): self.fail(error)
            }
        }
        do {
            // First the one that waits, then TLS below it: the handshake begins as TLS is added.
            let pipeline = channel.pipeline.syncOperations
            let tls = try makeTLS(host: host, isBehindProxy: isBehindProxy)
            try pipeline.addHandler(SocketCloser(), position: .first)
            try pipeline.addHandler(handshake)
            try pipeline.addHandler(tls, position: .before(handshake))
        } catch {
            channel.close(promise: nil)
            fail(UpstreamError(.tlsFailed, "TLS with \(whom) cannot be begun: the host name cannot be used"))
        }
    }

    /// TLS for a name checks the certificate for it, for a numeric address the address: that of the socket, or behind a proxy the target's.
    private func makeTLS(host: String, isBehindProxy: Bool) throws -> NIOSSLClientHandler {
        guard AddressPolicy.isNumeric(host) else { return try NIOSSLClientHandler(context: context.tls, serverHostname: host) }
        guard isBehindProxy, let tlsByAddress = context.tlsByAddress else {
            return try NIOSSLClientHandler(context: context.tls, serverHostname: nil)
        }
        return try NIOSSLClientHandler._makeSSLClientHandler(context: tlsByAddress, serverHostname: nil) {
            certificate, channel in
            CertificateAddress.check(certificate, is: host, on: channel.eventLoop)
        }
    }

    private func add(_ handler: some ChannelHandler, to channel: any Channel, then next: () -> Void) {
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
            next()
        } catch {
            channel.close(promise: nil)
            fail(UpstreamError(.connectFailed, "the connection closed as it was opened"))
        }
    }
}
