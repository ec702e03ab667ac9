// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// How the body of an answer is framed.
package enum AnswerFraming: String, Sendable, CaseIterable {
    /// Chunked, one chunk for each write.
    case chunked
    /// Chunked in small odd sizes, with leading zeros, capital digits and extensions.
    case odd
    /// By `Content-Length`.
    case length
    /// By the end of the connection.
    case close
}

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
    /// What the answer's text and ids follow from in place of the request's body, so that different bodies get the same.
    package var seed: UInt64?
    /// Whether the connection closes after the answer.
    package var closes = false
    /// Content events after which an error comes in the stream itself, under a status of 200.
    package var errorAfter: Int?
    /// Status of an answer without a body: 204, 205 or 304.
    package var bareStatus: Int?
    /// Interim answers (103, Early Hints) before the answer.
    package var hints = 0
    /// Whether trailers follow the body; makes the framing chunked.
    package var hasTrailers = false
    /// How the body is framed; nil leaves it to the answer.
    package var framing: AnswerFraming?
    /// Body bytes of one write, each flushed on its own.
    package var writeBytes: Int?
    /// Events between two heartbeat comments (server-sent events) or pings (WebSocket).
    package var commentEvery: Int?
    /// The content coding, whatever the request accepts.
    package var coding: AnswerCoding?
    /// Whether the answer is sent when the request's head has come.
    package var early: Early?
    /// What happens to `Expect: 100-continue`.
    package var expectation = Expectation.honoured
    /// Request bytes of one read, at most.
    package var readBytes: Int?
    /// Milliseconds between two such reads.
    package var readGapMilliseconds: Int64 = 10

    /// What follows an answer that comes before the request's body.
    package enum Early: Int64, Sendable {
        /// The rest of the request is read.
        case readsOn = 1
        /// The connection is closed.
        case closes = 2
    }

    /// What happens to `Expect: 100-continue`.
    package enum Expectation: Int64, Sendable {
        /// No interim answer; the body is awaited.
        case ignored = 0
        /// Answered by 100.
        case honoured = 1
        /// Answered by 417 and a close.
        case refused = 417
    }

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
        case "seed": seed = UInt64(try Self.number(key, value, 0...Int64.max))
        case "close": closes = try Self.number(key, value, 0...1) == 1
        default: try setTransport(key, value)
        }
    }

    private mutating func setTransport(_ key: String, _ value: String) throws(FakeProviderError) {
        switch key {
        case "error_after": errorAfter = Int(try Self.number(key, value, 0...Int64(FakeProviderLimits.answerTokens)))
        case "bare": bareStatus = Int(try Self.oneOf(key, value, [204: 204, 205: 205, 304: 304]))
        case "hints": hints = Int(try Self.number(key, value, 0...8))
        case "trailers": hasTrailers = try Self.number(key, value, 0...1) == 1
        case "framing": framing = try Self.word(key, value)
        case "write_bytes": writeBytes = Int(try Self.number(key, value, 1...65_536))
        case "comments": commentEvery = Int(try Self.number(key, value, 1...1_024))
        case "coding": coding = try Self.word(key, value)
        case "early": early = try Self.oneOf(key, value, [1: .readsOn, 2: .closes])
        case "expect": expectation = try Self.oneOf(key, value, [0: .ignored, 1: .honoured, 417: .refused])
        case "read_bytes": readBytes = Int(try Self.number(key, value, 1...65_536))
        case "read_gap_ms": readGapMilliseconds = try Self.number(key, value, 0...FakeProviderLimits.delayMilliseconds)
        default: throw Self.bad("unknown key '\(key)'")
        }
    }

    private static func oneOf<T>(_ key: String, _ value: String, _ choices: [Int64: T]) throws(FakeProviderError) -> T {
        guard let number = ASCIIInteger.parse(value.utf8), let choice = choices[number] else {
            let known = choices.keys.sorted().map(String.init).joined(separator: ", ")
            throw bad("'\(key)=\(value)' is none of \(known)")
        }
        return choice
    }

    private static func word<T: RawRepresentable & CaseIterable>(
        _ key: String, _ value: String
    ) throws(FakeProviderError) -> T where T.RawValue == String {
        guard let choice = T(rawValue: value) else {
            throw bad("'\(key)=\(value)' is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
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
