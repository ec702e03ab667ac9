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

    /// What a name is: told by its length and first letter, then compared once or twice.
    static func classify(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> KnownHeader {
        func equals(_ text: StaticString) -> Bool { unsafe WordScan.tokenEquals(bytes.bytes, start, end, text) }
        let first = ASCII.lower(bytes[start])
        switch (end - start, first) {
        case (2, UInt8(ascii: "t")) where equals("te"): return .te
        case (4, UInt8(ascii: "h")) where equals("host"): return .host
        case (6, UInt8(ascii: "e")) where equals("expect"): return .expect
        case (7, UInt8(ascii: "t")) where equals("trailer"): return .trailer
        case (7, UInt8(ascii: "u")) where equals("upgrade"): return .upgrade
        case (7, UInt8(ascii: "a")) where equals("api-key"): return .apiKey
        case (9, UInt8(ascii: "x")) where equals("x-api-key"): return .xAPIKey
        case (10, UInt8(ascii: "c")) where equals("connection"): return .connection
        case (10, UInt8(ascii: "k")) where equals("keep-alive"): return .keepAlive
        case (11, UInt8(ascii: "t")) where equals("traceparent"): return .traceparent
        case (12, UInt8(ascii: "c")) where equals("content-type"): return .contentType
        case (12, UInt8(ascii: "x")) where equals("x-request-id"): return .xRequestID
        case (13, UInt8(ascii: "a")) where equals("authorization"): return .authorization
        case (14, UInt8(ascii: "c")) where equals("content-length"): return .contentLength
        case (14, UInt8(ascii: "x")) where equals("x-goog-api-key"): return .xGoogAPIKey
        case (16, UInt8(ascii: "c")) where equals("content-encoding"): return .contentEncoding
        case (16, UInt8(ascii: "p")) where equals("proxy-connection"): return .proxyConnection
        case (17, UInt8(ascii: "t")) where equals("transfer-encoding"): return .transferEncoding
        case (17, UInt8(ascii: "a")) where equals("anthropic-version"): return .anthropicVersion
        case (18, UInt8(ascii: "p")) where equals("proxy-authenticate"): return .proxyAuthenticate
        case (19, UInt8(ascii: "p")) where equals("proxy-authorization"): return .proxyAuthorization
        case (12..., UInt8(ascii: "x")) where unsafe WordScan.tokenEquals(bytes.bytes, start, start + 12, "x-inference-"):
            return .inference
        default: return .other
        }
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

    var valueRange: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    /// Where the line lies in its block's bytes, CR LF included.
    package var lineRange: Range<Int> { Int(start)..<Int(end) }
}

/// What the `Connection` header lines of a head list (RFC 9110 section 7.6.1).
package struct ConnectionOptions: OptionSet, Sendable {
    /// The bits.
    package let rawValue: UInt8
    /// A set of bits.
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The connection ends after this message.
    package static let close = ConnectionOptions(rawValue: 1)
    /// The connection stays, in HTTP/1.0's words.
    package static let keepAlive = ConnectionOptions(rawValue: 2)
    /// The sender wants to speak another protocol.
    package static let upgrade = ConnectionOptions(rawValue: 4)
    /// Names of headers that are about this connection only.
    package static let otherNames = ConnectionOptions(rawValue: 8)
}

/// One head's bytes and where its lines lie: order, case and duplicates are as they came.
///
/// Immutable; an object, so that a head is handed on by one reference.
package final class HeaderBlock: Sendable {
    /// The whole head, start line and closing empty line included.
    package let bytes: [UInt8]
    /// Bytes of the whole head.
    package var byteCount: Int { bytes.count }
    /// The lines, in order.
    package let fields: [HeaderField]
    /// What `Connection` lists.
    package let connection: ConnectionOptions
    /// Bit n: a field of the known header with raw value n is there.
    private let present: UInt32

    init(bytes: [UInt8], fields: [HeaderField]) {
        self.bytes = bytes
        self.fields = fields
        var present: UInt32 = 0
        var options: ConnectionOptions = []
        for field in fields {
            present |= 1 &<< UInt32(field.known.rawValue)
            if field.known == .connection { options.formUnion(HeaderBlock.options(bytes[field.valueRange])) }
        }
        self.present = present
        connection = options
    }

    /// Whether a known header is there.
    package func holds(_ known: KnownHeader) -> Bool { present &>> UInt32(known.rawValue) & 1 != 0 }

    /// The name as it was written.
    package func name(_ field: HeaderField) -> ArraySlice<UInt8> { bytes[Int(field.start)..<Int(field.nameEnd)] }

    /// The value without the white space around it.
    package func value(_ field: HeaderField) -> ArraySlice<UInt8> { bytes[field.valueRange] }

    /// The line as it was written, CR LF included.
    package func line(_ field: HeaderField) -> ArraySlice<UInt8> { bytes[field.lineRange] }

    /// Whether a line holds a byte.
    func contains(_ byte: UInt8, in field: HeaderField) -> Bool {
        for i in field.lineRange where bytes[i] == byte { return true }
        return false
    }

    /// The first value of a known header, or nil.
    package func first(_ known: KnownHeader) -> ArraySlice<UInt8>? {
        guard holds(known) else { return nil }
        for field in fields where field.known == known { return value(field) }
        return nil
    }

    /// The names listed in `Connection` beside `close`, `keep-alive` and `upgrade`, lower case: they are hop-by-hop too.
    package var connectionNames: [[UInt8]] {
        guard connection.contains(.otherNames) else { return [] }
        var names: [[UInt8]] = []
        for field in fields where field.known == .connection {
            for item in HeaderBlock.items(value(field)) where HeaderBlock.option(item) == .otherNames {
                names.append(item.map(ASCII.lower))
            }
        }
        return names
    }

    private static func items(_ list: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        list.split(separator: UInt8(ascii: ",")).map(ASCII.trimmed)
    }

    private static func option(_ item: ArraySlice<UInt8>) -> ConnectionOptions {
        if item.isEmpty { return [] }
        if ASCII.equalsIgnoringCase(item, "keep-alive") { return .keepAlive }
        if ASCII.equalsIgnoringCase(item, "close") { return .close }
        return ASCII.equalsIgnoringCase(item, "upgrade") ? .upgrade : .otherNames
    }

    private static func options(_ list: ArraySlice<UInt8>) -> ConnectionOptions {
        // Nearly always one item.
        guard list.contains(UInt8(ascii: ",")) else { return option(list) }
        return items(list).reduce(into: []) { $0.formUnion(option($1)) }
    }
}
