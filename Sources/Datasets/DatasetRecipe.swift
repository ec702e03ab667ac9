// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import ExchangeModel

/// What to build: all that decides the content of a data set besides the records themselves.
package struct DatasetRecipe: Equatable, Sendable {
    /// Letters, digits, dot, underscore and hyphen; not starting with a dot.
    package var name: String
    /// Decides sides and row order; the name by default.
    package var salt: String
    /// Parts per million of the groups that go to the eval side; 100,000 = 10 %.
    package var evalPPM: Int64 = 100_000
    /// Names of metadata: records with an equal value under one of them are one group.
    package var groupBy: [String] = []
    /// Only exchanges that started at this time or later, microseconds since the epoch.
    package var sinceUs: Int64?
    /// Only exchanges that started before this time, microseconds since the epoch.
    package var untilUs: Int64?
    /// Only exchanges of this task.
    package var task: String?
    /// As the request named it.
    package var model: String?
    /// Only exchanges of this environment.
    package var environment: String?
    /// At most this many rows, those first in row order.
    package var maxTrainRows: Int64?
    /// At most this many rows, those first in row order.
    package var maxEvalRows: Int64?

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
        guard (0...1_000_000).contains(evalPPM) else { throw bad("eval_ppm", "must lie between 0 and 1000000 parts per million") }
        guard groupBy.count <= DatasetLimits.groupNames else {
            throw bad("group_by", "may list at most \(DatasetLimits.groupNames) names")
        }
        for name in groupBy { try check("group_by", name, limit: DatasetLimits.nameBytes) }
        for (key, text) in [("task", task), ("model", model), ("environment", environment)] {
            if let text { try check(key, text, limit: DatasetLimits.textBytes) }
        }
        if let sinceUs, let untilUs, sinceUs >= untilUs { throw bad("until", "must be later than 'since'") }
        for (key, limit) in [("max_train_rows", maxTrainRows), ("max_eval_rows", maxEvalRows)] {
            if let limit, limit < 1 { throw bad(key, "must be at least 1") }
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

    /// Whether the filters that a head can answer let it pass; the model is in the body.
    package func admits(_ head: ExchangeHead) -> Bool {
        if let sinceUs, head.startedAtUs < sinceUs { return false }
        if let untilUs, head.startedAtUs >= untilUs { return false }
        if let task, !task.utf8.elementsEqual(head.attribution.task.utf8) { return false }
        if let environment {
            guard let own = head.attribution.environment, own.utf8.elementsEqual(environment.utf8) else { return false }
        }
        return true
    }

    /// Writes the recipe as one JSON object, keys sorted, every key present.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("environment")
        json.value(environment)
        json.key("eval_ppm")
        json.value(evalPPM)
        json.key("group_by")
        json.beginArray()
        for name in sortedGroupNames { json.value(name) }
        json.endArray()
        json.key("max_eval_rows")
        json.value(maxEvalRows)
        json.key("max_train_rows")
        json.value(maxTrainRows)
        for (key, text) in [("model", model), ("name", name), ("salt", salt)] {
            json.key(key)
            json.value(text)
        }
        json.key("since_us")
        json.value(sinceUs)
        json.key("task")
        json.value(task)
        json.key("until_us")
        json.value(untilUs)
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
