// SPDX-License-Identifier: Apache-2.0

/// Escapes of JSON strings, both ways.
package enum JSONEscaping {
    /// Undoes the escapes of an already validated string's inside.
    ///
    /// A lone surrogate becomes U+FFFD.
    ///
    /// - Parameter inner: the bytes between the quotes.
    /// - Returns: valid UTF-8.
    static func unescape(_ inner: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(inner.count)
        var i = inner.startIndex
        while i < inner.endIndex {
            let byte = inner[i]
            guard byte == UInt8(ascii: "\\"), i + 1 < inner.endIndex else {
                out.append(byte)
                i += 1
                continue
            }
            i = appendEscape(inner, at: i + 1, to: &out)
        }
        return out
    }

    /// Appends what the escape letter at `at` stands for; returns the index after it.
    private static func appendEscape(_ inner: ArraySlice<UInt8>, at: Int, to out: inout [UInt8]) -> Int {
        switch inner[at] {
        case 0x62: out.append(0x08)
        case 0x66: out.append(0x0C)
        case 0x6E: out.append(0x0A)
        case 0x72: out.append(0x0D)
        case 0x74: out.append(0x09)
        case 0x75: return appendUnicode(inner, at: at + 1, to: &out)
        default: out.append(inner[at])
        }
        return at + 1
    }

    private static func appendUnicode(_ inner: ArraySlice<UInt8>, at: Int, to out: inout [UInt8]) -> Int {
        guard let high = codeUnit(inner, at: at) else { return at }
        var scalar = UInt32(high)
        var after = at + 4
        if high >= 0xD800, high < 0xDC00, after + 1 < inner.endIndex, inner[after] == UInt8(ascii: "\\"),
            inner[after + 1] == UInt8(ascii: "u"), let low = codeUnit(inner, at: after + 2), low >= 0xDC00, low < 0xE000
        {
            scalar = 0x10000 + ((UInt32(high) - 0xD800) << 10) + (UInt32(low) - 0xDC00)
            after += 6
        }
        let character = Unicode.Scalar(scalar) ?? "\u{FFFD}"
        out.append(contentsOf: String(Character(character)).utf8)
        return after
    }

    private static func codeUnit(_ inner: ArraySlice<UInt8>, at: Int) -> UInt16? {
        guard at + 4 <= inner.endIndex else { return nil }
        var unit: UInt16 = 0
        for i in at..<at + 4 {
            guard let digit = Hex.value(inner[i]) else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// Appends a quoted JSON string.
    ///
    /// Only what RFC 8259 demands is escaped; `/` and non-ASCII stay as they are.
    ///
    /// - Parameters:
    ///   - text: valid UTF-8.
    ///   - out: where to append.
    package static func appendQuoted(_ text: some Sequence<UInt8>, to out: inout [UInt8]) {
        let isDone: Void? = text.withContiguousStorageIfAvailable { appendQuoted(runs: $0, to: &out) }
        guard isDone == nil else { return }
        out.append(UInt8(ascii: "\""))
        for byte in text { appendByte(byte, to: &out) }
        out.append(UInt8(ascii: "\""))
    }

    /// Appends a quoted JSON string from contiguous bytes, copying clean runs whole.
    ///
    /// - Parameters:
    ///   - text: valid UTF-8.
    ///   - out: where to append.
    package static func appendQuoted(_ text: ArraySlice<UInt8>, to out: inout [UInt8]) {
        text.withUnsafeBufferPointer { appendQuoted(runs: $0, to: &out) }
    }

    /// Copies the runs between bytes that need an escape.
    private static func appendQuoted(runs text: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var runStart = 0
        for i in 0..<text.count {
            let byte = text[i]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                out.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<i]))
                appendByte(byte, to: &out)
                runStart = i + 1
            }
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart...]))
        out.append(UInt8(ascii: "\""))
    }

    private static func appendByte(_ byte: UInt8, to out: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            out.append(UInt8(ascii: "\\"))
            out.append(byte)
        case 0x0A: out.append(contentsOf: [0x5C, 0x6E])
        case 0x0D: out.append(contentsOf: [0x5C, 0x72])
        case 0x09: out.append(contentsOf: [0x5C, 0x74])
        case 0x00..<0x20:
            out.append(contentsOf: [0x5C, 0x75, 0x30, 0x30])
            Hex.append(byte, to: &out)
        default: out.append(byte)
        }
    }
}
