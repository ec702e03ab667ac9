// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOTLS

/// Waits for the end of a caller's TLS handshake and then puts the handlers of the agreed protocol in its own place.
///
/// World: loop.
final class ListenerTLSGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let loop: GatewayLoop
    private let connection: ListenerConnection

    init(loop: GatewayLoop, connection: ListenerConnection) {
        self.loop = loop
        self.connection = connection
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        connection.handshakeEnded()
        do {
            if negotiated == "h2" {
                try HTTP2Pipeline.build(context.channel, loop: loop, connection: connection)
            } else {
                try context.channel.pipeline.syncOperations.addHandler(DownstreamHandler(loop: loop))
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            loop.logger.error("a connection could not be set up", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        }
    }

    /// The handshake failed: no certificate in common, plain HTTP, or the caller went away.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if connection.isInHandshake {
            connection.handshakeEnded()
            loop.counters.tlsFailures += 1
            loop.metrics.connectionRefused(.tls)
        }
        context.close(promise: nil)
    }
}
