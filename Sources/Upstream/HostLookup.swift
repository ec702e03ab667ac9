// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Resolves host names with the system's resolver.
///
/// Blocking: runs on a thread pool, never on a loop.
enum HostLookup {
    /// The numeric addresses of a name, in the system's order of preference, each once.
    ///
    /// - Parameter host: a name or a numeric address.
    /// - Returns: numeric text.
    /// - Throws: `UpstreamError` `nameNotFound`.
    static func addresses(of host: String) throws(UpstreamError) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(host, nil, &hints, &list)
        guard result == 0 else {
            throw UpstreamError(
                .nameNotFound, "the provider's host name cannot be resolved: \(unsafe String(cString: gai_strerror(result)))")
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [String] = []
        var item = unsafe list
        while let entry = unsafe item, found.count < 64 {
            if let text = unsafe numericText(entry.pointee), !found.contains(text) { found.append(text) }
            unsafe item = entry.pointee.ai_next
        }
        guard !found.isEmpty else { throw UpstreamError(.nameNotFound, "the provider's host name has no address") }
        return found
    }

    private static func numericText(_ entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: 256)
        let result = unsafe text.withUnsafeMutableBufferPointer {
            unsafe getnameinfo(entry.ai_addr, entry.ai_addrlen, $0.baseAddress, socklen_t($0.count), nil, 0, NI_NUMERICHOST)
        }
        guard result == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
