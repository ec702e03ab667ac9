// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore

/// What becomes of a correction where its row is trained on.
///
/// An eval row always takes it: it is what answers are held against.
package enum CorrectionUse: String, CaseIterable, Sendable {
    /// The row holds the correction in the place of the recorded answer.
    case answer
    /// The row holds the recorded answer.
    case ignore
}

/// How feedback is used.
package struct FeedbackRules: Equatable, Sendable {
    /// Any of these sources; empty takes every one.
    package var sources: [String] = []
    /// A score below this says that the answer was bad; in millionths, on the sources' own scale.
    package var badBelowMillionths: Int64 = 500_000
    /// Rows with only lower scores are not trained on; in millionths, nil for no such bound.
    package var minimumMillionths: Int64?
    /// What becomes of corrections in training.
    package var corrections = CorrectionUse.answer

    /// The greatest bound, and its opposite the least: that of a score.
    package static let magnitudeMillionths = Int64(ControlStoreLimits.scoreMagnitude) * 1_000_000

    /// Every default.
    package init() {}

    /// Whether a source counts.
    func admits(_ source: String) -> Bool { sources.isEmpty || sources.contains { $0.utf8.elementsEqual(source.utf8) } }

    /// Whether a score says that the answer was bad.
    func isBad(_ score: Double) -> Bool { score < FeedbackRules.number(badBelowMillionths) }

    /// Whether a score is too low for training.
    func isLow(_ score: Double) -> Bool { minimumMillionths.map { score < FeedbackRules.number($0) } ?? false }

    private static func number(_ millionths: Int64) -> Double { Double(millionths) / 1_000_000 }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("bad_below_millionths")
        json.value(badBelowMillionths)
        json.key("corrections")
        json.value(corrections.rawValue)
        json.key("min_score_millionths")
        json.value(minimumMillionths)
        json.key("sources")
        json.beginArray()
        var last: String?
        for source in sources.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        where last?.utf8.elementsEqual(source.utf8) != true {
            json.value(source)
            last = source
        }
        json.endArray()
        json.endObject()
    }
}

/// Which pairs of a better and a worse answer are looked for.
package struct PairRules: Equatable, Sendable {
    /// What may tell the better from the worse.
    package var sources = Set(PairSource.allCases)
    /// Whether the fallback's answer is the better one, and not the primary's.
    package var isFallbackChosen = true

    /// Every default.
    package init() {}

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("fallback")
        json.value(isFallbackChosen ? "chosen" : "rejected")
        json.key("sources")
        json.beginArray()
        for source in PairSource.allCases where sources.contains(source) { json.value(source.rawValue) }
        json.endArray()
        json.endObject()
    }
}
