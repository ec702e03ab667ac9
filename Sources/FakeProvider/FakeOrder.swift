// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// One request's forced behaviour, from its `x-fake` header; absent members are left to the script.
package struct FakeOrder: Sendable, Equatable {
    /// The header's name, lower case.
    package static let headerName = "x-fake"

    /// HTTP status of an error to answer with, 400 to 599.
    package var status: Int?
    /// Seconds in a `retry-after` header on an error.
    package var retryAfter: Int?
    /// Body bytes after which the connection ends.
    package var cut: Int?
    /// Whether the connection ends with a reset rather than a close, at a cut or a drop.
    package var resets = false
    /// Whether the connection ends before the first byte of an answer.
    package var drops = false
    /// Milliseconds from the request's end to the first content (or to the whole plain answer), exact.
    package var ttftMilliseconds: Int64?
    /// Milliseconds between content events, exact.
    package var gapMilliseconds: Int64?
    /// Visible output tokens, exact; also rules out a tool call.
    package var tokens: Int?
    /// Milliseconds of silence in the middle of the answer.
    package var stallMilliseconds: Int64?
    /// Whether usage is left out of the answer.
    package var omitsUsage = false
    /// Whether the connection closes after the answer.
    package var closes = false

    /// Leaves everything to the script.
    package init() {}

    /// Reads `key=value;key=value` strictly: known keys, each once, no spaces, values within bounds.
    ///
    /// - Parameter text: the header's value.
    /// - Throws: `FakeProviderError` with code `badOrder`, naming the item.
    package init(parsing text: String) throws(FakeProviderError) {
        guard text.utf8.count <= FakeProviderLimits.orderBytes else {
            throw Self.bad("value longer than \(FakeProviderLimits.orderBytes) bytes")
        }
        var seen: Set<String> = []
        for item in text.split(separator: ";", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw Self.bad("'\(item)' is not key=value") }
            let key = String(parts[0])
            guard seen.insert(key).inserted else { throw Self.bad("'\(key)' is given twice") }
            try set(key, String(parts[1]))
        }
    }

    private mutating func set(_ key: String, _ value: String) throws(FakeProviderError) {
        let delays = 0...FakeProviderLimits.delayMilliseconds
        switch key {
        case "status": status = Int(try Self.number(key, value, 400...599))
        case "retry_after": retryAfter = Int(try Self.number(key, value, 0...86_400))
        case "cut": cut = Int(try Self.number(key, value, 0...(1 << 31)))
        case "rst": resets = try Self.number(key, value, 0...1) == 1
        case "drop": drops = try Self.number(key, value, 0...1) == 1
        case "ttft_ms": ttftMilliseconds = try Self.number(key, value, delays)
        case "gap_ms": gapMilliseconds = try Self.number(key, value, delays)
        case "tokens": tokens = Int(try Self.number(key, value, 1...Int64(FakeProviderLimits.answerTokens)))
        case "stall_ms": stallMilliseconds = try Self.number(key, value, delays)
        case "no_usage": omitsUsage = try Self.number(key, value, 0...1) == 1
        case "close": closes = try Self.number(key, value, 0...1) == 1
        default: throw Self.bad("unknown key '\(key)'")
        }
    }

    private static func number(
        _ key: String, _ value: String, _ range: ClosedRange<Int64>
    ) throws(FakeProviderError) -> Int64 {
        guard let number = ASCIIInteger.parse(value.utf8), range.contains(number) else {
            throw bad("'\(key)=\(value)' is not an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func bad(_ what: String) -> FakeProviderError {
        FakeProviderError(code: .badOrder, message: "x-fake: \(what); write key=value pairs joined by ';'")
    }
}
