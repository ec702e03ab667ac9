// SPDX-License-Identifier: Apache-2.0

/// What the first bytes of a body look like.
enum BodyPrefixShape: Equatable {
    /// A field name of an event stream, or its colon.
    case serverSentEvents
    /// An opening bracket of JSON.
    case json
    /// Neither, or nothing yet.
    case unknown

    private static let fields: [[UInt8]] = ["data", "event", "id", "retry"].map { Array($0.utf8) }

    /// Looks at the start of a body; a byte order mark and white space are skipped.
    init(_ body: [UInt8]) {
        var prefix = body.prefix(DialectLimits.prefixBytes)
        if prefix.starts(with: [0xEF, 0xBB, 0xBF]) { prefix = prefix.dropFirst(3) }
        prefix = prefix.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        switch prefix.first {
        case nil: self = .unknown
        case UInt8(ascii: "{"), UInt8(ascii: "["): self = .json
        case UInt8(ascii: ":"): self = .serverSentEvents
        default: self = BodyPrefixShape.startsWithField(prefix) ? .serverSentEvents : .unknown
        }
    }

    /// Whether a line starts with a field name and its colon, as far as the bytes go.
    private static func startsWithField(_ line: ArraySlice<UInt8>) -> Bool {
        fields.contains { name in
            let wanted = name + [UInt8(ascii: ":")]
            return line.count < wanted.count ? wanted.starts(with: line) : line.starts(with: wanted)
        }
    }
}

/// Whether an answer is a stream (`record.md`, `response_stream`).
///
/// Streams are server-sent events, a binary event stream, lines of JSON, and a chunked JSON array.
package enum StreamDetection {
    /// Decides from the content type and the first bytes.
    ///
    /// Bytes beat the label where the two disagree: a body that starts like an event stream is one even as
    /// `application/json`, and a body that starts like JSON is none even as `text/event-stream`. A JSON array is a stream
    /// only where its first object begins as Gemini's answers do, so that a bare array of numbers stays a plain answer.
    /// - Parameters:
    ///   - contentType: the header's value, parameters included, or nil.
    ///   - bodyPrefix: the first bytes of the body, content coding undone; `DialectLimits.prefixBytes` are enough, and
    ///     fewer or none are allowed.
    /// - Returns: true for a stream.
    package static func isStream(contentType: String?, bodyPrefix: [UInt8]) -> Bool {
        let type = mediaType(contentType)
        if type == "application/vnd.amazon.eventstream" { return true }
        if lineTypes.contains(type) { return true }
        switch BodyPrefixShape(bodyPrefix) {
        case .serverSentEvents: return true
        case .json: return isAnswerArray(bodyPrefix)
        case .unknown: return type == "text/event-stream"
        }
    }

    /// Decides from the content type alone, as `isStream` does for a body whose first bytes have not come yet.
    ///
    /// - Parameter contentType: the header's value as it came; nothing is copied.
    /// - Returns: true for a type that says stream.
    package static func isStreamType(_ contentType: ArraySlice<UInt8>) -> Bool {
        let type = contentType.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
        // Shorter than `text/event-stream` and `application/jsonl`: `application/json` above all.
        guard type.count >= 17 else { return false }
        return isStream(contentType: String(decoding: type, as: UTF8.self), bodyPrefix: [])
    }

    /// Whether the first byte of a body rules a stream out, whatever follows: most plain answers are JSON objects.
    package static func isPlain(firstByte: UInt8) -> Bool { firstByte == UInt8(ascii: "{") }

    private static let lineTypes: Set<String> = [
        "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
    ]
    /// First keys of the objects in a streamed array.
    private static let arrayKeys: [[UInt8]] = [
        "candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "createTime",
    ]
    .map { Array("\"\($0)\"".utf8) }

    /// The type and subtype, lower case, without parameters.
    private static func mediaType(_ contentType: String?) -> String {
        guard let contentType else { return "" }
        let bytes = contentType.utf8.prefix(DialectLimits.prefixBytes).prefix { $0 != UInt8(ascii: ";") }
        return String(decoding: bytes.filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self).lowercased()
    }

    /// Whether the bytes start with `[`, `{` and a key of a streamed answer, white space between them allowed.
    private static func isAnswerArray(_ bytes: [UInt8]) -> Bool {
        var rest = bytes.prefix(DialectLimits.prefixBytes)
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        for bracket in [UInt8(ascii: "["), UInt8(ascii: "{")] {
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
            guard rest.first == bracket else { return false }
            rest = rest.dropFirst()
        }
        rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        return arrayKeys.contains { rest.starts(with: $0) }
    }
}
