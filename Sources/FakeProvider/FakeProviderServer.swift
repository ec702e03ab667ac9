// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Certificate and key of a server that speaks TLS.
package struct FakeTLS: Sendable {
    /// A PEM file with the chain, the server's own certificate first.
    package var certificatePath: String
    /// A PEM file with the private key.
    package var keyPath: String

    /// Both files.
    ///
    /// - Parameters:
    ///   - certificatePath: PEM, the chain.
    ///   - keyPath: PEM, the private key.
    package init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }
}

/// A scripted LLM provider on a real socket; its methods may be called from any thread but an event loop's.
///
/// - One server listens once: `start`, then perhaps `stopAccepting`, then `stop`.
/// - Same script and same body: same answer, whatever else is asked at the time.
package final class FakeProviderServer: Sendable {
    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStarted = false
        var isStopped = false
    }

    /// What this server does.
    package let script: FakeProviderScript
    /// The address it listens on.
    package let host: String

    private let wantedPort: Int
    private let tls: FakeTLS?
    private let givenGroup: (any EventLoopGroup)?
    private let ownGroup: MultiThreadedEventLoopGroup?
    private let log = SeenLog()
    private let state = Mutex(State())

    /// Prepares a server; nothing is bound yet.
    ///
    /// - Parameters:
    ///   - script: what to do.
    ///   - host: address to listen on.
    ///   - port: port to listen on; 0 takes any free one.
    ///   - group: event loops to run on; without one the server runs one thread of its own.
    ///   - tls: speaks TLS with this certificate, HTTP/1.1 only; nil speaks plain text.
    package init(
        script: FakeProviderScript = FakeProviderScript(), host: String = "127.0.0.1", port: Int = 0,
        group: (any EventLoopGroup)? = nil, tls: FakeTLS? = nil
    ) {
        self.tls = tls
        self.script = script
        self.host = host
        wantedPort = port
        givenGroup = group
        ownGroup = group == nil ? MultiThreadedEventLoopGroup(numberOfThreads: 1) : nil
    }

    /// Binds and begins to answer; blocks the caller until the port is bound.
    ///
    /// - Returns: the port.
    /// - Throws: `FakeProviderError`: `wrongState` on a second start, `bindFailed` where the address is not to be had,
    ///   `badCertificate` where certificate or key cannot be used.
    package func start() throws -> Int {
        let isFree = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && !state.isStopped
        }
        guard isFree, let group = givenGroup ?? ownGroup else {
            throw FakeProviderError(code: .wrongState, message: "this server was started before; make a new one")
        }
        let context = try tlsContext()
        let listener: any Channel
        do {
            listener = try bootstrap(group, context).bind(host: host, port: wantedPort).wait()
        } catch {
            throw FakeProviderError(
                code: .bindFailed, message: "cannot listen on \(host):\(wantedPort) (\(error)); choose another port or 0")
        }
        state.withLock { $0.listener = listener }
        return listener.localAddress?.port ?? wantedPort
    }

    private func tlsContext() throws -> NIOSSLContext? {
        guard let tls else { return nil }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificatePath).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: tls.keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw FakeProviderError(
                code: .badCertificate,
                message: "certificate or key cannot be used (\(error)); give PEM files that belong together")
        }
    }

    private func bootstrap(_ group: any EventLoopGroup, _ tls: NIOSSLContext?) -> ServerBootstrap {
        let planner = AnswerPlanner(script: script)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: FakeProviderLimits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard keep(channel) else { throw ChannelError.alreadyClosed }
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    let decoder = ServerHandler.Decoder(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
                    try pipeline.addHandler(decoder)
                    try pipeline.addHandler(ServerHandler(planner: planner, log: log, decoder: decoder))
                }
            }
    }

    /// Keeps a connection for `stop`; refuses it after that.
    private func keep(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let isKept = state.withLock { state in
            guard !state.isStopped else { return false }
            state.connections[id] = channel
            return true
        }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { state in _ = state.connections.removeValue(forKey: id) }
        }
        return isKept
    }

    /// Closes the listening socket; connections that exist go on being answered.
    package func stopAccepting() {
        let listener = state.withLock { state -> (any Channel)? in
            defer { state.listener = nil }
            return state.listener
        }
        try? listener?.close().wait()
    }

    /// Closes everything and ends the server's own thread; safe to call twice.
    package func stop() {
        stopAccepting()
        let connections = state.withLock { state in
            state.isStopped = true
            return Array(state.connections.values)
        }
        for channel in connections { try? channel.close().wait() }
        try? ownGroup?.syncShutdownGracefully()
    }

    /// The last requests, oldest first; at most `FakeProviderLimits.seenRequests`.
    ///
    /// - Returns: copies; answers still running show as not answered.
    package func seen() -> [SeenRequest] { log.all() }

    /// What has been counted since the start.
    ///
    /// - Returns: a snapshot.
    package func counts() -> FakeProviderCounts { log.counts() }
}
