// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// Takes the credentials of one exchange out of everything that is kept of it.
///
/// A value type; used on the capture thread.
package struct CredentialScrubber: Sendable {
    /// Credentials shorter than this are masked in their own place only: they would match by chance elsewhere.
    package static let shortestSearched = 8

    /// The credentials met so far, each once, longest first: one may be the beginning of another.
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
            let value = headers[i].value
            let name = headers[i].name.lowercased()
            guard !value.isEmpty else { continue }
            if CredentialRules.isCredentialHeader(name) {
                headers[i].value = redactedValue(value, header: name)
            } else if CredentialRules.isURLHeader(name) {
                headers[i].value = redactedURL(value)
            } else if name == CredentialRules.subprotocolHeader {
                headers[i].value = redactedSubprotocols(value)
            }
        }
    }

    /// A list of subprotocols with the keys among them replaced.
    private mutating func redactedSubprotocols(_ value: String) -> String {
        var parts: [String] = []
        var isKeyNext = false
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            let item = part.drop { $0 == " " || $0 == "\t" }
            let word = String(item.prefix(item.count - item.reversed().prefix { $0 == " " || $0 == "\t" }.count))
            let lower = word.lowercased()
            var kept: Substring?
            if lower.hasPrefix(CredentialRules.subprotocolKeyPrefix) {
                kept = word.prefix(CredentialRules.subprotocolKeyPrefix.count)
            } else if isKeyNext {
                kept = ""
            }
            isKeyNext = CredentialRules.subprotocolKeyWords.contains(lower)
            guard let kept, kept.count < word.count else {
                parts.append(String(part))
                continue
            }
            note(word.dropFirst(kept.count), header: CredentialRules.subprotocolHeader)
            let before = part.prefix(part.count - item.count)
            parts.append("\(before)\(kept)\(CredentialRules.mark)\(item.dropFirst(word.count))")
        }
        return parts.joined(separator: ",")
    }

    private mutating func redactedValue(_ value: String, header: String) -> String {
        // Without a scheme that is known the first word may be the key.
        guard let space = value.firstIndex(of: " "),
            CredentialRules.keepsScheme(String(value[..<space]), isAuthorization: header.hasSuffix("authorization"))
        else {
            note(value[...], header: header)
            return CredentialRules.mark
        }
        note(value[value.index(after: space)...], header: header, scheme: value[..<space])
        return value[...space] + CredentialRules.mark
    }

    /// A URL with its user part and the credentials of its query replaced.
    private mutating func redactedURL(_ url: String) -> String {
        var result = url[...]
        if let slashes = result.firstRange(of: "//") {
            let authority = result[slashes.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            if let at = authority.lastIndex(of: "@") {
                let user = authority[..<at]
                note(user.firstIndex(of: ":").map { user[user.index(after: $0)...] } ?? user, header: "")
                result = result[..<slashes.upperBound] + CredentialRules.mark[...] + result[at...]
            }
        }
        guard let mark = result.firstIndex(of: "?") else { return String(result) }
        return result[...mark] + redactedQuery(String(result[result.index(after: mark)...]), header: "")
    }

    /// A query with its credentials replaced.
    ///
    /// - Parameter query: as received, without the question mark.
    /// - Returns: the same parameters in the same order.
    package mutating func redactedQuery(_ query: String) -> String { redactedQuery(query, header: "?") }

    private mutating func redactedQuery(_ query: String, header: String) -> String {
        guard query.contains("=") else { return query }
        var parts: [String] = []
        for part in query.split(separator: "&", omittingEmptySubsequences: false) {
            guard let equals = part.firstIndex(of: "="),
                CredentialRules.isCredentialParameter(PercentDecoding.decoded(part[..<equals]))
            else {
                parts.append(String(part))
                continue
            }
            let value = part[part.index(after: equals)...]
            if !value.isEmpty {
                note(value, header: header)
                if value.contains("%") { note(PercentDecoding.decoded(value)[...], header: "") }
            }
            parts.append(part[...equals] + CredentialRules.mark)
        }
        return parts.joined(separator: "&")
    }

    private mutating func note(_ value: Substring, header: String, scheme: Substring = "") {
        let bytes = Array(value.utf8.drop { $0 == 0x20 })
        guard !bytes.isEmpty else { return }
        add(bytes)
        if CredentialRules.isCredentialHeader(header) { addForms(of: bytes, header: header, scheme: scheme) }
        let rank =
            CredentialRules.keyHeaders.firstIndex(of: header) ?? (header == "?" ? CredentialRules.keyHeaders.count : Int.max)
        if rank < callerRank {
            callerRank = rank
            callerKey = bytes
        }
    }

    private mutating func add(_ bytes: [UInt8]) {
        if !found.contains(bytes) { found.insert(bytes, at: found.firstIndex { $0.count < bytes.count } ?? found.endIndex) }
    }

    /// Notes what `CredentialRuns` notes beside a header's credential.
    private mutating func addForms(of bytes: [UInt8], header: String, scheme: Substring) {
        var forms: [[UInt8]] = []
        bytes.withUnsafeBytes { bytes in
            let run = ByteRun(bytes)
            CredentialForms.forEachPart(of: run, isSetCookie: header == "set-cookie") { forms.append($0.array) }
            guard !header.hasSuffix("cookie") else { return }
            forms += CredentialForms.forms(of: run, isBasic: scheme.lowercased().hasPrefix("basic"))
        }
        for form in forms { add(form) }
    }

    /// A name in lower case with the credentials met masked, whatever case they are in.
    package func maskedName(_ name: String) -> String {
        var lower = CredentialScrubber()
        for credential in found { lower.add(Array(String(decoding: credential, as: UTF8.self).lowercased().utf8)) }
        return lower.masked(name)
    }

    /// Overwrites every occurrence of the credentials met with `*`, length kept, so that offsets stay true.
    ///
    /// - Parameters:
    ///   - bytes: changed in place; untouched where nothing occurs.
    ///   - isCutAtStart: whether more stood before them: the end of a credential, of 8 bytes or more, is masked there as well.
    ///   - isCutAtEnd: whether more stood behind them; likewise.
    /// - Returns: how many occurrences were masked.
    /// - Complexity: O(n) per credential.
    @discardableResult
    package func mask(_ bytes: inout [UInt8], isCutAtStart: Bool = false, isCutAtEnd: Bool = false) -> Int {
        var count = 0
        // Looked for before anything is masked, for one credential may stand within another.
        let parts = cutParts(of: bytes, isCutAtStart, isCutAtEnd)
        for needle in found where needle.count >= CredentialScrubber.shortestSearched {
            for start in ByteSearch.occurrences(of: needle, in: bytes) {
                for i in start..<start + needle.count { bytes[i] = UInt8(ascii: "*") }
                count += 1
            }
        }
        for part in parts {
            for i in part { bytes[i] = UInt8(ascii: "*") }
            count += 1
        }
        return count
    }

    /// What a cut left of credentials at either end.
    private func cutParts(of bytes: [UInt8], _ isCutAtStart: Bool, _ isCutAtEnd: Bool) -> [Range<Int>] {
        guard isCutAtStart || isCutAtEnd else { return [] }
        var (first, last) = (0, 0)
        for needle in found where needle.count > CredentialScrubber.shortestSearched {
            if isCutAtStart { first = max(first, ByteSearch.end(of: needle, atStartOf: bytes)) }
            if isCutAtEnd { last = max(last, ByteSearch.beginning(of: needle, atEndOf: bytes)) }
        }
        return [0..<first, bytes.count - last..<bytes.count].filter { $0.count >= CredentialScrubber.shortestSearched }
    }

    /// The text with the credentials met masked.
    package func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        return mask(&bytes) == 0 ? text : String(decoding: bytes, as: UTF8.self)
    }
}
