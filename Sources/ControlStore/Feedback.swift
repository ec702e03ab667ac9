// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
package import ExchangeModel

/// What an answer should have been.
package enum FeedbackCorrection: Equatable, Sendable {
    /// As text.
    case text(String)
    /// As JSON, without white space between its tokens; neither a string, which is text, nor `null`, which is none.
    case json([UInt8])

    /// A correction out of JSON.
    ///
    /// - Parameter node: any value but `null`.
    /// - Throws: `ControlStoreError` `badValue`.
    package init(_ node: JSONNode) throws(ControlStoreError) {
        if let text = node.string {
            self = .text(text)
        } else if node.isNull {
            throw .badValue("`correction` is null: leave it out where there is none")
        } else {
            self = .json(node.compactLexeme)
        }
    }
}

/// What somebody said of one exchange.
///
/// Scores, labels and corrections never go into errors or logs.
package struct Feedback: Equatable, Sendable {
    /// Its own id, a UUID version 7.
    package var id: ExchangeID
    /// The exchange that it is about.
    package var exchange: ExchangeID
    /// When it was given, microseconds since the Unix epoch.
    package var atUs: Int64
    /// Who says so: a program, a queue, a kind of user.
    package var source: String
    /// How good the answer was, on the source's own scale.
    package var score: Double?
    /// What kind of answer it was.
    package var label: String?
    /// What the answer should have been.
    package var correction: FeedbackCorrection?

    /// Feedback.
    package init(
        id: ExchangeID, exchange: ExchangeID, atUs: Int64, source: String, score: Double? = nil, label: String? = nil,
        correction: FeedbackCorrection? = nil
    ) {
        self.id = id
        self.exchange = exchange
        self.atUs = atUs
        self.source = source
        self.score = score
        self.label = label
        self.correction = correction
    }

    /// Holds it against the limits.
    ///
    /// - Throws: `ControlStoreError` `badValue`, which names the member and never its value.
    package func check() throws(ControlStoreError) {
        guard score != nil || label != nil || correction != nil else {
            throw .badValue("feedback has a score, a label or a correction")
        }
        guard (0...ControlStoreLimits.latestUs).contains(atUs) else {
            throw .badValue("`at_us` is microseconds since 1970, before the year 10000")
        }
        try LedgerRules.checkName(source, of: "a source")
        if let score, !(score.magnitude <= ControlStoreLimits.scoreMagnitude) {
            throw .badValue("`score` is a number from -1000000000 to 1000000000")
        }
        if let label { try Feedback.check(label: label) }
        if case .json(let bytes) = correction, let first = bytes.first, [UInt8(ascii: "\""), UInt8(ascii: "n")].contains(first) {
            throw .badValue("`correction` as JSON is neither a string nor null")
        }
        guard (correction?.byteCount ?? 1) <= ControlStoreLimits.correctionBytes else {
            throw .badValue("`correction` has at most \(ControlStoreLimits.correctionBytes) bytes")
        }
    }

    private static func check(label: String) throws(ControlStoreError) {
        guard (1...ControlStoreLimits.labelBytes).contains(label.utf8.count),
            label.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw .badValue("`label` has 1 to \(ControlStoreLimits.labelBytes) bytes and no control characters")
        }
    }
}

extension FeedbackCorrection {
    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .json(let bytes): bytes.count
        }
    }
}
