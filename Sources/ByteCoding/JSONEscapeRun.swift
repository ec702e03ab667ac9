// SPDX-License-Identifier: Apache-2.0

/// The escapes of RFC 8259 over raw memory, 64 bytes a step.
extension JSONCursor {
    /// Copies a run, escaped; six bytes for each at most.
    ///
    /// - Parameters:
    ///   - run: valid UTF-8.
    ///   - start: where to write.
    /// - Returns: where the next byte goes.
    static func escape(_ run: ByteRun, to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (source, count) = (run.base, run.count)
        var target = start
        var i = 0
        // A block copies up to 32 bytes more than it has, and what is behind it makes room for them.
        while i &+ 96 <= count {
            target = escapeBlock(source + i, to: target)
            i &+= 64
        }
        while i &+ 8 <= count {
            target = escape(UInt64(littleEndian: source.loadUnaligned(fromByteOffset: i, as: UInt64.self)), to: target)
            i &+= 8
        }
        return escapeEnd(run.slice(i, count), to: target)
    }

    /// Copies 64 bytes, escaped: from each byte that needs an escape to the next at once.
    @inline(__always)
    private static func escapeBlock(_ source: UnsafeRawPointer, to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var found: UInt64 = 0
        for k in 0..<8 {
            let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: 8 &* k, as: UInt64.self))
            // The high bits of eight bytes, moved side by side.
            let bits = ((hits(word) &>> 7) &* 0x0102_0408_1020_4080) &>> 56
            found |= bits &<< UInt64(8 &* k)
        }
        var target = start
        var from = 0
        while found != 0 {
            let place = found.trailingZeroBitCount
            target = copy(source, from, place, to: target)
            target = escape(source.load(fromByteOffset: place, as: UInt8.self), to: target)
            from = place &+ 1
            found &= found &- 1
        }
        return copy(source, from, 64, to: target)
    }

    /// Copies at most 64 bytes by 32, so up to 32 more than asked for.
    @inline(__always)
    private static func copy(
        _ source: UnsafeRawPointer, _ from: Int, _ end: Int, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let count = end &- from
        target.copyMemory(from: source + from, byteCount: 32)
        if count > 32 { (target + 32).copyMemory(from: source + (from &+ 32), byteCount: 32) }
        return target + count
    }

    /// Copies eight bytes, escaped: the word is stored whole, and stored again from each byte on that needs an escape.
    @inline(__always)
    private static func escape(_ word: UInt64, to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        start.storeBytes(of: word.littleEndian, as: UInt64.self)
        var hits = hits(word)
        // How much further than in the source a byte stands.
        var target = start
        while hits != 0 {
            let bit = UInt64(truncatingIfNeeded: hits.trailingZeroBitCount) &- 7
            let place = Int(truncatingIfNeeded: bit &>> 3)
            let after = escape(UInt8(truncatingIfNeeded: word &>> bit), to: target + place)
            // The shift by 64 that the last byte would need is none: nothing of what it stores is kept.
            after.storeBytes(of: (word &>> (bit &+ 8)).littleEndian, as: UInt64.self)
            target = after - (place &+ 1)
            hits &= hits &- 1
        }
        return target + 8
    }

    /// Copies fewer than eight bytes, escaped: where none needs it, by two words that overlap.
    @inline(__always)
    private static func escapeEnd(_ run: ByteRun, to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (source, count) = (run.base, run.count)
        if count >= 4 {
            let first = UInt32(littleEndian: source.loadUnaligned(as: UInt32.self))
            let last = UInt32(littleEndian: source.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
            if hits(UInt64(first) | UInt64(last) &<< 32) == 0 {
                start.storeBytes(of: first.littleEndian, as: UInt32.self)
                start.storeBytes(of: last.littleEndian, toByteOffset: count &- 4, as: UInt32.self)
                return start + count
            }
        }
        var target = start
        for i in 0..<count {
            let byte = source.load(fromByteOffset: i, as: UInt8.self)
            if hits(UInt64(byte) | clean) != 0 {
                target = escape(byte, to: target)
            } else {
                target.storeBytes(of: byte, as: UInt8.self)
                target += 1
            }
        }
        return target
    }

    /// The offset of the first byte from an offset on that cannot stand in a JSON string as it is: a control byte, a quote, a backslash.
    ///
    /// - Parameters:
    ///   - run: what to look through.
    ///   - start: where to begin.
    /// - Returns: its offset; the run's count where there is none.
    @inline(__always)
    static func firstHit(_ run: ByteRun, from start: Int) -> Int {
        var i = start
        while i &+ 8 <= run.count {
            let found = firstHits(UInt64(littleEndian: run.base.loadUnaligned(fromByteOffset: i, as: UInt64.self)))
            if found != 0 { return i &+ found.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < run.count, hits(UInt64(run.base.load(fromByteOffset: i, as: UInt8.self)) | clean) == 0 { i &+= 1 }
        return i
    }

    /// The high bits of the bytes that need an escape; only the lowest one is sure, since it is borrowed from the bytes above it.
    @inline(__always)
    private static func firstHits(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (0x22 &* ones)
        let slash = word ^ (0x5C &* ones)
        // Below zero is what equals, or lies below a space; bytes with a high bit of their own never do.
        return ((quote &- ones) | (slash &- ones) | (word &- 0x20 &* ones)) & ~word & (0x80 &* ones)
    }

    /// Seven spaces, and room for one byte below them.
    @inline(__always)
    private static var clean: UInt64 { 0x2020_2020_2020_2000 }

    /// The high bits of the bytes that need an escape, and of no others: nothing is carried from one byte to the next.
    @inline(__always)
    private static func hits(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let sevens = 0x7F &* ones
        let quote = word ^ (0x22 &* ones)
        let slash = word ^ (0x5C &* ones)
        let isVisible = (word & sevens) &+ (0x60 &* ones) | word
        let isNoQuote = (quote & sevens) &+ sevens | quote
        let isNoSlash = (slash & sevens) &+ sevens | slash
        return ~(isVisible & isNoQuote & isNoSlash) & (0x80 &* ones)
    }

    /// By byte up to the backslash: what follows a backslash in its place, or `0` where there is nothing so short.
    private static let shortForms: StaticString =
        "000000000tn00r00000000000000000000\"000000000000000000000000000000000000000000000000000000000\\"

    /// Writes one byte that needs an escape; returns where the next goes.
    @inline(__always)
    private static func escape(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let short = shortForms.utf8Start[Int(byte)]
        guard short != UInt8(ascii: "0") else { return escapeControl(byte, to: target) }
        target.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
        target.storeBytes(of: short, toByteOffset: 1, as: UInt8.self)
        return target + 2
    }

    @inline(never)
    private static func escapeControl(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        target.copyMemory(from: ("\\u00" as StaticString).utf8Start, byteCount: 4)
        let low = byte & 15
        target.storeBytes(of: 0x30 + (byte >> 4), toByteOffset: 4, as: UInt8.self)
        target.storeBytes(of: low < 10 ? 0x30 + low : 0x57 + low, toByteOffset: 5, as: UInt8.self)
        return target + 6
    }
}
