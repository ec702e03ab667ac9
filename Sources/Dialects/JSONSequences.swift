// SPDX-License-Identifier: Apache-2.0

/// One JSON text among others in a body: where it lies.
package struct JSONPiece: Equatable, Sendable {
    /// Its bytes, white space around it left out.
    package let range: Range<Int>
    /// False where the body ended inside it.
    package let isWhole: Bool
}

/// The elements of a JSON array that may still be growing, as Gemini streams them.
///
/// Only brackets and strings are looked at; whether an element is JSON is for whoever parses it.
/// Total: any bytes give a finite list of elements that do not overlap.
/// - Complexity: O(n) for all elements together.
package struct JSONArrayElements: Sequence, IteratorProtocol, Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// The elements of a whole body.
    ///
    /// - Parameter bytes: the body.
    package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count, startsCut: false) }

    /// The elements in a part of a body.
    ///
    /// - Parameters:
    ///   - bytes: the whole body.
    ///   - range: the part.
    ///   - startsCut: whether the part begins inside an element. The next one is then found where a comma stands alone at the
    ///     start of a line and an object follows on the next, which is how the array is written and can be inside none of its
    ///     elements, whose lines are indented.
    init(_ bytes: [UInt8], in range: Range<Int>, startsCut: Bool) {
        self.bytes = bytes
        end = range.upperBound
        position = startsCut ? JSONArrayElements.separator(in: bytes, range) : JSONArrayElements.opening(in: bytes, range)
    }

    /// The next element, or nil at the end of the array or of the body.
    package mutating func next() -> JSONPiece? {
        while position < end, JSONText.isSpace(bytes[position]) || bytes[position] == UInt8(ascii: ",") { position += 1 }
        guard position < end, bytes[position] != UInt8(ascii: "]") else {
            position = end
            return nil
        }
        let start = position
        let stop = JSONText.end(of: bytes, from: start, to: end)
        position = stop ?? end
        return JSONPiece(range: start..<position, isWhole: stop != nil)
    }

    /// Behind the bracket that opens the array; at the end where there is none.
    private static func opening(in bytes: [UInt8], _ range: Range<Int>) -> Int {
        var i = range.lowerBound
        if bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) { i += 3 }
        while i < range.upperBound, JSONText.isSpace(bytes[i]) { i += 1 }
        return i < range.upperBound && bytes[i] == UInt8(ascii: "[") ? i + 1 : range.upperBound
    }

    private static func separator(in bytes: [UInt8], _ range: Range<Int>) -> Int {
        var i = range.lowerBound
        while i + 2 < range.upperBound {
            if bytes[i] == 0x0A, bytes[i + 1] == UInt8(ascii: ",") {
                var k = i + 2
                while k < range.upperBound, bytes[k] == 0x0D || bytes[k] == 0x0A { k += 1 }
                if k < range.upperBound, bytes[k] == UInt8(ascii: "{"), k > i + 2 || bytes[i + 2] == UInt8(ascii: "{") {
                    return k
                }
            }
            i += 1
        }
        return range.upperBound
    }
}

/// The JSON texts of a body that has one a line.
///
/// Total: any bytes give a finite list of lines that do not overlap; empty ones are left out.
/// - Complexity: O(n) for all lines together.
package struct JSONLines: Sequence, IteratorProtocol, Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// The lines of a whole body.
    ///
    /// - Parameter bytes: the body.
    package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count, startsCut: false) }

    /// The lines in a part of a body; of a part that begins inside a line, those after it.
    init(_ bytes: [UInt8], in range: Range<Int>, startsCut: Bool) {
        self.bytes = bytes
        end = range.upperBound
        position = range.lowerBound
        guard startsCut else { return }
        while position < end, bytes[position] != 0x0A { position += 1 }
    }

    /// The next line that is not empty, or nil at the end.
    package mutating func next() -> JSONPiece? {
        while position < end, JSONText.isSpace(bytes[position]) { position += 1 }
        guard position < end else { return nil }
        let start = position
        while position < end, bytes[position] != 0x0A { position += 1 }
        var stop = position
        while stop > start, JSONText.isSpace(bytes[stop - 1]) { stop -= 1 }
        return JSONPiece(range: start..<stop, isWhole: position < end)
    }
}

/// Finds where JSON values end, without validating them.
enum JSONText {
    /// Whether a byte is white space of JSON.
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// The offset behind the value that begins at `start`, or nil where `limit` comes first.
    ///
    /// A number or word ends where anything follows that cannot be part of it, or nowhere.
    static func end(of bytes: [UInt8], from start: Int, to limit: Int) -> Int? {
        var depth = 0
        var i = start
        while i < limit {
            switch bytes[i] {
            case UInt8(ascii: "\""):
                guard let stop = endOfString(bytes, from: i, to: limit) else { return nil }
                i = stop
                if depth == 0 { return i }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth <= 1 { return depth == 1 ? i + 1 : Swift.max(i, start + 1) }
                depth -= 1
            case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
                if depth == 0 { return Swift.max(i, start + 1) }
            default: break
            }
            i += 1
        }
        return nil
    }

    /// The offset behind the string that begins at `start`, or nil where `limit` comes first.
    static func endOfString(_ bytes: [UInt8], from start: Int, to limit: Int) -> Int? {
        var i = start + 1
        while i < limit {
            if bytes[i] == UInt8(ascii: "\"") { return i + 1 }
            i += bytes[i] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }
}
