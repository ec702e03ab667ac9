// SPDX-License-Identifier: Apache-2.0

/// Which model names a price is for: literal text, `*` for any run of characters, `#` for one digit; case does not matter.
///
/// There is no regular expression: a match costs at most the product of both lengths, whatever the pattern is.
package struct ModelPattern: Hashable, Sendable {
    /// As it is written, in lower case.
    package let text: String
    private let bytes: [UInt8]
    /// How much of it is not `*`: what makes one pattern more specific than another.
    package let literalCount: Int

    /// A pattern, or nil where it is empty, too long, or holds a control character, a blank or `|`.
    package init?(_ text: String) {
        let lowered = text.lowercased()
        guard !lowered.isEmpty, lowered.utf8.count <= PricingLimits.nameBytes else { return nil }
        guard lowered.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "|") }) else { return nil }
        self.text = lowered
        bytes = Array(lowered.utf8)
        literalCount = bytes.count { $0 != UInt8(ascii: "*") }
    }

    /// Whether it stands for exactly one name.
    package var isLiteral: Bool { !bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "#") } }

    /// Whether a name, in lower case, is one of those the pattern stands for.
    ///
    /// - Complexity: O(pattern x name).
    package func matches(_ name: [UInt8]) -> Bool {
        var p = 0
        var n = 0
        var star: Int?
        var resume = 0
        while n < name.count {
            if p < bytes.count, bytes[p] == UInt8(ascii: "*") {
                star = p
                resume = n
                p += 1
            } else if p < bytes.count, ModelPattern.fits(bytes[p], name[n]) {
                p += 1
                n += 1
            } else if let star {
                p = star + 1
                resume += 1
                n = resume
            } else {
                return false
            }
        }
        while p < bytes.count, bytes[p] == UInt8(ascii: "*") { p += 1 }
        return p == bytes.count
    }

    private static func fits(_ pattern: UInt8, _ byte: UInt8) -> Bool {
        pattern == byte || (pattern == UInt8(ascii: "#") && (0x30...0x39).contains(byte))
    }
}

/// The names under which the price of a model may stand.
package enum ModelNames {
    /// A name to look up, and the region that it named.
    package struct Candidate: Equatable, Sendable {
        /// In lower case.
        package let name: String
        /// Taken off its front, as Bedrock writes it.
        package let region: String?
    }

    private static let regions: Set<String> = ["us", "eu", "apac", "jp", "au", "ca", "us-gov", "global"]

    /// The names to try for a model, most literal first.
    ///
    /// Paths of Vertex AI and ARNs of Bedrock are cut to the model, a region before the model is told apart, and `-20251211` is also
    /// tried as `-2025-12-11`.
    /// - Parameter model: as the request or the answer names it.
    /// - Returns: at most eight names; none for a name that is empty or too long.
    package static func candidates(of model: String) -> [Candidate] {
        let whole = model.lowercased()
        guard !whole.isEmpty, whole.utf8.count <= PricingLimits.nameBytes else { return [] }
        var found = [Candidate(name: whole, region: nil)]
        func add(_ name: String, _ region: String?) {
            let candidate = Candidate(name: name, region: region)
            if !name.isEmpty, !found.contains(candidate) { found.append(candidate) }
        }
        var short = whole
        let isPath = ["models/", "projects/", "publishers/", "arn:"].contains { whole.hasPrefix($0) }
        if isPath, let slash = whole.lastIndex(of: "/") {
            short = String(whole[whole.index(after: slash)...])
            add(short, nil)
        }
        if let dot = short.firstIndex(of: "."), regions.contains(String(short[..<dot])) {
            add(String(short[short.index(after: dot)...]), String(short[..<dot]))
        }
        for candidate in found {
            if let dated = withDashedDate(candidate.name) { add(dated, candidate.region) }
        }
        return found
    }

    /// `x-20251211` as `x-2025-12-11`, or nil where no such date ends the name.
    private static func withDashedDate(_ name: String) -> String? {
        let bytes = Array(name.utf8)
        guard bytes.count > 9, bytes[bytes.count - 9] == UInt8(ascii: "-") else { return nil }
        let date = bytes.suffix(8)
        guard date.allSatisfy({ (0x30...0x39).contains($0) }), date.starts(with: [0x32, 0x30]) else { return nil }
        let text = date.map { String(UnicodeScalar($0)) }
        let month = text[4] + text[5]
        let day = text[6] + text[7]
        guard ("01"..."12").contains(month), ("01"..."31").contains(day) else { return nil }
        return String(decoding: bytes.dropLast(8), as: UTF8.self) + text[0..<4].joined() + "-" + month + "-" + day
    }
}
