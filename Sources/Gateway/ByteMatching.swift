// SPDX-License-Identifier: Apache-2.0

/// Comparisons of paths and names without making text of them.
enum ByteMatching {
    static let slash = UInt8(ascii: "/")

    /// Whether bytes begin with a text, case counting.
    static func hasPrefix(_ bytes: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count >= count else { return false }
        return text.withUTF8Buffer { text in
            let start = bytes.startIndex
            for k in 0..<count where unsafe bytes[start + k] != text[k] { return false }
            return true
        }
    }

    /// Whether bytes are a text, case counting.
    static func equals(_ bytes: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
        bytes.count == text.utf8CodeUnitCount && hasPrefix(bytes, text)
    }

    /// Whether bytes begin with others.
    static func hasPrefix(_ bytes: ArraySlice<UInt8>, _ prefix: [UInt8]) -> Bool {
        guard bytes.count >= prefix.count else { return false }
        let start = bytes.startIndex
        for k in 0..<prefix.count where bytes[start + k] != prefix[k] { return false }
        return true
    }

    /// The last element that equals a byte, or nil.
    static func last(_ byte: UInt8, in bytes: ArraySlice<UInt8>) -> Int? {
        var i = bytes.endIndex
        while i > bytes.startIndex {
            i -= 1
            if bytes[i] == byte { return i }
        }
        return nil
    }
}
