// SPDX-License-Identifier: Apache-2.0

/// Tells, byte by byte, whether one server-sent event is a chunk that says nothing but usage.
///
/// Such an event is a single `data:` line with an object that has `choices` with nothing in it, `usage` with an object, and
/// beside them only the keys that every chunk repeats. Whatever else comes (another line, a choice, a key that may mean
/// something to the caller such as Azure's `prompt_filter_results` or llama.cpp's `timings`) rules it out at that byte.
struct UsageChunkJudge {
    /// What a byte has made of the event.
    enum Verdict {
        /// It may still be one.
        case open
        /// It is another event.
        case other
        /// It is one, and is over: this byte ended its blank line.
        case usage
    }

    /// How far the event has come.
    private enum Place {
        /// Within `data:`, after so many bytes.
        case field(Int)
        /// Before the object.
        case opening
        case json
        /// Behind the object, on its line.
        case closing
        /// At the beginning of the line after it.
        case nextLine
    }

    /// How far the object has come.
    private enum Part {
        case beforeKey, key, beforeColon, beforeValue
        /// In a number or a word.
        case word
        /// In a string; whether its next byte is escaped.
        case string(isEscaped: Bool)
        /// In the brackets of `choices`.
        case choices
        /// In an object or array, `depth` deep.
        case nested, nestedString(isEscaped: Bool)
        case afterValue
    }

    private static let field = Array("data:".utf8)
    /// What a chunk repeats of its answer, and what comes with usage alone: padding, and Azure's times.
    private static let repeated: [[UInt8]] = [
        "id", "object", "created", "model", "service_tier", "system_fingerprint", "obfuscation", "latency_checkpoint",
    ]
    .map { Array($0.utf8) }
    private static let choicesKey = Array("choices".utf8)
    private static let usageKey = Array("usage".utf8)
    private static let keyBytes = 24

    private var place = Place.field(0)
    private var part = Part.beforeKey
    private var key: [UInt8] = []
    private var depth = 0
    private var count = 0
    private var hasChoices = false
    private var hasUsage = false

    init() { key.reserveCapacity(UsageChunkJudge.keyBytes) }

    /// Begins with another event.
    mutating func reset() {
        place = .field(0)
        part = .beforeKey
        key.removeAll(keepingCapacity: true)
        count = 0
        hasChoices = false
        hasUsage = false
    }

    /// No byte of the event has come.
    var isFresh: Bool { if case .field(0) = place { true } else { false } }

    /// The object is whole; only the event's end is missing.
    var isWhole: Bool {
        switch place {
        case .closing, .nextLine: true
        case .field, .opening, .json: false
        }
    }

    /// The next byte begins a line.
    var isAtLineStart: Bool {
        switch place {
        case .field(0), .nextLine: true
        case .field, .opening, .json, .closing: false
        }
    }

    /// Takes the next byte; the second half of a CR LF is left out.
    mutating func take(_ byte: UInt8) -> Verdict {
        count += 1
        guard count <= UsageChunkFilter.eventBytes else { return .other }
        let isLineEnd = byte == 0x0A || byte == 0x0D
        switch place {
        case .field(let count):
            guard byte == UsageChunkJudge.field[count] else { return .other }
            place = count + 1 == UsageChunkJudge.field.count ? .opening : .field(count + 1)
        case .opening:
            if byte == UInt8(ascii: "{") { place = .json } else if !UsageChunkJudge.isBlank(byte) { return .other }
        case .json:
            return !isLineEnd && takeJSON(byte) ? .open : .other
        case .closing:
            if isLineEnd { place = .nextLine } else if !UsageChunkJudge.isBlank(byte) { return .other }
        case .nextLine:
            return isLineEnd ? .usage : .other
        }
        return .open
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Takes a byte of the object; false where the chunk is ruled out.
    private mutating func takeJSON(_ byte: UInt8) -> Bool {
        switch part {
        case .beforeKey:
            if byte == UInt8(ascii: "\"") { part = .key } else { return UsageChunkJudge.isBlank(byte) }
        case .key:
            if byte == UInt8(ascii: "\"") { return endKey() }
            // No key that matters is longer, and none is written with escapes.
            guard byte != UInt8(ascii: "\\"), key.count < UsageChunkJudge.keyBytes else { return false }
            key.append(byte)
        case .beforeColon:
            if byte == UInt8(ascii: ":") { part = .beforeValue } else { return UsageChunkJudge.isBlank(byte) }
        case .beforeValue: return UsageChunkJudge.isBlank(byte) || beginValue(byte)
        case .word:
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || UsageChunkJudge.isBlank(byte) { return endValue(byte) }
        case .string(let isEscaped):
            part = !isEscaped && byte == UInt8(ascii: "\"") ? .afterValue : .string(isEscaped: !isEscaped && byte == 0x5C)
        case .choices:
            if byte == UInt8(ascii: "]") { part = .afterValue } else { return UsageChunkJudge.isBlank(byte) }
        case .nested: nest(byte)
        case .nestedString(let isEscaped):
            part = !isEscaped && byte == UInt8(ascii: "\"") ? .nested : .nestedString(isEscaped: !isEscaped && byte == 0x5C)
        case .afterValue: return endValue(byte)
        }
        return true
    }

    private mutating func endKey() -> Bool {
        part = .beforeColon
        if key == UsageChunkJudge.choicesKey { return !hasChoices }
        if key == UsageChunkJudge.usageKey { return !hasUsage }
        return UsageChunkJudge.repeated.contains(key)
    }

    private mutating func beginValue(_ byte: UInt8) -> Bool {
        let isObject = byte == UInt8(ascii: "{")
        if key == UsageChunkJudge.choicesKey {
            hasChoices = true
            part = .choices
            return byte == UInt8(ascii: "[")
        }
        if key == UsageChunkJudge.usageKey {
            guard isObject else { return false }
            hasUsage = true
        }
        if isObject || byte == UInt8(ascii: "[") {
            depth = 1
            part = .nested
        } else {
            part = byte == UInt8(ascii: "\"") ? .string(isEscaped: false) : .word
        }
        return true
    }

    private mutating func nest(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): part = .nestedString(isEscaped: false)
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth == 0 { part = .afterValue }
        default: break
        }
    }

    /// Takes what follows a value.
    private mutating func endValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","):
            key.removeAll(keepingCapacity: true)
            part = .beforeKey
            return true
        case UInt8(ascii: "}"):
            place = .closing
            return hasChoices && hasUsage
        default:
            part = .afterValue
            return UsageChunkJudge.isBlank(byte)
        }
    }
}
