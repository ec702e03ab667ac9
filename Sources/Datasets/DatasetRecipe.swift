// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// What to build: all that decides the content of a data set besides the records themselves.
package struct DatasetRecipe: Equatable, Sendable {
    /// Letters, digits, dot, underscore and hyphen; not starting with a dot.
    package var name: String
    /// Decides sides and row order; the name by default.
    package var salt: String
    /// Which exchanges.
    package var selection = DatasetSelection()
    /// Names of metadata: records with an equal value under one of them are one group.
    package var groupBy: [String] = []
    /// How eval rows are chosen.
    package var eval = EvalRules()
    /// How training rows are chosen.
    package var train = TrainRules()
    /// How feedback is used.
    package var feedback = FeedbackRules()
    /// Which pairs of answers are looked for.
    package var pairs = PairRules()
    /// Whether the gate also asks for G4 (`notebooks-docs/separation.md`).
    package var isStrict = false
    /// Which exchanges are good enough.
    package var quality = QualityFilters()
    /// What is taken out of rows.
    package var redact = RedactRules()
    /// The lineage of data sets whose eval rows never meet this one's training rows.
    package var ledger = "default"

    /// A recipe with every default.
    package init(name: String) {
        self.name = name
        salt = name
    }

    /// Checks every field.
    ///
    /// - Throws: `DatasetError` `.badRecipe` with the field's key as its subject.
    package func validate() throws(DatasetError) {
        try check("name", name, limit: DatasetLimits.nameBytes)
        let isPlain = name.utf8.allSatisfy { DatasetRecipe.isNameByte($0) }
        guard isPlain, name.utf8.first != UInt8(ascii: ".") else {
            throw bad("name", "may hold letters, digits, '.', '_' and '-' only, and may not start with '.'")
        }
        try check("salt", salt, limit: DatasetLimits.textBytes)
        try check("ledger", ledger, limit: DatasetLimits.nameBytes)
        guard ledger.utf8.allSatisfy({ DatasetRecipe.isNameByte($0) }) else {
            throw bad("ledger", "may hold letters, digits, '.', '_' and '-' only")
        }
        guard groupBy.count <= DatasetLimits.groupNames else {
            throw bad("group_by", "may list at most \(DatasetLimits.groupNames) names")
        }
        for name in groupBy { try check("group_by", name, limit: DatasetLimits.nameBytes) }
        try validateSelection()
        if let fault = quality.fault ?? redact.fault { throw bad(fault.key, fault.words) }
        try validateFeedback()
        for (key, ppm) in [("eval.share", eval.sharePPM), ("eval.anchors", eval.anchorPPM)]
        where !(0...1_000_000).contains(ppm) {
            throw bad(key, "must lie between 0 and 1")
        }
        let counts = [
            ("select.limit", selection.limit), ("eval.max_rows", eval.maximum), ("train.max_rows", train.maximum),
            ("train.per_group", train.perGroup),
        ]
        for (key, count) in counts {
            if let count, count < 1 { throw bad(key, "must be at least 1") }
        }
        try checkNumbers(counts)
    }

    /// The manifest is canonical JSON, whose numbers are doubles: beyond 2^53 they would be others.
    private func checkNumbers(_ counts: [(String, Int64?)]) throws(DatasetError) {
        var numbers = counts + [("select.since", selection.sinceUs), ("select.until", selection.untilUs)]
        for (key, bounds) in selection.bounds {
            numbers += [("select.\(key)", bounds.minimum), ("select.\(key)", bounds.maximum)]
        }
        for (key, number) in numbers {
            guard (number ?? 0).magnitude < 1 << 53 else { throw bad(key, "must be below 2^53, \(Int64(1) << 53)") }
        }
    }

    private func validateSelection() throws(DatasetError) {
        for (key, texts) in selection.lists {
            guard texts.count <= DatasetLimits.selectionValues else {
                throw bad("select.\(key)", "may list at most \(DatasetLimits.selectionValues) values")
            }
            for text in texts { try check("select.\(key)", text, limit: DatasetLimits.textBytes) }
        }
        if let since = selection.sinceUs, let until = selection.untilUs, since >= until {
            throw bad("select.until", "must be later than 'select.since'")
        }
        for (key, bounds) in selection.bounds {
            if let low = bounds.minimum, let high = bounds.maximum, low > high {
                throw bad("select.\(key)", "has a minimum above its maximum")
            }
        }
    }

    private func validateFeedback() throws(DatasetError) {
        guard feedback.sources.count <= DatasetLimits.selectionValues else {
            throw bad("feedback.sources", "may list at most \(DatasetLimits.selectionValues) values")
        }
        for source in feedback.sources { try check("feedback.sources", source, limit: DatasetLimits.textBytes) }
        let bounds: [(String, Int64?)] = [
            ("feedback.bad_below", feedback.badBelowMillionths), ("feedback.min_score", feedback.minimumMillionths),
        ]
        let scores = -FeedbackRules.magnitudeMillionths...FeedbackRules.magnitudeMillionths
        for (key, bound) in bounds {
            if let bound, !scores.contains(bound) { throw bad(key, "must lie between -1000000000 and 1000000000") }
        }
    }

    private func check(_ key: String, _ text: String, limit: Int) throws(DatasetError) {
        guard !text.utf8.isEmpty else { throw bad(key, "must not be empty") }
        guard text.utf8.count <= limit else { throw bad(key, "may be at most \(limit) bytes long") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw bad(key, "must not hold control characters") }
    }

    private func bad(_ key: String, _ what: String) -> DatasetError {
        DatasetError(.badRecipe, subject: key, "The recipe's '\(key)' \(what).")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// Writes the recipe as one JSON object, keys sorted, every key present.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("eval")
        eval.write(to: &json)
        json.key("feedback")
        feedback.write(to: &json)
        json.key("group_by")
        json.beginArray()
        for name in sortedGroupNames { json.value(name) }
        json.endArray()
        for (key, text) in [("ledger", ledger), ("name", name)] {
            json.key(key)
            json.value(text)
            if key == "name" {
                json.key("quality")
                quality.write(to: &json)
                json.key("redact")
                redact.write(to: &json)
            }
        }
        json.key("pairs")
        pairs.write(to: &json)
        json.key("salt")
        json.value(salt)
        json.key("select")
        selection.write(to: &json)
        json.key("strict")
        json.value(isStrict)
        json.key("train")
        train.write(to: &json)
        json.endObject()
    }

    /// The names of `group_by`, each once, sorted by bytes: their order has no meaning.
    var sortedGroupNames: [String] {
        var out: [String] = []
        for name in groupBy.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        where out.last?.utf8.elementsEqual(name.utf8) != true {
            out.append(name)
        }
        return out
    }

    /// Hex SHA-256 of the recipe's JSON.
    package var sha256: String {
        var json = JSONWriter()
        write(to: &json)
        return Hex.encode(SHA256.hash(data: json.bytes))
    }
}
