// SPDX-License-Identifier: Apache-2.0

/// Headers that a proxy has to recognise; everything else passes.
package enum KnownHeader: UInt8, Sendable {
    case other
    case host, connection, keepAlive, proxyConnection, te, trailer, transferEncoding, upgrade, proxyAuthorization,
        proxyAuthenticate
    case contentLength, contentType, contentEncoding, expect
    case authorization, xAPIKey, xGoogAPIKey, apiKey
    case traceparent, xRequestID, anthropicVersion
    /// Any name that begins with `x-inference-`.
    case inference

    private static let names: [(StaticString, KnownHeader)] = [
        ("host", .host), ("connection", .connection), ("keep-alive", .keepAlive), ("proxy-connection", .proxyConnection),
        ("te", .te),
        ("trailer", .trailer), ("transfer-encoding", .transferEncoding), ("upgrade", .upgrade),
        ("proxy-authorization", .proxyAuthorization), ("proxy-authenticate", .proxyAuthenticate),
        ("content-length", .contentLength),
        ("content-type", .contentType), ("content-encoding", .contentEncoding), ("expect", .expect),
        ("authorization", .authorization),
        ("x-api-key", .xAPIKey), ("x-goog-api-key", .xGoogAPIKey), ("api-key", .apiKey), ("traceparent", .traceparent),
        ("x-request-id", .xRequestID), ("anthropic-version", .anthropicVersion),
    ]

    /// The known names by their length, so that most names are told apart by one comparison of lengths.
    private static let byLength: [[(StaticString, KnownHeader)]] = {
        var table = [[(StaticString, KnownHeader)]](repeating: [], count: 32)
        for entry in names { table[entry.0.utf8CodeUnitCount].append(entry) }
        return table
    }()

    static func classify(_ name: ArraySlice<UInt8>) -> KnownHeader {
        if name.count < byLength.count {
            for (text, known) in byLength[name.count] where ASCII.equalsIgnoringCase(name, text) { return known }
        }
        return ASCII.hasPrefixIgnoringCase(name, "x-inference-") ? .inference : .other
    }

    /// Whether the field is about one connection and never forwarded (RFC 9110 section 7.6.1).
    package var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .proxyAuthorization,
            .proxyAuthenticate:
            true
        default: false
        }
    }
}

/// Where one header line lies in its block.
package struct HeaderField: Sendable {
    let start: Int32
    let nameEnd: Int32
    let valueStart: Int32
    let valueEnd: Int32
    /// After the line's CR LF.
    let end: Int32
    /// What the name is, told once.
    package let known: KnownHeader
}

/// One head's bytes and where its lines lie: order, case and duplicates are as they came.
package struct HeaderBlock: Sendable {
    /// The whole head, start line and closing empty line included.
    package let bytes: [UInt8]
    /// Bytes of the whole head.
    package var byteCount: Int { bytes.count }
    /// The lines, in order.
    package let fields: [HeaderField]

    /// The name as it was written.
    package func name(_ field: HeaderField) -> ArraySlice<UInt8> { bytes[Int(field.start)..<Int(field.nameEnd)] }

    /// The value without the white space around it.
    package func value(_ field: HeaderField) -> ArraySlice<UInt8> { bytes[Int(field.valueStart)..<Int(field.valueEnd)] }

    /// The line as it was written, CR LF included.
    package func line(_ field: HeaderField) -> ArraySlice<UInt8> { bytes[Int(field.start)..<Int(field.end)] }

    /// The first value of a known header, or nil.
    package func first(_ known: KnownHeader) -> ArraySlice<UInt8>? {
        for field in fields where field.known == known { return value(field) }
        return nil
    }

    /// Whether a comma-separated list header holds an already lower-case token.
    package func listHolds(_ known: KnownHeader, _ token: StaticString) -> Bool {
        for field in fields where field.known == known {
            for item in value(field).split(separator: UInt8(ascii: ","))
            where ASCII.equalsIgnoringCase(ASCII.trimmed(item), token) {
                return true
            }
        }
        return false
    }

    /// The names listed in `Connection`, lower case: they are hop-by-hop too.
    package var connectionNames: [[UInt8]] {
        var names: [[UInt8]] = []
        for field in fields where field.known == .connection {
            for item in value(field).split(separator: UInt8(ascii: ",")) {
                let name = ASCII.trimmed(item).map(ASCII.lower)
                if name != Array("close".utf8), name != Array("keep-alive".utf8) { names.append(name) }
            }
        }
        return names
    }
}
