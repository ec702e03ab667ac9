// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads and changes single parameters of a query; every other byte stays as it is.
enum QueryString {
    private static let ampersand = UInt8(ascii: "&")
    private static let equalsSign = UInt8(ascii: "=")

    /// Whether a parameter is there, as it is written or percent-encoded.
    static func holds(_ query: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        var isHeld = false
        forEach(query) { parameter in
            if isNamed(parameter, name) { isHeld = true }
        }
        return isHeld
    }

    /// The value of the first parameter of a name, as it is written; nil where there is none.
    static func value(of name: StaticString, in query: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var found: ArraySlice<UInt8>?
        forEach(query) { parameter in
            if found == nil, isNamed(parameter, name) { found = value(parameter) }
        }
        return found
    }

    /// Whether a `key` parameter is a gateway key.
    static func holdsGatewayKey(_ query: ArraySlice<UInt8>) -> Bool {
        var isHeld = false
        forEach(query) { parameter in
            if isNamed(parameter, "key"), GatewayKeys.isKey(value(parameter)) { isHeld = true }
        }
        return isHeld
    }

    /// The query with its first `key` parameter replaced, further ones taken out.
    ///
    /// - Parameters:
    ///   - query: nil where the target has none.
    ///   - key: the new value, percent-encoded here; nil takes every `key` out.
    /// - Returns: the query, nil where nothing is left of it.
    static func replacingKey(_ query: ArraySlice<UInt8>?, with key: ArraySlice<UInt8>?) -> [UInt8]? {
        var out: [UInt8] = []
        var isFirst = true
        var isPlaced = key == nil
        func begin() {
            if !isFirst { out.append(ampersand) }
            isFirst = false
        }
        func place() {
            guard let key, !isPlaced else { return }
            begin()
            out += "key=".utf8
            appendEncoded(key, to: &out)
            isPlaced = true
        }
        if let query {
            forEach(query) { parameter in
                guard isNamed(parameter, "key") else {
                    begin()
                    out += parameter
                    return
                }
                place()
            }
        }
        // An empty query is no parameter.
        if out.isEmpty { isFirst = true }
        place()
        return out.isEmpty ? nil : out
    }

    private static func forEach(_ query: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) -> Void) {
        var start = query.startIndex
        for i in query.indices where query[i] == ampersand {
            body(query[start..<i])
            start = i + 1
        }
        body(query[start...])
    }

    private static func value(_ parameter: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let sign = parameter.firstIndex(of: equalsSign) else { return [] }
        return parameter[(sign + 1)...]
    }

    /// Whether a parameter has a name, percent-encoding undone: a server does not tell `k%65y` from `key`.
    private static func isNamed(_ parameter: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        let written = parameter[..<(parameter.firstIndex(of: equalsSign) ?? parameter.endIndex)]
        guard written.contains(UInt8(ascii: "%")) else { return ByteMatching.equals(written, name) }
        return ByteMatching.equals(PercentDecoding.decoded(written)[...], name)
    }

    private static func appendEncoded(_ bytes: ArraySlice<UInt8>, to out: inout [UInt8]) {
        for byte in bytes { PercentEncoding.append(byte, to: &out) }
    }
}

/// Percent-encoding of RFC 3986, unreserved characters as they are.
enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Whether a byte stands for itself everywhere.
    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Appends a byte, encoded unless it is unreserved.
    static func append(_ byte: UInt8, to out: inout [UInt8]) {
        guard !isUnreserved(byte) else { return out.append(byte) }
        out.append(UInt8(ascii: "%"))
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
    }
}
