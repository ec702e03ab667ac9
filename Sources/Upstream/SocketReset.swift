// SPDX-License-Identifier: Apache-2.0
import Glibc
package import NIOCore

/// Ends a connection so that the peer sees a reset and not a clean end.
package enum SocketReset {
    /// Goes through the pipeline: whoever stands next to the socket closes it without the farewell of the protocols above.
    package struct Wanted: Sendable {}

    /// Sets a zero linger, then closes below TLS: the kernel sends RST.
    ///
    /// A stream of a connection is reset instead.
    ///
    /// - Parameter channel: the connection; called on its loop.
    package static func close(_ channel: any Channel) {
        guard let provider = channel as? any SocketOptionProvider else { return closeSocket(channel) }
        provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in closeSocket(channel) }
    }

    /// Closes below TLS, at once: no farewell is waited for.
    ///
    /// - Parameter channel: the connection; called on its loop.
    package static func closeSocket(_ channel: any Channel) {
        channel.triggerUserOutboundEvent(Wanted()).whenFailure { _ in channel.close(promise: nil) }
    }
}

/// Stands next to the socket of a connection to a provider that speaks TLS, and closes it where its user wants no farewell.
///
/// World: loop.
final class SocketCloser: ChannelOutboundHandler {
    typealias OutboundIn = IOData

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is SocketReset.Wanted {
            context.close(promise: promise)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }
}
