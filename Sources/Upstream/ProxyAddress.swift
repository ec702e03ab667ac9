// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// An HTTP proxy: where it is, whether it is spoken to over TLS, and what it is told about who asks.
package struct ProxyAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or a numeric address without brackets.
    package let host: String
    /// The port.
    package let port: Int
    /// Whether the connection to the proxy itself is TLS.
    package let isTLS: Bool
    /// The value of `Proxy-Authorization`, or nil; a secret.
    let authorization: String?

    /// Reads `[http://|https://][USER[:PASSWORD]@]HOST[:PORT]`, as curl does: no scheme means http; the port is 1080, or 443 with https.
    ///
    /// - Parameter text: the address; user and password may be percent-encoded.
    /// - Throws: `UpstreamError` `badSettings`; the message never repeats the text, which may hold a password.
    package init(_ text: String) throws(UpstreamError) {
        var rest = Array(text.utf8)[...]
        var isTLS = false
        if let mark = rest.firstRange(of: Array("://".utf8)) {
            let scheme = String(decoding: rest[..<mark.lowerBound], as: UTF8.self).lowercased()
            guard scheme == "http" || scheme == "https" else {
                throw ProxyAddress.fault("must begin with http:// or https://; SOCKS proxies are not supported")
            }
            isTLS = scheme == "https"
            rest = rest[mark.upperBound...]
        }
        self.isTLS = isTLS
        if let slash = rest.firstIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            authorization = try ProxyAddress.basic(rest[..<at])
            rest = rest[(at + 1)...]
        } else {
            authorization = nil
        }
        (host, port) = try ProxyAddress.hostAndPort(rest, defaultPort: isTLS ? 443 : 1_080)
    }

    /// Scheme, host and port; never the user or the password.
    package var description: String {
        let shown = host.contains(":") ? "[\(host)]" : host
        return "\(isTLS ? "https" : "http")://\(shown):\(port)"
    }

    private static func fault(_ rule: String) -> UpstreamError { UpstreamError(.badSettings, "the proxy address \(rule)") }

    private static func basic(_ userInfo: ArraySlice<UInt8>) throws(UpstreamError) -> String {
        let parts = userInfo.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        var pair = try decoded(parts.first ?? [])
        pair.append(UInt8(ascii: ":"))
        if parts.count > 1 { pair += try decoded(parts[1]) }
        return "Basic " + String(decoding: Base64.encode(pair[...]), as: UTF8.self)
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) throws(UpstreamError) -> [UInt8] {
        guard let out = PercentDecoding.strictly(bytes) else {
            throw fault("has a bad percent-encoding in its user or password")
        }
        return out
    }

    private static func hostAndPort(_ authority: ArraySlice<UInt8>, defaultPort: Int) throws(UpstreamError) -> (String, Int) {
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
        guard !hostBytes.isEmpty, hostBytes.count <= 253, hostBytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw fault("needs a host name")
        }
        let host = String(decoding: hostBytes, as: UTF8.self).lowercased()
        guard let portBytes, !portBytes.isEmpty else { return (host, defaultPort) }
        guard portBytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), portBytes.count <= 5,
            let port = Int(String(decoding: portBytes, as: UTF8.self)), (1...65_535).contains(port)
        else { throw fault("has a bad port") }
        return (host, port)
    }
}
