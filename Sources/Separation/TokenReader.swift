// SPDX-License-Identifier: Apache-2.0

/// Takes the bytes of tokens, one after another.
protocol TokenSink {
    /// A byte of the token that is being read.
    mutating func push(_ byte: UInt8)
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
        let ascii = ASCIIFold.table.span
        var check = OrderCheck()
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            if byte < 0x80 {
                let folded = ascii[Int(byte)]
                if folded != 0 { sink.push(folded) } else { sink.end() }
                at &+= 1
                continue
            }
            let (value, after) = UTF8Scalar.read(bytes, at)
            let kind = value < ScalarTable.count ? table.classes[Int(value)] : ScalarTable.classOutside(value)
            if kind & ScalarTable.attention != 0, !isComposed, !check.passes(value, at: at, after: after) { return false }
            take(value, kind & ~ScalarTable.attention, table, into: &sink)
            at = after
        }
        sink.end()
        return true
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

/// What ASCII bytes are in a token: small letters, the digit 0, or 0 for what ends it.
enum ASCIIFold {
    static let table: [UInt8] = (0..<256).map { value in
        let byte = UInt8(value)
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return byte | 0x20
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt8(ascii: "0")
        default: return 0
        }
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

    mutating func end() { isInside = false }

    mutating func rewind() {
        text.removeLast(text.count - start)
        isInside = false
    }
}
