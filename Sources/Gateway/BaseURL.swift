// SPDX-License-Identifier: Apache-2.0

/// A provider's base URL: scheme, host, port and a path without a trailing slash.
package struct BaseURL: Hashable, Sendable {
    /// Whether the scheme is https.
    package let isTLS: Bool
    /// Lower case, without brackets.
    package let host: String
    /// The port, the scheme's own where none is written.
    package let port: Int
    /// Empty, or begins with a slash.
    package let path: String
    /// What goes into `Host`: brackets where needed, the port unless it is the scheme's own.
    package let authority: String

    /// Reads an absolute http or https URL without user, query or fragment.
    ///
    /// - Parameter text: the URL.
    /// - Throws: `Fault` `badControlHeader`; the message does not repeat the text.
    package init(_ text: String) throws(Fault) {
        let bytes = Array(text.utf8)
        let lowered = text.lowercased()
        let schemeLength: Int
        if lowered.hasPrefix("https://") {
            schemeLength = 8
        } else if lowered.hasPrefix("http://") {
            schemeLength = 7
        } else {
            throw BaseURL.fault("must begin with https:// or http://")
        }
        isTLS = schemeLength == 8
        let rest = bytes[schemeLength...]
        for byte in rest where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") {
            throw BaseURL.fault("may hold visible ASCII characters only")
        }
        if rest.contains(UInt8(ascii: "?")) || rest.contains(UInt8(ascii: "#")) {
            throw BaseURL.fault("may have no query and no fragment")
        }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = rest[..<slash]
        if authority.contains(UInt8(ascii: "@")) { throw BaseURL.fault("may hold no user name or password") }
        (host, port) = try BaseURL.hostAndPort(authority, defaultPort: isTLS ? 443 : 80)
        var path = rest[slash...]
        while path.last == UInt8(ascii: "/") { path = path.dropLast() }
        self.path = String(decoding: path, as: UTF8.self)
        let shownHost = host.contains(":") ? "[\(host)]" : host
        self.authority = port == (isTLS ? 443 : 80) ? shownHost : "\(shownHost):\(port)"
    }

    private static func fault(_ rule: String) -> Fault { Fault(.badControlHeader, "the provider URL \(rule)") }

    private static func hostAndPort(_ authority: ArraySlice<UInt8>, defaultPort: Int) throws(Fault) -> (String, Int) {
        var hostBytes = authority
        var portBytes: ArraySlice<UInt8>?
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { throw fault("has an unclosed bracket") }
            hostBytes = authority[(authority.startIndex + 1)..<close]
            let after = authority[(close + 1)...]
            guard after.isEmpty || after.first == UInt8(ascii: ":") else { throw fault("has text after the bracket") }
            portBytes = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = authority.lastIndex(of: UInt8(ascii: ":")) {
            hostBytes = authority[..<colon]
            portBytes = authority[(colon + 1)...]
        }
        let isBracketed = authority.first == UInt8(ascii: "[")
        if isBracketed, !hostBytes.contains(UInt8(ascii: ":")) { throw fault("has brackets around what is no IPv6 address") }
        guard !hostBytes.isEmpty, hostBytes.count <= 253, hostBytes.allSatisfy({ isHostByte($0, inBrackets: isBracketed) }) else {
            throw fault("needs a host name")
        }
        let host = String(decoding: hostBytes, as: UTF8.self).lowercased()
        guard let portBytes else { return (host, defaultPort) }
        guard let port = Int(String(decoding: portBytes, as: UTF8.self)), port > 0, port < 65_536,
            portBytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { throw fault("has a bad port") }
        return (host, port)
    }

    private static func isHostByte(_ byte: UInt8, inBrackets: Bool) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        case UInt8(ascii: ":"), UInt8(ascii: "%"): inBrackets
        default: false
        }
    }

    /// Scheme and authority, as in `https://api.example.com`.
    package var origin: String { (isTLS ? "https://" : "http://") + authority }

    /// Joins a request path (`contract.md`, How base URL and request path join).
    ///
    /// - Parameter requestPath: begins with a slash; nothing in it is normalised.
    /// - Returns: the path for the provider.
    package func join(_ requestPath: ArraySlice<UInt8>) -> [UInt8] {
        guard !path.isEmpty else { return Array(requestPath) }
        let base = Array(path.utf8)
        if requestPath.starts(with: base) {
            let after = requestPath.dropFirst(base.count)
            if after.isEmpty || after.first == UInt8(ascii: "/") { return Array(requestPath) }
        }
        if requestPath.starts(with: "/v1/".utf8) { return base + requestPath.dropFirst(3) }
        return base + requestPath
    }
}
