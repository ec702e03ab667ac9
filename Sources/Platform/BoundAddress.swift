// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A numeric address and port that a socket is bound to.
package struct BoundAddress: Sendable, Equatable, CustomStringConvertible {
    /// Numeric, without brackets; an IPv4 address that is written as IPv6 is shown as IPv4.
    package let host: String
    /// The port.
    package let port: Int

    /// An address from its parts.
    package init(host: String, port: Int) {
        self.host = host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
        self.port = port
    }

    /// Whether it stands for every address of the machine.
    package var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    /// As `HOST:PORT`, an IPv6 address in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// What a host to listen on stands for; blocks where it is a name.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address without brackets.
    ///   - port: of every address.
    /// - Returns: none where the resolver knows none.
    package static func all(ofHost host: String, port: Int) -> [BoundAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [BoundAddress] = []
        var item = unsafe list
        while let entry = unsafe item, found.count < 64 {
            if let text = unsafe numeric(entry.pointee.ai_addr, entry.pointee.ai_addrlen) {
                found.append(BoundAddress(host: text, port: port))
            }
            unsafe item = entry.pointee.ai_next
        }
        return found
    }

    /// The address of a socket, or nil for one of another family than IPv4 and IPv6.
    static func of(_ descriptor: Int32, port: Int) -> BoundAddress? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var text: String?
        unsafe withUnsafeMutablePointer(to: &address) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard unsafe getsockname(descriptor, raw, &size) == 0 else { return }
                let family = unsafe Int32(raw.pointee.sa_family)
                guard family == AF_INET || family == AF_INET6 else { return }
                text = unsafe numeric(raw, size)
            }
        }
        return text.map { BoundAddress(host: $0, port: port) }
    }

    private static func numeric(_ address: UnsafePointer<sockaddr>?, _ size: socklen_t) -> String? {
        var text = [CChar](repeating: 0, count: 256)
        let result = unsafe text.withUnsafeMutableBufferPointer {
            unsafe getnameinfo(address, size, $0.baseAddress, socklen_t($0.count), nil, 0, NI_NUMERICHOST)
        }
        guard result == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
