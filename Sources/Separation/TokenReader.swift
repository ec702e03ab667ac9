// SPDX-License-Identifier: Apache-2.0

/// Takes the bytes of tokens, one after another.
protocol TokenSink {
    /// A byte of the token that is being read.
    mutating func push(_ byte: UInt8)
    /// Up to eight bytes of it, the first one lowest, and zeros.
    mutating func push(_ bytes: UInt64, count: Int)
    /// The end of a token, or nothing where none is being read.
    mutating func end()
    /// Forgets all since the text began.
    mutating func rewind()
}

/// Finds the tokens of texts.
package enum TokenReader {
    /// How many tokens texts have together; each is hashed, as everywhere.
    package static func count(of texts: [String]) -> Int {
        var tokens: [UInt64] = []
        var count = 0
        for text in texts {
            append(text, to: &tokens)
            count += tokens.count
            tokens.removeAll(keepingCapacity: true)
        }
        return count
    }

    /// The version of Unicode whose properties decide what a token is: that of the youngest scalar that the standard library knows.
    package static var unicodeVersion: (major: Int, minor: Int) {
        var youngest = (major: 0, minor: 0)
        for value in UInt32(0)..<0x11_0000 {
            guard let age = Unicode.Scalar(value)?.properties.age, (age.major, age.minor) > youngest else { continue }
            youngest = age
        }
        return youngest
    }

    /// Appends the hashes of a text's tokens.
    ///
    /// - Complexity: O(n); a text that is not in NFC, or needs a closer look, is read again.
    static func append(_ text: String, to tokens: inout [UInt64]) {
        var sink = HashSink()
        swap(&sink.tokens, &tokens)
        sink.start = sink.tokens.count
        read(text, into: &sink)
        swap(&sink.tokens, &tokens)
    }

    /// Appends a text's tokens as text, with a space between two.
    static func append(_ text: String, asTextTo out: inout [UInt8]) {
        var sink = TextSink(text: out, start: out.count)
        read(text, into: &sink)
        out = sink.text
    }

    private static func read<Sink: TokenSink>(_ text: String, into sink: inout Sink) {
        if scan(text, isComposed: false, into: &sink) { return }
        sink.rewind()
        _ = scan(NormalForm.composed(text), isComposed: true, into: &sink)
    }

    /// Reads a text; false, with tokens read in vain, where it may not be in NFC.
    @inline(__always)
    private static func scan<Sink: TokenSink>(_ text: String, isComposed: Bool, into sink: inout Sink) -> Bool {
        let bytes = text.utf8Span.span
        let table = ScalarTable.shared
        var check = OrderCheck()
        var at = 0
        while true {
            at = ascii(bytes, from: at, into: &sink)
            guard at < bytes.count else { break }
            let (value, after) = UTF8Scalar.read(bytes, at)
            let kind = value < ScalarTable.count ? table.classes[Int(value)] : ScalarTable.classOutside(value)
            if kind & ScalarTable.attention != 0, !isComposed, !check.passes(value, at: at, after: after) { return false }
            take(value, kind & ~ScalarTable.attention, table, into: &sink)
            at = after
        }
        sink.end()
        return true
    }

    /// Reads up to the first byte that is not ASCII: as long as there are eight bytes, up to the end of a token at once.
    @inline(__always)
    private static func ascii<Sink: TokenSink>(_ bytes: Span<UInt8>, from start: Int, into sink: inout Sink) -> Int {
        let raw = unsafe bytes.bytes
        var at = start
        while at &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
            if word & ASCIIFold.highs != 0 { break }
            let (folded, ends) = ASCIIFold.fold(word)
            if ends == 0 {
                sink.push(folded, count: 8)
                at &+= 8
                continue
            }
            let count = ends.trailingZeroBitCount &>> 3
            if count > 0 { sink.push(folded & ~(UInt64.max &<< UInt64(count &* 8)), count: count) }
            sink.end()
            at &+= count &+ 1
        }
        while at < bytes.count, bytes[at] < 0x80 {
            let (folded, ends) = ASCIIFold.fold(UInt64(bytes[at]))
            if ends & 0x80 == 0 { sink.push(UInt8(truncatingIfNeeded: folded)) } else { sink.end() }
            at &+= 1
        }
        return at
    }

    private static func take<Sink: TokenSink>(_ value: UInt32, _ kind: UInt8, _ table: ScalarTable, into sink: inout Sink) {
        switch ScalarTable.Kind(rawValue: kind) ?? .separator {
        case .separator: sink.end()
        case .plain: push(value, into: &sink)
        case .digit: sink.push(UInt8(ascii: "0"))
        case .alone:
            sink.end()
            push(value, into: &sink)
            sink.end()
        case .capital: push(table.lower[Int(value)], into: &sink)
        case .dottedCapital:
            sink.push(UInt8(ascii: "i"))
            push(0x307, into: &sink)
        }
    }

    /// Pushes the UTF-8 of a scalar; a capital's small letter may be ASCII.
    @inline(__always)
    private static func push<Sink: TokenSink>(_ value: UInt32, into sink: inout Sink) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: value &>> shift) & 0x3F | 0x80 }
        switch value {
        case ..<0x80: return sink.push(UInt8(truncatingIfNeeded: value))
        case ..<0x800: sink.push(UInt8(truncatingIfNeeded: value &>> 6) | 0xC0)
        case ..<0x10000:
            sink.push(UInt8(truncatingIfNeeded: value &>> 12) | 0xE0)
            sink.push(tail(6))
        default:
            sink.push(UInt8(truncatingIfNeeded: value &>> 18) | 0xF0)
            sink.push(tail(12))
            sink.push(tail(6))
        }
        sink.push(tail(0))
    }
}

/// What ASCII bytes are in a token, eight at a time: small letters, or the digit 0.
enum ASCIIFold {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    /// The highest bit of each byte.
    static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Bytes as they are in a token, 0 for one that ends it; and the highest bit of each one that does.
    @inline(__always)
    static func fold(_ word: UInt64) -> (folded: UInt64, ends: UInt64) {
        let small = word | 0x20 &* ones
        let letters = range(small, UInt8(ascii: "a"), UInt8(ascii: "z"))
        let digits = range(word, UInt8(ascii: "0"), UInt8(ascii: "9"))
        let folded = small & (letters &>> 7 &* 0xFF) | digits &>> 7 &* UInt64(UInt8(ascii: "0"))
        return (folded, ~(letters | digits) & highs)
    }

    /// The highest bit of each byte of a range; all are ASCII, so that no sum passes into the next byte.
    @inline(__always)
    private static func range(_ word: UInt64, _ low: UInt8, _ high: UInt8) -> UInt64 {
        let notBelow = word &+ UInt64(0x80 &- low) &* ones
        let above = word &+ UInt64(0x7F &- high) &* ones
        return notBelow & ~above & highs
    }
}

/// Hashes tokens eight bytes at a time; no byte of a token is 0, so what is left of the last eight needs no length.
private struct HashSink: TokenSink {
    var tokens: [UInt64] = []
    var start = 0
    private var hash = SeparationHash.seed
    private var word: UInt64 = 0
    private var bits: UInt64 = 0

    @inline(__always)
    mutating func push(_ byte: UInt8) {
        word |= UInt64(byte) &<< bits
        bits &+= 8
        if bits == 64 {
            hash = SeparationHash.step(hash, word)
            (word, bits) = (0, 0)
        }
    }

    @inline(__always)
    mutating func push(_ bytes: UInt64, count: Int) {
        word |= bytes &<< bits
        let total = bits &+ UInt64(truncatingIfNeeded: count &* 8)
        if total >= 64 {
            hash = SeparationHash.step(hash, word)
            // What did not fit; where all did, the shift is by 64 bits and more, which leaves nothing.
            word = bytes >> (64 - bits)
            bits = total &- 64
        } else {
            bits = total
        }
    }

    @inline(__always)
    mutating func end() {
        if bits == 0, hash == SeparationHash.seed { return }
        if bits != 0 { hash = SeparationHash.step(hash, word) }
        tokens.append(SeparationHash.finish(hash))
        (hash, word, bits) = (SeparationHash.seed, 0, 0)
    }

    mutating func rewind() {
        tokens.removeLast(tokens.count - start)
        (hash, word, bits) = (SeparationHash.seed, 0, 0)
    }
}

/// Writes tokens as text.
private struct TextSink: TokenSink {
    var text: [UInt8]
    let start: Int
    private var isInside = false

    init(text: [UInt8], start: Int) {
        self.text = text
        self.start = start
    }

    mutating func push(_ byte: UInt8) {
        if !isInside, !text.isEmpty { text.append(0x20) }
        isInside = true
        text.append(byte)
    }

    mutating func push(_ bytes: UInt64, count: Int) {
        for at in 0..<count { push(UInt8(truncatingIfNeeded: bytes &>> UInt64(at &* 8))) }
    }

    mutating func end() { isInside = false }

    mutating func rewind() {
        text.removeLast(text.count - start)
        isInside = false
    }
}
