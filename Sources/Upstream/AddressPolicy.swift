// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Tells public addresses from those that a caller may not name (`contract.md`, Which addresses).
///
/// Source: the IANA special-purpose address registries for IPv4 and IPv6.
package enum AddressPolicy {
    /// Whether a numeric address is globally reachable unicast.
    ///
    /// - Parameter numeric: dotted IPv4 or IPv6 text, a zone allowed.
    /// - Returns: false for anything special, and for text that is no address.
    package static func isPublic(_ numeric: String) -> Bool {
        if let v4 = bytes(of: numeric, family: AF_INET, count: 4) { return isPublicV4(v4) }
        let withoutZone = numeric.split(separator: "%", maxSplits: 1).first.map(String.init) ?? ""
        if let v6 = bytes(of: withoutZone, family: AF_INET6, count: 16) { return isPublicV6(v6) }
        return false
    }

    /// Whether a caller may name a host, as far as can be told without a lookup.
    ///
    /// The addresses that a name resolves to are for `isPublic`, when they are known.
    /// - Parameter host: a lower-case name or an address without brackets, zones and a closing dot allowed.
    /// - Returns: false for addresses that are not public or in disguise, for zones, and for this machine's own name.
    package static func mayBeNamed(_ host: String) -> Bool {
        let bare = host.hasSuffix(".") ? String(host.dropLast()) : host
        guard !bare.isEmpty, !bare.contains("%"), bare != "localhost", !bare.hasSuffix(".localhost") else { return false }
        return isNumeric(bare) ? isPublic(bare) : !isDisguised(bare)
    }

    /// Whether text is a numeric address.
    package static func isNumeric(_ host: String) -> Bool {
        bytes(of: host, family: AF_INET, count: 4) != nil || bytes(of: host, family: AF_INET6, count: 16) != nil
    }

    /// Whether a host stands for an IPv4 address without being one in plain dotted form: `2130706433`, `0177.0.0.1`, `0x7f.1`, `127.1`.
    ///
    /// Resolvers read such names as addresses; those who check a URL by eye do not.
    package static func isDisguised(_ host: String) -> Bool {
        guard !isNumeric(host), !host.contains(":") else { return false }
        guard let last = host.split(separator: ".").last?.utf8 else { return true }
        if last.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) { return true }
        return last.count >= 2 && last.starts(with: "0x".utf8) && last.dropFirst(2).allSatisfy { isHexDigit($0) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    /// The 4 or 16 bytes of a numeric address, or nil for a name.
    static func addressBytes(_ host: String) -> [UInt8]? {
        bytes(of: host, family: AF_INET, count: 4) ?? bytes(of: host, family: AF_INET6, count: 16)
    }

    private static func bytes(of text: String, family: Int32, count: Int) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: count)
        let result = unsafe out.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) }
        return result == 1 ? out : nil
    }

    private static func isPublicV4(_ b: [UInt8]) -> Bool {
        switch (b[0], b[1], b[2]) {
        case (0, _, _), (10, _, _), (127, _, _): false
        case (100, 64...127, _): false
        case (169, 254, _): false
        // The address at which a large cloud serves its machines' own metadata and certificates.
        case (168, 63, 129) where b[3] == 16: false
        case (172, 16...31, _): false
        case (192, 0, 0), (192, 0, 2), (192, 88, 99), (192, 168, _): false
        case (198, 18...19, _), (198, 51, 100), (203, 0, 113): false
        case (224...255, _, _): false
        default: true
        }
    }

    /// Only 2000::/3 is global unicast; within it Teredo and other protocol blocks, documentation and 6to4 are refused.
    private static func isPublicV6(_ b: [UInt8]) -> Bool {
        guard b[0] & 0xE0 == 0x20 else { return false }
        if b[0] == 0x20, b[1] == 0x01, b[2] < 0x02 { return false }
        if b[0] == 0x20, b[1] == 0x01, b[2] == 0x0D, b[3] == 0xB8 { return false }
        if b[0] == 0x20, b[1] == 0x02 { return false }
        if b[0] == 0x3F, b[1] == 0xFF, b[2] & 0xF0 == 0 { return false }
        return true
    }
}
