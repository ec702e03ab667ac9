// SPDX-License-Identifier: Apache-2.0

/// The escapes of RFC 8259 over raw memory: clean runs are copied by 32 bytes.
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
        while i &+ 8 <= count {
            while i &+ 32 <= count, isClean(source + i, copyingTo: target) {
                i &+= 32
                target += 32
            }
            // What is left of the run, or a block of which something needs an escape.
            let end = min(count &- 8, i &+ 24)
            while i <= end {
                target = escape(UInt64(littleEndian: source.loadUnaligned(fromByteOffset: i, as: UInt64.self)), to: target)
                i &+= 8
            }
        }
        return escapeEnd(run.slice(i, count), to: target)
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
        for i in 0..<count { target = escape(source.load(fromByteOffset: i, as: UInt8.self), to: target) }
        return target
    }

    /// Copies 32 bytes; true where none of them needs an escape.
    ///
    /// Written so that the compiler makes vectors of it.
    @inline(__always)
    private static func isClean(_ source: UnsafeRawPointer, copyingTo target: UnsafeMutableRawPointer) -> Bool {
        target.copyMemory(from: source, byteCount: 32)
        var found: UInt8 = 0
        for k in 0..<32 {
            let byte = source.load(fromByteOffset: k, as: UInt8.self)
            found |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0)
        }
        return found == 0
    }

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

    /// Writes one byte, escaped where it must be; returns where the next goes.
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
}
