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
        guard let provider = channel as? any SocketOptionProvider else { return end(channel) }
        provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in end(channel) }
    }

    private static func end(_ channel: any Channel) {
        channel.triggerUserOutboundEvent(Wanted()).whenFailure { _ in channel.close(promise: nil) }
    }
}
