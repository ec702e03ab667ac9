// SPDX-License-Identifier: Apache-2.0

/// Escapes of JSON strings, both ways.
package enum JSONEscaping {
    /// Undoes the escapes of an already validated string's inside.
    ///
    /// A lone surrogate becomes U+FFFD.
    ///
    /// - Parameter inner: the bytes between the quotes.
    /// - Returns: valid UTF-8.
    static func unescape(_ inner: ArraySlice<UInt8>) -> [UInt8] { inner.withUnsafeBytes { unescape(ByteRun($0)) } }

    /// Undoes the escapes of an already validated string's inside.
    static func unescape(_ inner: ByteRun) -> [UInt8] {
        // Every escape is at least as long as what it stands for.
        [UInt8](unsafeUninitializedCapacity: inner.count) { buffer, count in
            guard let base = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            count = unescape(inner, to: base) - base
        }
    }

    /// Writes what a run stands for; returns where the next byte goes.
    private static func unescape(_ run: ByteRun, to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var target = start
        var i = 0
        while i < run.count {
            let hit = copyPlain(run, from: i, to: target)
            target += hit - i
            i = hit
            guard i < run.count else { break }
            guard i + 1 < run.count else {
                target.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
                return target + 1
            }
            i = writeEscape(run, at: i + 1, to: &target)
        }
        return target
    }

    /// Copies up to the first backslash from an offset on; returns its offset, or the run's count.
    @inline(__always)
    private static func copyPlain(_ run: ByteRun, from start: Int, to target: UnsafeMutableRawPointer) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var i = start
        while i &+ 8 <= run.count {
            let word = run.base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            target.storeBytes(of: word, toByteOffset: i &- start, as: UInt64.self)
            let other = UInt64(littleEndian: word) ^ (0x5C &* ones)
            let found = (other &- ones) & ~other & (0x80 &* ones)
            if found != 0 { return i &+ found.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < run.count {
            let byte = run.base.load(fromByteOffset: i, as: UInt8.self)
            if byte == UInt8(ascii: "\\") { return i }
            target.storeBytes(of: byte, toByteOffset: i &- start, as: UInt8.self)
            i &+= 1
        }
        return i
    }

    /// Writes what the escape letter at `at` stands for; returns the offset after it.
    @inline(__always)
    private static func writeEscape(_ run: ByteRun, at: Int, to target: inout UnsafeMutableRawPointer) -> Int {
        let letter = run.base.load(fromByteOffset: at, as: UInt8.self)
        let byte: UInt8
        switch letter {
        case 0x62: byte = 0x08
        case 0x66: byte = 0x0C
        case 0x6E: byte = 0x0A
        case 0x72: byte = 0x0D
        case 0x74: byte = 0x09
        case 0x75: return writeUnicode(run, at: at + 1, to: &target)
        default: byte = letter
        }
        target.storeBytes(of: byte, as: UInt8.self)
        target += 1
        return at + 1
    }

    private static func writeUnicode(_ run: ByteRun, at: Int, to target: inout UnsafeMutableRawPointer) -> Int {
        guard let high = codeUnit(run, at: at) else { return at }
        var scalar = UInt32(high)
        var after = at + 4
        if high >= 0xD800, high < 0xDC00, after + 2 <= run.count, run.slice(after, after + 2).equals(ByteRun("\\u")),
            let low = codeUnit(run, at: after + 2), low >= 0xDC00, low < 0xE000
        {
            scalar = 0x10000 + ((UInt32(high) - 0xD800) << 10) + (UInt32(low) - 0xDC00)
            after += 6
        }
        for byte in UTF8.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
            target.storeBytes(of: byte, as: UInt8.self)
            target += 1
        }
        return after
    }

    private static func codeUnit(_ run: ByteRun, at: Int) -> UInt16? {
        guard at + 4 <= run.count else { return nil }
        var unit: UInt16 = 0
        for i in at..<at + 4 {
            guard let digit = Hex.value(run.base.load(fromByteOffset: i, as: UInt8.self)) else { return nil }
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
        let run = ByteRun(UnsafeRawBufferPointer(text))
        var from = 0
        while from < text.count {
            let hit = JSONCursor.firstHit(run, from: from)
            out.append(contentsOf: UnsafeBufferPointer(rebasing: text[from..<hit]))
            guard hit < text.count else { break }
            appendByte(text[hit], to: &out)
            from = hit + 1
        }
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
