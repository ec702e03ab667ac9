// SPDX-License-Identifier: Apache-2.0

/// Writes one line of JSON into memory that is used again; the fast twin of `JSONWriter`, which is its oracle.
///
/// Owned by one thread. Punctuation is the caller's business: it writes literals that hold commas and keys.
@safe package struct JSONLine: ~Copyable {
    private var store: ByteStore
    /// Memory kept from one line to the next, bytes.
    private static let keptBytes = 4 << 20
    /// A long string is escaped in pieces of this many bytes, so that room is taken as it is needed.
    private static let pieceBytes = 32 << 10

    /// An empty line.
    package init() { store = ByteStore(capacity: 64 << 10) }

    /// What has been written; good until the next change.
    package var run: ByteRun { store.run }

    /// Bytes written.
    package var count: Int { store.count }

    /// Begins another line.
    package mutating func reset() { store.reset(keeping: JSONLine.keptBytes) }

    /// Writes text as it is.
    package mutating func literal(_ text: StaticString) { store.append(ByteRun(text)) }

    /// Writes bytes as they are.
    package mutating func raw(_ run: ByteRun) { store.append(run) }

    /// Writes a key with its comma, `,"key":` as it is given, and an integer or null.
    package mutating func integer(_ key: StaticString, _ value: Int64?) {
        literal(key)
        guard let value else { return literal("null") }
        integer(value)
    }

    /// Writes a key as it is given, and a string or null.
    package mutating func string(_ key: StaticString, _ value: ByteRun?) {
        literal(key)
        guard let value else { return literal("null") }
        string(value)
    }

    /// Writes an integer.
    package mutating func integer(_ value: Int64) {
        store.reserve(20)
        let start = store.base + store.count
        var left = value.magnitude
        var digits = 1
        var bound: UInt64 = 10
        while digits < 19, left >= bound {
            digits += 1
            bound *= 10
        }
        if digits == 19, left >= bound { digits = 20 }
        let sign = value < 0 ? 1 : 0
        if sign == 1 { start.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self) }
        var at = digits + sign
        while at > sign {
            at -= 1
            let (quotient, digit) = left.quotientAndRemainder(dividingBy: 10)
            start.storeBytes(of: UInt8(truncatingIfNeeded: digit) + 0x30, toByteOffset: at, as: UInt8.self)
            left = quotient
        }
        store.count += digits + sign
    }

    /// Writes a quoted string from valid UTF-8.
    package mutating func string(_ run: ByteRun) {
        literal("\"")
        var done = 0
        while done < run.count {
            let end = min(done + JSONLine.pieceBytes, run.count)
            escape(run.slice(done, end))
            done = end
        }
        literal("\"")
    }

    /// Writes a quoted string from valid UTF-8, with a text after it that needs no escape.
    package mutating func string(_ run: ByteRun, then text: StaticString) {
        string(run)
        store.count -= 1
        literal(text)
        literal("\"")
    }

    /// Writes the 36 characters of a UUID.
    package mutating func uuid(high: UInt64, low: UInt64) {
        store.reserve(36)
        var at = store.count
        for i in 0..<32 {
            if i == 8 || i == 12 || i == 16 || i == 20 {
                store.base.storeBytes(of: UInt8(ascii: "-"), toByteOffset: at, as: UInt8.self)
                at += 1
            }
            let digit = UInt8(truncatingIfNeeded: (i < 16 ? high : low) >> UInt64(60 - 4 * (i & 15))) & 15
            store.base.storeBytes(of: digit < 10 ? 0x30 + digit : 0x57 + digit, toByteOffset: at, as: UInt8.self)
            at += 1
        }
        store.count = at
    }

    /// Writes a quoted string of ASCII, its capitals lowered.
    package mutating func lowercased(_ run: ByteRun) {
        let start = store.count + 1
        string(run)
        for i in start..<store.count {
            let byte = store.base.load(fromByteOffset: i, as: UInt8.self)
            if byte >= 0x41, byte <= 0x5A { store.base.storeBytes(of: byte | 0x20, toByteOffset: i, as: UInt8.self) }
        }
    }

    private mutating func escape(_ run: ByteRun) {
        // Six bytes for each at worst, and a word that may be stored beyond the end.
        store.reserve(run.count * 6 + 16)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let (source, count) = (run.base, run.count)
        var target = store.base + store.count
        var i = 0
        while i + 8 <= count {
            let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            target.storeBytes(of: word.littleEndian, as: UInt64.self)
            let quote = word ^ (0x22 &* ones)
            let slash = word ^ (0x5C &* ones)
            let low = (word &- (0x20 &* ones)) & ~word
            let hits = (low | ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)) & highs
            if hits == 0 {
                i += 8
                target += 8
                continue
            }
            // The lowest hit is exact; those above it may be borrowed.
            let clean = hits.trailingZeroBitCount >> 3
            i += clean
            target = JSONLine.escape(source.load(fromByteOffset: i, as: UInt8.self), to: target + clean)
            i += 1
        }
        while i < count {
            target = JSONLine.escape(source.load(fromByteOffset: i, as: UInt8.self), to: target)
            i += 1
        }
        store.count = target - store.base
    }

    /// Writes one byte, escaped where RFC 8259 demands it; returns where the next goes.
    @inline(__always)
    private static func escape(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let short: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): short = byte
        case 0x0A: short = UInt8(ascii: "n")
        case 0x0D: short = UInt8(ascii: "r")
        case 0x09: short = UInt8(ascii: "t")
        case 0x00..<0x20:
            target.copyMemory(from: ("\\u00" as StaticString).utf8Start, byteCount: 4)
            let low = byte & 15
            target.storeBytes(of: 0x30 + (byte >> 4), toByteOffset: 4, as: UInt8.self)
            target.storeBytes(of: low < 10 ? 0x30 + low : 0x57 + low, toByteOffset: 5, as: UInt8.self)
            return target + 6
        default:
            target.storeBytes(of: byte, as: UInt8.self)
            return target + 1
        }
        target.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
        target.storeBytes(of: short, toByteOffset: 1, as: UInt8.self)
        return target + 2
    }

    /// Writes a quoted string of the base64 of a run.
    package mutating func base64(_ run: ByteRun) {
        literal("\"")
        store.reserve((run.count + 2) / 3 * 4)
        let alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" as StaticString).utf8Start
        var target = store.base + store.count
        var i = 0
        while i < run.count {
            let left = run.count - i
            let a = UInt32(run.base.load(fromByteOffset: i, as: UInt8.self))
            let b = left > 1 ? UInt32(run.base.load(fromByteOffset: i + 1, as: UInt8.self)) : 0
            let c = left > 2 ? UInt32(run.base.load(fromByteOffset: i + 2, as: UInt8.self)) : 0
            let group = a << 16 | b << 8 | c
            target.storeBytes(of: alphabet[Int(group >> 18)], as: UInt8.self)
            target.storeBytes(of: alphabet[Int(group >> 12 & 63)], toByteOffset: 1, as: UInt8.self)
            let third = left > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "=")
            let fourth = left > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "=")
            target.storeBytes(of: third, toByteOffset: 2, as: UInt8.self)
            target.storeBytes(of: fourth, toByteOffset: 3, as: UInt8.self)
            target += 4
            i += 3
        }
        store.count = target - store.base
        literal("\"")
    }
}
