// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Takes the credentials of one exchange out of everything that is kept of it. A value type; used on the capture thread.
package struct CredentialScrubber: Sendable {
    /// Credentials shorter than this are masked in their own place only: they would match by chance elsewhere.
    package static let shortestSearched = 8

    /// The credentials met so far, each once.
    package private(set) var found: [[UInt8]] = []
    /// The caller's key, by the order of precedence of the headers, or nil.
    package private(set) var callerKey: [UInt8]?
    private var callerRank = Int.max

    /// A scrubber that has met none.
    package init() {}

    /// Replaces the credentials in header values; a scheme word (`Bearer`) stays.
    ///
    /// - Parameter headers: changed in place.
    package mutating func redact(_ headers: inout [HeaderPair]) {
        for i in headers.indices {
            let name = headers[i].name.lowercased()
            if name == "x-inference-provider-url" { headers[i].value = redactedURL(headers[i].value) }
            guard CredentialRules.isCredentialHeader(name) else { continue }
            let value = headers[i].value
            guard !value.isEmpty else { continue }
            if name.hasSuffix("authorization"), let space = value.firstIndex(of: " ") {
                note(value[value.index(after: space)...], header: name)
                headers[i].value = value[...space] + CredentialRules.mark
            } else {
                note(value[...], header: name)
                headers[i].value = CredentialRules.mark
            }
        }
    }

    /// A query with its credentials replaced.
    ///
    /// - Parameter query: as received, without the question mark.
    /// - Returns: the same parameters in the same order.
    package mutating func redactedQuery(_ query: String) -> String {
        guard query.contains("=") else { return query }
        var parts: [String] = []
        for part in query.split(separator: "&", omittingEmptySubsequences: false) {
            guard let equals = part.firstIndex(of: "="), CredentialRules.isCredentialParameter(String(part[..<equals])) else {
                parts.append(String(part))
                continue
            }
            let value = part[part.index(after: equals)...]
            if !value.isEmpty { note(value, header: "?") }
            // A provider that repeats the key repeats it decoded.
            if let decoded = PercentCoding.decoded(value.utf8) { note(Substring(decoding: decoded, as: UTF8.self), header: "") }
            parts.append(part[...equals] + CredentialRules.mark)
        }
        return parts.joined(separator: "&")
    }

    /// A URL that a caller named, its user information and its query replaced: neither is ever used.
    private mutating func redactedURL(_ url: String) -> String {
        var rest = url[...]
        var out = ""
        if let scheme = url.firstRange(of: "://") {
            out += url[..<scheme.upperBound]
            rest = url[scheme.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") {
            note(authority[..<at], header: "")
            for part in authority[..<at].split(separator: ":") { note(part, header: "") }
            out += CredentialRules.mark
            rest = rest[at...]
        }
        guard let mark = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) else { return out + rest }
        let query = rest[rest.index(after: mark)...]
        _ = redactedQuery(String(query))
        return out + rest[...mark] + CredentialRules.mark
    }

    private mutating func note(_ value: Substring, header: String) {
        let bytes = Array(value.utf8.drop { $0 == 0x20 })
        guard !bytes.isEmpty else { return }
        if !found.contains(bytes) { found.append(bytes) }
        let rank = CredentialRules.keyHeaders.firstIndex(of: header) ?? (header == "?" ? CredentialRules.keyHeaders.count : Int.max)
        if rank < callerRank {
            callerRank = rank
            callerKey = bytes
        }
    }

    /// Overwrites every occurrence of the credentials met with `*`, length kept, so that offsets stay true.
    ///
    /// - Parameter bytes: changed in place; untouched where nothing occurs.
    /// - Returns: how many occurrences were masked.
    /// - Complexity: O(n) per credential.
    @discardableResult
    package func mask(_ bytes: inout [UInt8]) -> Int {
        var count = 0
        for needle in found where needle.count >= CredentialScrubber.shortestSearched {
            for start in ByteSearch.occurrences(of: needle, in: bytes) {
                for i in start..<start + needle.count { bytes[i] = UInt8(ascii: "*") }
                count += 1
            }
        }
        return count
    }

    /// The text with the credentials met masked.
    package func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        return mask(&bytes) == 0 ? text : String(decoding: bytes, as: UTF8.self)
    }
}
