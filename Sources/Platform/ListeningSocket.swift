// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A bound and listening TCP socket that outlives the server on it, so that it can be handed to another process.
///
/// The kernel's queue of connections belongs to the socket: as long as one process holds it, no caller is refused.
package final class ListeningSocket: Sendable {
    /// Owned by this object; closed with its last reference.
    package let descriptor: Int32

    /// Takes over a socket that another process has bound.
    package init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Binds and listens.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address without brackets.
    ///   - port: 0 for any.
    /// - Throws: `PlatformError` with the address as its path.
    package convenience init(host: String, port: Int) throws(PlatformError) {
        let place = "\(host):\(port)"
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &list) == 0, let first = unsafe list else {
            throw PlatformError(errno: EADDRNOTAVAIL, operation: "resolve", path: place)
        }
        defer { unsafe freeaddrinfo(list) }
        let made = unsafe socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw PlatformError(errno: errno, operation: "socket", path: place) }
        var on: Int32 = 1
        unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let isBound = unsafe bind(made, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0
        guard isBound, listen(made, PlatformLimits.listenBacklog) == 0 else {
            let number = errno
            close(made)
            throw PlatformError(errno: number, operation: isBound ? "listen" : "bind", path: place)
        }
        self.init(adopting: made)
    }

    deinit { close(descriptor) }

    /// The port it is bound to; 0 for what has none.
    package var port: Int {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { place in
            let isKnown = unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &size) == 0
            }
            guard isKnown else { return 0 }
            // Both families hold the port in the two bytes after the family.
            return unsafe place.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe Int(UInt16(bigEndian: $0.pointee.sin_port))
            }
        }
    }

    /// The address it is bound to; nil for a socket of another family than IPv4 and IPv6.
    package var address: BoundAddress? { BoundAddress.of(descriptor, port: port) }

    /// Another descriptor of the same socket, for a server that closes what it is given; not inherited by other programs.
    package func duplicate() throws(PlatformError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw PlatformError(errno: errno, operation: "dup", path: "") }
        return copy
    }
}
