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
    package init(_ text: String) throws(Fault) { try self.init(bytes: Array(text.utf8)[...]) }

    /// Reads an absolute http or https URL without user, query or fragment.
    ///
    /// - Parameter bytes: the URL.
    /// - Throws: `Fault` `badControlHeader`; the message does not repeat the text.
    package init(bytes: ArraySlice<UInt8>) throws(Fault) {
        let scheme = try BaseURL.scheme(bytes)
        isTLS = scheme.isTLS
        let rest = bytes.dropFirst(scheme.count)
        var slash = rest.endIndex
        for i in rest.indices {
            let byte = rest[i]
            if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") {
                throw BaseURL.fault("may hold visible ASCII characters only")
            }
            if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") {
                throw BaseURL.fault("may have no query and no fragment")
            }
            if byte == ByteMatching.slash, slash == rest.endIndex { slash = i }
        }
        let authority = rest[..<slash]
        if authority.contains(UInt8(ascii: "@")) { throw BaseURL.fault("may hold no user name or password") }
        let defaultPort = isTLS ? 443 : 80
        let parts = try AuthorityParts(authority)
        host = String(decoding: parts.host.map(BaseURL.lower), as: UTF8.self)
        port = parts.port ?? defaultPort
        var path = rest[slash...]
        while path.last == ByteMatching.slash { path = path.dropLast() }
        self.path = String(decoding: path, as: UTF8.self)
        let shownHost = parts.isBracketed ? "[\(host)]" : host
        self.authority = port == defaultPort ? shownHost : "\(shownHost):\(port)"
    }

    static func fault(_ rule: StaticString) -> Fault { Fault(.badControlHeader, "the provider URL \(rule)") }

    private static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    private static func scheme(_ bytes: ArraySlice<UInt8>) throws(Fault) -> (isTLS: Bool, count: Int) {
        let head = bytes.prefix(8).map(lower)[...]
        if ByteMatching.equals(head, "https://") { return (true, 8) }
        if ByteMatching.hasPrefix(head, "http://") { return (false, 7) }
        throw fault("must begin with https:// or http://")
    }

    /// Scheme and authority, as in `https://api.example.com`.
    package var origin: String { (isTLS ? "https://" : "http://") + authority }

    /// Joins a request path (`contract.md`, How base URL and request path join).
    ///
    /// - Parameter requestPath: begins with a slash; nothing in it is normalised.
    /// - Returns: the path for the provider.
    package func join(_ requestPath: ArraySlice<UInt8>) -> [UInt8] {
        let base = Array(path.utf8)
        let joined = BaseURL.join(base: base, requestPath)
        return joined.addsBase ? base + joined.rest : Array(requestPath)
    }

    /// The rule of `join` without making a path: what of the request's path stays, and whether the base's goes in front.
    static func join(base: [UInt8], _ requestPath: ArraySlice<UInt8>) -> (addsBase: Bool, rest: ArraySlice<UInt8>) {
        guard !base.isEmpty else { return (false, requestPath) }
        if ByteMatching.hasPrefix(requestPath, base) {
            let after = requestPath.startIndex + base.count
            if after == requestPath.endIndex || requestPath[after] == ByteMatching.slash { return (false, requestPath) }
        }
        return (true, ByteMatching.hasPrefix(requestPath, "/v1/") ? requestPath.dropFirst(3) : requestPath)
    }
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`, checked.
private struct AuthorityParts {
    let host: ArraySlice<UInt8>
    let port: Int?
    let isBracketed: Bool

    init(_ authority: ArraySlice<UInt8>) throws(Fault) {
        var host = authority
        var portBytes: ArraySlice<UInt8>?
        isBracketed = authority.first == UInt8(ascii: "[")
        if isBracketed {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw BaseURL.fault("has an unclosed bracket")
            }
            host = authority[(authority.startIndex + 1)..<close]
            let after = authority[(close + 1)...]
            guard after.isEmpty || after.first == UInt8(ascii: ":") else { throw BaseURL.fault("has text after the bracket") }
            portBytes = after.isEmpty ? nil : after.dropFirst()
            guard host.contains(UInt8(ascii: ":")) else {
                throw BaseURL.fault("has brackets around what is no IPv6 address")
            }
        } else if let colon = ByteMatching.last(UInt8(ascii: ":"), in: authority) {
            host = authority[..<colon]
            portBytes = authority[(colon + 1)...]
        }
        guard !host.isEmpty, host.count <= 253 else { throw BaseURL.fault("needs a host name") }
        for byte in host where !AuthorityParts.isHostByte(byte, inBrackets: isBracketed) {
            throw BaseURL.fault("needs a host name")
        }
        self.host = host
        port = try portBytes.map(AuthorityParts.port)
    }

    private static func isHostByte(_ byte: UInt8, inBrackets: Bool) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        case UInt8(ascii: ":"), UInt8(ascii: "%"): inBrackets
        default: false
        }
    }

    private static func port(_ digits: ArraySlice<UInt8>) throws(Fault) -> Int {
        var value = 0
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39, value < 65_536 else { throw BaseURL.fault("has a bad port") }
            value = value * 10 + Int(byte - 0x30)
        }
        guard value > 0, value < 65_536 else { throw BaseURL.fault("has a bad port") }
        return value
    }
}
