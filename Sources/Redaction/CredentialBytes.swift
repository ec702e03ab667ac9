// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// The rules of `CredentialRules` over bytes, without a copy: what the capture thread asks for every header of every exchange.
extension CredentialRules {
    /// What a header's value may hold.
    package enum HeaderKind: Sendable {
        case plain
        /// The value is a credential.
        case credential
        /// The value is a URL, which may carry one.
        case url
        /// The value lists the subprotocols of a WebSocket, one of which may carry one.
        case subprotocols
    }

    /// The kind of a header, by the same rules as `isCredentialHeader`.
    ///
    /// - Parameter name: ASCII, in any case.
    /// - Returns: what its value may hold.
    package static func kind(ofHeader name: ByteRun) -> HeaderKind {
        guard name.count > 0 else { return .plain }
        switch name.base.load(fromByteOffset: name.count - 1, as: UInt8.self) | 0x20 {
        case UInt8(ascii: "y"):
            let isCredential =
                name.hasSuffixIgnoringCase("api-key") || name.hasSuffixIgnoringCase("apikey")
                || name.hasSuffixIgnoringCase("-access-key") || name.hasSuffixIgnoringCase("-auth-key")
                || name.hasSuffixIgnoringCase("-subscription-key") || name.hasSuffixIgnoringCase("-functions-key")
                || name.hasSuffixIgnoringCase("-secret-key") || name.hasSuffixIgnoringCase("-master-key")
            return isCredential ? .credential : .plain
        case UInt8(ascii: "n"):
            if name.hasSuffixIgnoringCase("authorization") || name.hasSuffixIgnoringCase("-token") { return .credential }
            return name.equalsIgnoringCase("location") || name.equalsIgnoringCase("content-location") ? .url : .plain
        case UInt8(ascii: "t"): return name.hasSuffixIgnoringCase("-secret") ? .credential : .plain
        case UInt8(ascii: "d"): return name.hasSuffixIgnoringCase("-password") ? .credential : .plain
        case UInt8(ascii: "e"):
            return name.equalsIgnoringCase("cookie") || name.equalsIgnoringCase("set-cookie") ? .credential : .plain
        case UInt8(ascii: "h"):
            return name.equalsIgnoringCase("helicone-auth") || name.equalsIgnoringCase("x-auth") ? .credential : .plain
        case UInt8(ascii: "l"):
            if name.equalsIgnoringCase("sec-websocket-protocol") { return .subprotocols }
            return name.equalsIgnoringCase("x-inference-provider-url") ? .url : .plain
        case UInt8(ascii: "r"): return name.equalsIgnoringCase("referer") ? .url : .plain
        default: return .plain
        }
    }

    /// Whether the first word of a credential header's value is a scheme word, by the same rules as the form for strings.
    static func keepsScheme(_ word: ByteRun, isAuthorization: Bool) -> Bool {
        guard isAuthorization else { return word.equalsIgnoringCase("bearer") }
        return schemes.contains { word.equalsIgnoringCase($0) } || schemeBeginnings.contains { word.hasPrefixIgnoringCase($0) }
    }

    /// Whether a query parameter's value is a credential; the name must hold no percent sign.
    package static func isCredentialParameter(_ name: ByteRun) -> Bool {
        switch name.count {
        case 3...17, 20: isCredentialParameter(name.text)
        default: false
        }
    }

    /// The place of a header in the order of precedence of callers' keys; `Int.max` where it may not hold one.
    static func rank(ofHeader name: ByteRun) -> Int {
        if name.equalsIgnoringCase("x-inference-observability-api-key") { return 0 }
        if name.equalsIgnoringCase("x-inference-project-api-key") { return 1 }
        if name.equalsIgnoringCase("authorization") { return 2 }
        if name.equalsIgnoringCase("x-api-key") { return 3 }
        if name.equalsIgnoringCase("x-goog-api-key") { return 4 }
        if name.equalsIgnoringCase("api-key") { return 5 }
        if name.equalsIgnoringCase("x-inference-provider-api-key") { return 6 }
        return Int.max
    }
}

/// The credentials of one exchange as runs of its own bytes, met in header values and query parameters.
///
/// Owned by one thread and used again; good as long as the exchange's bytes are.
package struct CredentialRuns {
    /// The credentials met, each once.
    package private(set) var found: [ByteRun] = []
    /// Other forms in which they may be repeated.
    package private(set) var forms: [[UInt8]] = []
    /// The caller's key, by the order of precedence of the headers, or nil.
    package private(set) var callerKey: ByteRun?
    private var callerRank = Int.max

    /// None met.
    package init() {}

    /// Forgets everything, for the next exchange.
    package mutating func reset() {
        found.removeAll(keepingCapacity: true)
        if !forms.isEmpty { forms.removeAll(keepingCapacity: true) }
        callerKey = nil
        callerRank = Int.max
    }

    /// Notes the credential in a header's value, as `CredentialScrubber` does.
    ///
    /// - Parameters:
    ///   - value: not empty.
    ///   - name: of a credential header.
    /// - Returns: how many bytes of the value stay before the mark: its scheme word and the space.
    package mutating func note(value: ByteRun, ofHeader name: ByteRun) -> Int {
        var kept = 0
        if let space = value.firstIndex(of: 0x20),
            CredentialRules.keepsScheme(
                value.slice(0, space), isAuthorization: name.hasSuffixIgnoringCase("authorization"))
        {
            kept = space + 1
        }
        note(value.slice(kept, value.count), rank: CredentialRules.rank(ofHeader: name))
        let isCookie = name.hasSuffixIgnoringCase("cookie")
        let credential = value.slice(kept, value.count).trimmedStart
        CredentialForms.forEachPart(of: credential, isSetCookie: isCookie && name.count > 6) { add($0) }
        // A cookie is repeated as it is.
        if !isCookie {
            forms += CredentialForms.forms(of: credential, isBasic: value.slice(0, kept).hasPrefixIgnoringCase("basic"))
        }
        return kept
    }

    /// Notes a credential found in the query.
    package mutating func note(parameter value: ByteRun) { note(value, rank: CredentialRules.keyHeaders.count) }

    private mutating func add(_ credential: ByteRun) {
        if !found.contains(where: { $0.equals(credential) }) { found.append(credential) }
    }

    private mutating func note(_ value: ByteRun, rank: Int) {
        let credential = value.trimmedStart
        guard !credential.isEmpty else { return }
        add(credential)
        if rank < callerRank {
            callerRank = rank
            callerKey = credential
        }
    }
}

extension ByteRun {
    /// Without the spaces before it.
    var trimmedStart: ByteRun {
        var start = 0
        while start < count, byte(start) == 0x20 { start += 1 }
        return slice(start, count)
    }
}
