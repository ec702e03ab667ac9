// SPDX-License-Identifier: Apache-2.0

/// Writes JSON to where it points, with no look at how much room there is: the caller has taken room for all of it.
///
/// For one thread, within one call. `JSONLine.begin(atMost:)` hands it out, `JSONLine.end(_:)` takes it back and looks at the bound.
/// It may store up to `slack` bytes beyond what it has written.
@safe package struct JSONCursor {
    /// Where the next byte goes.
    var at: UnsafeMutableRawPointer
    /// Where the room ends that was taken.
    let end: UnsafeMutableRawPointer
    /// Bytes beyond the end of what was written that may be stored to.
    package static let slack = 64
    /// Bytes that one byte of a string may become.
    package static let escapedBytes = 6
    /// Bytes of the longest integer.
    package static let integerBytes = 20

    /// A cursor at the beginning of room that was taken.
    init(at: UnsafeMutableRawPointer, room: Int) {
        self.at = at
        end = at + room
    }

    /// Writes text as it is.
    package mutating func literal(_ text: StaticString) {
        at.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        at += text.utf8CodeUnitCount
    }

    /// Writes bytes as they are.
    package mutating func raw(_ run: ByteRun) {
        at.copyMemory(from: run.base, byteCount: run.count)
        at += run.count
    }

    /// Writes a key with its comma, `,"key":` as it is given, and an integer or null.
    package mutating func integer(_ key: StaticString, _ value: Int64?) {
        literal(key)
        if let value { integer(value) } else { literal("null") }
    }

    /// Writes a key as it is given, and a string or null; six bytes for each of the string and two more.
    package mutating func string(_ key: StaticString, _ value: ByteRun?) {
        literal(key)
        if let value { string(value) } else { literal("null") }
    }

    /// Writes a quoted string from valid UTF-8; six bytes for each of the string and two more.
    package mutating func string(_ run: ByteRun) {
        literal("\"")
        at = JSONCursor.escape(run, to: at)
        literal("\"")
    }

    /// Writes a quoted string from valid UTF-8, with a text after it that needs no escape.
    package mutating func string(_ run: ByteRun, then text: StaticString) {
        literal("\"")
        at = JSONCursor.escape(run, to: at)
        literal(text)
        literal("\"")
    }

    /// Writes a quoted string of ASCII, its capitals lowered.
    package mutating func lowercased(_ run: ByteRun) {
        let start = at + 1
        string(run)
        for i in 0..<at - start {
            let byte = start.load(fromByteOffset: i, as: UInt8.self)
            if byte >= 0x41, byte <= 0x5A { start.storeBytes(of: byte | 0x20, toByteOffset: i, as: UInt8.self) }
        }
    }

    /// Writes an integer.
    package mutating func integer(_ value: Int64) {
        var left = value.magnitude
        if value < 0 { literal("-") }
        if left < 10 {
            at.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: left), as: UInt8.self)
            at += 1
            return
        }
        var digits = 2
        var bound: UInt64 = 100
        while digits < 20, left >= bound {
            digits &+= 1
            let (next, isOver) = bound.multipliedReportingOverflow(by: 10)
            bound = isOver ? UInt64.max : next
        }
        var place = digits
        while left >= 10 {
            let (quotient, pair) = left.quotientAndRemainder(dividingBy: 100)
            left = quotient
            place &-= 2
            let tens = UInt16(truncatingIfNeeded: pair) / 10
            let units = UInt16(truncatingIfNeeded: pair) &- tens &* 10
            at.storeBytes(of: (0x3030 &+ tens &+ units &<< 8).littleEndian, toByteOffset: place, as: UInt16.self)
            if place == 0 { break }
        }
        if place == 1 { at.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: left), as: UInt8.self) }
        at += digits
    }

    /// Writes the 36 characters of a UUID.
    package mutating func uuid(high: UInt64, low: UInt64) {
        Hex.writeUUID(high: high, low: low, to: at)
        at += 36
    }
}
