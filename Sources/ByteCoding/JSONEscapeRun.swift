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
        while i &+ 16 <= count {
            while i &+ 32 <= count, isClean(source + i, copyingTo: target) {
                i &+= 32
                target += 32
            }
            // What is left of the block, or its half where nothing of it was clean.
            let end = min(count &- 16, i &+ 16)
            while i <= end {
                let low = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                let high = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: i &+ 8, as: UInt64.self))
                target.storeBytes(of: low.littleEndian, as: UInt64.self)
                target.storeBytes(of: high.littleEndian, toByteOffset: 8, as: UInt64.self)
                let (lowHits, highHits) = (hits(low), hits(high))
                if lowHits | highHits == 0 {
                    i &+= 16
                    target += 16
                    continue
                }
                // The lowest hit is exact; those above it may be borrowed.
                let clean = lowHits != 0 ? lowHits.trailingZeroBitCount &>> 3 : 8 &+ highHits.trailingZeroBitCount &>> 3
                i &+= clean
                target = escape(source.load(fromByteOffset: i, as: UInt8.self), to: target + clean)
                i &+= 1
            }
        }
        return escapeEnd(run.slice(i, count), to: target)
    }

    /// Copies fewer than 16 bytes, escaped: where none needs it, by two words that overlap.
    @inline(__always)
    private static func escapeEnd(_ run: ByteRun, to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (source, count) = (run.base, run.count)
        if count >= 8 {
            let first = UInt64(littleEndian: source.loadUnaligned(as: UInt64.self))
            let last = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
            if hits(first) | hits(last) == 0 {
                start.storeBytes(of: first.littleEndian, as: UInt64.self)
                start.storeBytes(of: last.littleEndian, toByteOffset: count &- 8, as: UInt64.self)
                return start + count
            }
        } else if count >= 4 {
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

    /// The high bits of the bytes that need an escape; above the lowest one there may be others.
    @inline(__always)
    private static func hits(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (0x22 &* ones)
        let slash = word ^ (0x5C &* ones)
        let low = word &- (0x20 &* ones)
        return (low | (quote &- ones) | (slash &- ones)) & ~word & 0x8080_8080_8080_8080
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
