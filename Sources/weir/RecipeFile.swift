// SPDX-License-Identifier: Apache-2.0
import Answers
import Datasets
import FactStore
import Platform

/// A recipe as a YAML file says it.
struct RecipeFile {
    private let file: ConfigFile
    private var faults: [ConfigFault]

    /// Reads a file.
    ///
    /// - Returns: the recipe.
    /// - Throws: `VerbFailure` with every fault, each with its line.
    static func read(path: String, environment: [String: String], files: any FileSystem, nowUs: Int64) throws -> DatasetRecipe {
        var file = ConfigFile(path: path, environment: environment, table: RecipeSchema.table, collections: [])
        file.read(what: "the recipe", files)
        var recipe = RecipeFile(file)
        return try recipe.recipe(nowUs: nowUs)
    }

    private init(_ file: ConfigFile) {
        self.file = file
        faults = file.faults
    }

    private mutating func recipe(nowUs: Int64) throws -> DatasetRecipe {
        var recipe = DatasetRecipe(name: text("name") ?? "")
        if file.entries["name"] == nil { faults.append(fault("name", "is missing: a recipe needs the data set's name")) }
        if let salt = text("salt") { recipe.salt = salt }
        if let ledger = text("ledger") { recipe.ledger = ledger }
        if case .flag(let isStrict) = value("strict") { recipe.isStrict = isStrict }
        recipe.groupBy = list("group_by").map { $0.lowercased() }
        recipe.selection = selection(nowUs: nowUs)
        if let share = number("eval.share") { recipe.eval.sharePPM = share }
        if let anchors = number("eval.anchors") { recipe.eval.anchorPPM = anchors }
        if let maximum = number("eval.max_rows") { recipe.eval.maximum = maximum }
        recipe.train.maximum = number("train.max_rows")
        recipe.train.perGroup = number("train.per_group")
        recipe.train.strata = Set(list("train.strata").compactMap(StratumPart.init(rawValue:)))
        if let quota = text("train.quota").flatMap(Quota.init(rawValue:)) { recipe.train.quota = quota }
        guard faults.isEmpty else { throw ConfigFaults(list: faults).failure }
        do { try recipe.validate() } catch { throw VerbFailure.usage("\(file.path): \(error)") }
        return recipe
    }

    private mutating func selection(nowUs: Int64) -> DatasetSelection {
        var selection = DatasetSelection()
        selection.sinceUs = time("select.since", nowUs)
        selection.untilUs = time("select.until", nowUs)
        selection.environments = list("select.environment")
        selection.tasks = list("select.task")
        selection.providers = list("select.provider")
        selection.models = list("select.model")
        selection.apis = list("select.api")
        selection.outcomes = list("select.outcome")
        selection.keys = list("select.key")
        selection.finishReasons = list("select.finish_reason")
        selection.limit = number("select.limit")
        for word in list("select.status") {
            if let status = Int64(word), (100...999).contains(status) {
                selection.statuses.append(status)
            } else {
                faults.append(fault("select.status", "takes numbers from 100 to 999"))
            }
        }
        for pair in list("select.metadata") {
            guard let mark = pair.firstIndex(of: "="), mark != pair.startIndex else {
                faults.append(fault("select.metadata", "takes NAME=VALUE"))
                continue
            }
            selection.metadata.append(SelectionPair(pair[..<mark].lowercased(), String(pair[pair.index(after: mark)...])))
        }
        selection.inputTokens = bounds("input_tokens")
        selection.outputTokens = bounds("output_tokens")
        selection.durationMs = bounds("duration_ms")
        selection.ttftMs = bounds("ttft_ms")
        selection.costNanousd = bounds("cost_nanousd")
        return selection
    }

    private mutating func bounds(_ name: String) -> CountBounds {
        var bounds = CountBounds()
        bounds.minimum = number("select.\(name).min")
        bounds.maximum = number("select.\(name).max")
        return bounds
    }

    private mutating func time(_ path: String, _ nowUs: Int64) -> Int64? {
        guard let text = text(path) else { return nil }
        var arguments = FilterArguments()
        arguments.since = text
        do { return try arguments.filter(nowUs: nowUs).sinceUs } catch {
            faults.append(
                fault(path, "is no time: write a date or time in UTC, as 2026-01-31 or 2026-01-31T12:00:00Z, or an age as 7d"))
            return nil
        }
    }

    private mutating func text(_ path: String) -> String? {
        if case .text(let text) = value(path) { text } else { nil }
    }

    private mutating func list(_ path: String) -> [String] {
        if case .list(let list) = value(path) { list } else { [] }
    }

    private mutating func number(_ path: String) -> Int64? {
        if case .number(let number) = value(path) { number } else { nil }
    }

    /// The value of a key, or of its default.
    private mutating func value(_ path: String) -> SettingValue {
        guard let setting = RecipeSchema.table[path] else { return .absent }
        do throws(BrokenRule) {
            if let entry = file.entries[path] { return try setting.kind.value(entry.texts) }
            return try setting.fallback.map { text throws(BrokenRule) in try setting.kind.value([text]) } ?? .absent
        } catch {
            faults.append(fault(path, error.rule))
            return .absent
        }
    }

    private func fault(_ path: String, _ rule: String) -> ConfigFault {
        let line = file.entries[path]?.line
        return ConfigFault(origin: line.map { .file(path: file.path, line: $0) } ?? .fallback, message: "\(path) \(rule)")
    }
}
