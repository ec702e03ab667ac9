// SPDX-License-Identifier: Apache-2.0
import Glibc
package import NIOCore

/// Ends a connection so that the peer sees a reset and not a clean end.
package enum SocketReset {
    /// Sets a zero linger, then closes: the kernel sends RST.
    ///
    /// - Parameter channel: the connection; called on its loop.
    package static func close(_ channel: any Channel) {
        guard let provider = channel as? any SocketOptionProvider else {
            channel.close(promise: nil)
            return
        }
        provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }
}
