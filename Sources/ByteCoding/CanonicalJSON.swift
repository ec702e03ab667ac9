// SPDX-License-Identifier: Apache-2.0

/// Why a JSON text has no canonical form (RFC 8785 takes I-JSON, RFC 7493, and nothing else).
package struct CanonicalJSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Which rule was broken.
    package enum Code: String, Sendable {
        /// A number whose size no IEEE double has, as `1e400`.
        case numberOutOfRange
        /// Half of a surrogate pair, which no UTF-8 can hold.
        case loneSurrogate
        /// Two members of one object with one name.
        case repeatedName
    }

    /// The broken rule.
    package let code: Code
    /// Offset of the offending value in the text.
    package let offset: Int

    /// What happened, and where.
    package var description: String { "no canonical JSON: \(code.rawValue) at byte \(offset)" }
}

/// JSON in the one form that RFC 8785 (JCS) gives a value: members in order of their names' UTF-16, no white space, the fewest
/// escapes, numbers as ECMAScript writes doubles.
///
/// A number is read as the IEEE double nearest to its lexeme: integers over 2^53 lose digits, what is too small becomes 0.
/// What has no canonical form is an error, never another value.
package enum CanonicalJSON {
    /// Appends the canonical form of a value.
    ///
    /// - Parameters:
    ///   - node: the value; its depth is bounded by `JSONLimits.depth`.
    ///   - out: where to append; after an error, part of the value is there.
    /// - Throws: `CanonicalJSONError` for the first value without a canonical form.
    /// - Complexity: O(n log n) for objects, else O(n).
    package static func append(_ node: JSONNode, to out: inout [UInt8]) throws(CanonicalJSONError) {
        switch node.kind {
        case .null, .bool: out.append(contentsOf: node.lexeme)
        case .number: try appendNumber(node, to: &out)
        case .string: appendString(try text(of: node), to: &out)
        case .array: try appendElements(node, to: &out)
        case .object: try appendMembers(node, to: &out)
        }
    }

    /// The canonical form of a text, or nil where it is not JSON or has none.
    ///
    /// - Parameter text: UTF-8; white space around the value is allowed.
    /// - Returns: the form, or nil.
    package static func form(of text: some Collection<UInt8>) -> [UInt8]? {
        guard let document = JSONDocument.read(text) else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(document.bytes.count)
        do { try append(document.root, to: &out) } catch { return nil }
        return out
    }

    private static func appendElements(_ node: JSONNode, to out: inout [UInt8]) throws(CanonicalJSONError) {
        out.append(UInt8(ascii: "["))
        var isFirst = true
        for element in node.elements {
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            try append(element, to: &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    private static func appendMembers(_ node: JSONNode, to out: inout [UInt8]) throws(CanonicalJSONError) {
        var members: [(name: [UInt8], value: JSONNode)] = []
        for (key, value) in node.members { members.append((try text(of: key), value)) }
        members.sort { isBefore($0.name, $1.name) }
        out.append(UInt8(ascii: "{"))
        for (position, member) in members.enumerated() {
            if position > 0 {
                if members[position - 1].name == member.name { throw failure(.repeatedName, member.value) }
                out.append(UInt8(ascii: ","))
            }
            appendString(member.name, to: &out)
            out.append(UInt8(ascii: ":"))
            try append(member.value, to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func failure(_ code: CanonicalJSONError.Code, _ node: JSONNode) -> CanonicalJSONError {
        CanonicalJSONError(code: code, offset: node.range.lowerBound)
    }

    // MARK: Strings

    /// Whether a name comes first by its UTF-16 code units, both as UTF-8.
    ///
    /// The two orders differ in one thing: what UTF-16 writes as a pair (U+10000 and up, first byte F0 to F4) is before U+E000 to
    /// U+FFFF (first byte EE and EF).
    static func isBefore(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        for i in 0..<min(a.count, b.count) where a[i] != b[i] {
            let (isPair, isOtherPair) = (a[i] >= 0xF0, b[i] >= 0xF0)
            if isPair != isOtherPair, min(a[i], b[i]) >= 0xEE { return isPair }
            return a[i] < b[i]
        }
        return a.count < b.count
    }

    /// The UTF-8 of a string.
    private static func text(of node: JSONNode) throws(CanonicalJSONError) -> [UInt8] {
        if hasLoneSurrogate(node.lexeme) { throw failure(.loneSurrogate, node) }
        return node.unescapedBytes
    }

    /// Whether a validated string holds an escape of half a pair.
    private static func hasLoneSurrogate(_ lexeme: ArraySlice<UInt8>) -> Bool {
        var at = lexeme.startIndex
        var wantsLow = false
        while at < lexeme.endIndex {
            guard lexeme[at] == UInt8(ascii: "\\"), at + 1 < lexeme.endIndex else {
                if wantsLow { return true }
                at += 1
                continue
            }
            guard lexeme[at + 1] == UInt8(ascii: "u"), at + 5 < lexeme.endIndex else {
                if wantsLow { return true }
                at += 2
                continue
            }
            let unit = lexeme[at + 2..<at + 6].reduce(0) { $0 << 4 | UInt32(Hex.value($1) ?? 0) }
            let isLow = (0xDC00...0xDFFF).contains(unit)
            if isLow != wantsLow { return true }
            wantsLow = (0xD800...0xDBFF).contains(unit)
            at += 6
        }
        return wantsLow
    }

    /// Appends a string with the escapes of RFC 8785 section 3.2.2.2: two letters where JSON has them, `\u00` and lower-case
    /// digits for other control characters.
    private static func appendString(_ text: [UInt8], to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case 0x08: out.append(contentsOf: [0x5C, 0x62])
            case 0x09: out.append(contentsOf: [0x5C, 0x74])
            case 0x0A: out.append(contentsOf: [0x5C, 0x6E])
            case 0x0C: out.append(contentsOf: [0x5C, 0x66])
            case 0x0D: out.append(contentsOf: [0x5C, 0x72])
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(0x5C)
                out.append(byte)
            case 0x00..<0x20:
                out.append(contentsOf: [0x5C, 0x75, 0x30, 0x30])
                Hex.append(byte, to: &out)
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    // MARK: Numbers

    private static func appendNumber(_ node: JSONNode, to out: inout [UInt8]) throws(CanonicalJSONError) {
        // What a double holds exactly is written as it stands.
        if let integer = node.int, integer.magnitude < 1 << 53 {
            out.append(contentsOf: String(integer).utf8)
            return
        }
        guard let double = node.double, double.isFinite else { throw failure(.numberOutOfRange, node) }
        append(double, to: &out)
    }

    /// Appends a finite double as ECMAScript's `Number::toString` does for radix 10.
    static func append(_ value: Double, to out: inout [UInt8]) {
        guard value != 0 else { return out.append(UInt8(ascii: "0")) }
        if value < 0 { out.append(UInt8(ascii: "-")) }
        let (digits, point) = decimal(value.magnitude)
        let zero = UInt8(ascii: "0")
        switch point {
        case let point where point >= digits.count && point <= 21:
            out.append(contentsOf: digits)
            out.append(contentsOf: repeatElement(zero, count: point - digits.count))
        case 1...21:
            out.append(contentsOf: digits[..<point])
            out.append(UInt8(ascii: "."))
            out.append(contentsOf: digits[point...])
        case -5...0:
            out.append(contentsOf: [zero, UInt8(ascii: ".")])
            out.append(contentsOf: repeatElement(zero, count: -point))
            out.append(contentsOf: digits)
        default: appendExponent(digits, point - 1, to: &out)
        }
    }

    private static func appendExponent(_ digits: [UInt8], _ exponent: Int, to out: inout [UInt8]) {
        out.append(digits[0])
        if digits.count > 1 {
            out.append(UInt8(ascii: "."))
            out.append(contentsOf: digits[1...])
        }
        out.append(UInt8(ascii: "e"))
        out.append(UInt8(ascii: exponent < 0 ? "-" : "+"))
        out.append(contentsOf: String(exponent.magnitude).utf8)
    }

    /// The fewest digits that give the double back, without zeros at either end, and where the point stands behind the first.
    private static func decimal(_ value: Double) -> (digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        for (position, byte) in value.description.utf8.enumerated() {
            if byte == UInt8(ascii: "e") {
                let written = value.description.utf8.dropFirst(position + 1)
                exponent = Int(String(decoding: written.drop { $0 == UInt8(ascii: "+") }, as: UTF8.self)) ?? 0
                break
            }
            if byte == UInt8(ascii: ".") { point = digits.count } else { digits.append(byte) }
        }
        var place = (point ?? digits.count) + exponent
        let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(leading)
        place -= leading
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (digits, place)
    }
}
