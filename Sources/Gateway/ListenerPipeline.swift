// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOSSL

/// Puts the handlers of a caller's new connection in their places.
enum ListenerPipeline {
    /// Builds the pipeline; called on the connection's loop.
    ///
    /// - Parameters:
    ///   - channel: the new connection.
    ///   - loop: the state of its loop.
    ///   - listener: the number of the listener that accepted it.
    /// - Throws: `ListenerRefusal` where the connection is over a limit, another error where it has closed meanwhile; either closes it.
    static func build(_ channel: any Channel, loop: GatewayLoop, listener: Int) throws {
        let pipeline = channel.pipeline.syncOperations
        let tls = loop.listenerTLS[listener]
        let connection = ListenerConnection(channel, loop: loop, speaksTLS: tls != nil)
        try connection.begin()
        guard let tls, let edge = connection.edge else { return try pipeline.addHandler(DownstreamHandler(loop: loop)) }
        try pipeline.addHandler(edge)
        try pipeline.addHandler(NIOSSLServerHandler(context: tls))
        try pipeline.addHandler(ListenerTLSGate(loop: loop, connection: connection))
    }

    /// Bytes of a connection that have not reached the kernel; none for a stream, whose connection is asked for its open streams.
    static func unsentBytes(_ channel: any Channel) -> Int {
        // A stream's channel ends the process when it is asked for an option that it does not know.
        guard channel is any SocketOptionProvider else { return 0 }
        do { return try channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0 } catch { return 0 }
    }
}
