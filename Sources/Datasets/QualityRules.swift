// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension QualityFilters {
    /// The rules whose mode a recipe may set; the others drop whatever it says, because no row can be made of what they find.
    package static let settable: [DropReason] = [
        .languageUnwanted, .mojibake, .refusal, .refusalPhrase, .repetitionLoop, .structuredOutputNotJSON,
        .structuredOutputViolatesSchema, .toolCallViolatesSchema, .unknownTool,
    ]

    /// Whether tokens have to be counted.
    var boundsTokens: Bool { promptTokens != 0...Int64.max || answerTokens != 0...Int64.max }

    /// What is wrong with the rules: the recipe's key and words for it, or nil.
    var fault: (key: String, words: String)? {
        guard languages.count <= DatasetLimits.selectionValues else {
            return ("quality.languages", "may list at most \(DatasetLimits.selectionValues) names")
        }
        if let name = languages.first(where: { !TextLanguage.names.contains($0) }) {
            return ("quality.languages", "does not know '\(name.prefix(32))': \(TextLanguage.names.joined(separator: ", "))")
        }
        return nil
    }

    /// Writes the rules as one JSON object, keys sorted, every key present; the order of languages has no meaning.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        writeBounds("answer_tokens", answerTokens, to: &json)
        json.key("calls_of_history")
        json.value(checksHistory)
        json.key("duplicates")
        json.value(duplicates.rawValue)
        write(.languageUnwanted, to: &json)
        json.key("languages")
        json.beginArray()
        for name in Set(languages).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { json.value(name) }
        json.endArray()
        write(.mojibake, to: &json)
        writeBounds("prompt_tokens", promptTokens, to: &json)
        for rule in QualityFilters.settable.dropFirst(2) { write(rule, to: &json) }
        json.endObject()
    }

    private func write(_ rule: DropReason, to json: inout JSONWriter) {
        json.key(rule.rawValue)
        json.value(self[rule].rawValue)
    }

    private func writeBounds(_ key: String, _ bounds: ClosedRange<Int64>, to json: inout JSONWriter) {
        json.key(key)
        json.beginArray()
        json.value(bounds.lowerBound == 0 ? nil : bounds.lowerBound)
        json.value(bounds.upperBound == Int64.max ? nil : bounds.upperBound)
        json.endArray()
    }
}
