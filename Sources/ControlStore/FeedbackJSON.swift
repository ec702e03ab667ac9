// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// Feedback as JSON: the body of a request, a line of a file, a line of an answer.
///
/// `{"exchange_id", "score", "label", "correction", "source", "at_us", "id"}`; a correction that is a string is text, any other value is
/// kept with its order and spellings, without white space: what `line` gives is one line, and `read` takes it.
package enum FeedbackJSON {
    private static let names: Set<String> = ["exchange_id", "score", "label", "correction", "source", "at_us", "id"]

    /// Reads one piece of feedback and holds it against the limits.
    ///
    /// - Parameters:
    ///   - bytes: one JSON text.
    ///   - id: its id, unless it has one of its own.
    ///   - atUs: now, which is its time, unless it has one of its own; that is not much later.
    ///   - source: its source, unless it has one of its own.
    ///   - exchange: the exchange, unless it names one.
    /// - Returns: the feedback.
    /// - Throws: `ControlStoreError` `badValue`, which names the member and never its value.
    package static func read(
        _ bytes: [UInt8], id: ExchangeID, atUs: Int64, source: String, exchange: ExchangeID? = nil
    ) throws(ControlStoreError) -> Feedback {
        guard bytes.count <= ControlStoreLimits.feedbackLineBytes else {
            throw .badValue("feedback has at most \(ControlStoreLimits.feedbackLineBytes) bytes")
        }
        let document: JSONDocument
        do throws(JSONError) { document = try JSONDocument(bytes) } catch { throw .badValue("feedback is \(error)") }
        let root = document.root
        guard root.kind == .object else { throw .badValue("feedback is one JSON object") }
        for (key, _) in root.members where !names.contains(key.string ?? "") {
            throw .badValue(
                "feedback has no member of that name at byte \(key.range.lowerBound); it has \(names.sorted().joined(separator: ", "))"
            )
        }
        guard
            let about = try member(root, "exchange_id", "the id of an exchange", { $0.string.flatMap(ExchangeID.init(text:)) })
                ?? exchange
        else { throw .badValue("`exchange_id` is missing") }
        var feedback = Feedback(id: id, exchange: about, atUs: atUs, source: source)
        if let own = try member(root, "id", "a UUID", { $0.string.flatMap(ExchangeID.init(text:)) }) { feedback.id = own }
        if let own = try member(root, "at_us", "an integer", { $0.int }) {
            // The latest counts: what claims to be of the future would count for ever.
            guard own <= atUs &+ ControlStoreLimits.feedbackAheadUs else {
                throw .badValue("`at_us` lies in the future: it is microseconds since 1970, and by default now")
            }
            feedback.atUs = own
        }
        if let own = try member(root, "source", "a string", { $0.string }) { feedback.source = own }
        feedback.score = try member(root, "score", "a number") { $0.double }
        feedback.label = try member(root, "label", "a string") { $0.string }
        if let node = root["correction"], !node.isNull { feedback.correction = try FeedbackCorrection(node) }
        try feedback.check()
        return feedback
    }

    /// A member that may be absent or null.
    private static func member<Value>(
        _ root: JSONNode, _ key: String, _ kind: String, _ read: (JSONNode) -> Value?
    ) throws(ControlStoreError) -> Value? {
        guard let node = root[key], !node.isNull else { return nil }
        guard let value = read(node) else { throw .badValue("`\(key)` is \(kind)") }
        return value
    }

    /// One line with its line feed, members that are absent left out.
    package static func line(_ feedback: Feedback) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, text) in [
            ("id", feedback.id.description), ("exchange_id", feedback.exchange.description), ("source", feedback.source),
        ] {
            json.key(key)
            json.value(text)
        }
        json.key("at_us")
        json.value(feedback.atUs)
        if let score = feedback.score {
            json.key("score")
            json.value(score)
        }
        if let label = feedback.label {
            json.key("label")
            json.value(label)
        }
        if let correction = feedback.correction {
            json.key("correction")
            switch correction {
            case .text(let text): json.value(text)
            case .json(let bytes): json.raw(bytes)
            }
        }
        json.endObject()
        json.newline()
        return json.bytes
    }
}
