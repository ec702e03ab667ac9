// SPDX-License-Identifier: Apache-2.0
import Answers
import Datasets
import FactStore
import Platform

/// A recipe as a YAML file says it.
struct RecipeFile {
    private let file: ConfigFile
    private let environment: [String: String]
    private var faults: [ConfigFault]

    /// Reads a file.
    ///
    /// - Returns: the recipe.
    /// - Throws: `VerbFailure` with every fault, each with its line.
    static func read(path: String, environment: [String: String], files: any FileSystem, nowUs: Int64) throws -> DatasetRecipe {
        var file = ConfigFile(path: path, environment: environment, table: RecipeSchema.table, collections: [])
        file.read(what: "the recipe", files)
        var recipe = RecipeFile(file, environment)
        return try recipe.recipe(nowUs: nowUs)
    }

    private init(_ file: ConfigFile, _ environment: [String: String]) {
        self.file = file
        self.environment = environment
        faults = file.faults
    }

    private mutating func recipe(nowUs: Int64) throws -> DatasetRecipe {
        var recipe = DatasetRecipe(name: text("name") ?? "")
        // Where the file was not read, or the name is wrong already, that is the fault, and this one would be none.
        if file.isRead, file.entries["name"] == nil, !faults.contains(where: { $0.isAbout("name") }) {
            faults.append(fault("name", "is missing: a recipe needs the data set's name"))
        }
        if let salt = text("salt") { recipe.salt = salt }
        if let ledger = text("ledger") { recipe.ledger = ledger }
        if case .flag(let isStrict) = value("strict") { recipe.isStrict = isStrict }
        recipe.groupBy = list("group_by").map { $0.lowercased() }
        recipe.selection = selection(nowUs: nowUs)
        recipe.quality = quality()
        recipe.redact = redact()
        if let share = number("eval.share") { recipe.eval.sharePPM = share }
        if let anchors = number("eval.anchors") { recipe.eval.anchorPPM = anchors }
        if let maximum = number("eval.max_rows") { recipe.eval.maximum = maximum }
        recipe.eval.formats = formats("eval.formats")
        recipe.train.formats = formats("train.formats")
        recipe.train.maximum = number("train.max_rows")
        recipe.train.perGroup = number("train.per_group")
        recipe.train.strata = Set(list("train.strata").compactMap(StratumPart.init(rawValue:)))
        if let quota = text("train.quota").flatMap(Quota.init(rawValue:)) { recipe.train.quota = quota }
        recipe.feedback = feedback()
        recipe.pairs.sources = Set(list("pairs.sources").compactMap(PairSource.init(rawValue:)))
        recipe.pairs.isFallbackChosen = text("pairs.fallback") != "rejected"
        guard faults.isEmpty else { throw ConfigFaults(list: onceEach, place: "the recipe").failure }
        do { try recipe.validate() } catch { throw VerbFailure.usage("\(file.path): \(error)") }
        return recipe
    }

    private mutating func feedback() -> FeedbackRules {
        var rules = FeedbackRules()
        rules.sources = list("feedback.sources")
        if let bound = score("feedback.bad_below") { rules.badBelowMillionths = bound }
        rules.minimumMillionths = score("feedback.min_score")
        if let use = text("feedback.corrections").flatMap(CorrectionUse.init(rawValue:)) { rules.corrections = use }
        return rules
    }

    /// A score in millionths; finer ones are rounded.
    private mutating func score(_ path: String) -> Int64? {
        guard let text = text(path) else { return nil }
        guard let number = Double(text), let millionths = Int64(exactly: (number * 1_000_000).rounded()) else {
            faults.append(fault(path, "takes a number, as 0.5 or -1"))
            return nil
        }
        return millionths
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
            selection.metadata.append(MetadataPair(pair[..<mark].lowercased(), String(pair[pair.index(after: mark)...])))
        }
        selection.inputTokens = bounds("input_tokens")
        selection.outputTokens = bounds("output_tokens")
        selection.durationMs = bounds("duration_ms")
        selection.ttftMs = bounds("ttft_ms")
        selection.costNanousd = bounds("cost_nanousd")
        return selection
    }

    private mutating func quality() -> QualityFilters {
        var quality = QualityFilters()
        for rule in QualityFilters.settable {
            if let mode = text("quality.\(rule.rawValue)").flatMap(QualityFilters.Mode.init(rawValue:)) { quality[rule] = mode }
        }
        quality.languages = list("quality.languages").map { $0.lowercased() }
        if case .flag(let checksHistory) = value("quality.calls_of_history") { quality.checksHistory = checksHistory }
        quality.promptTokens = tokens("quality.prompt_tokens")
        quality.answerTokens = tokens("quality.answer_tokens")
        if let same = text("quality.duplicates").flatMap(QualityFilters.Sameness.init(rawValue:)) { quality.duplicates = same }
        return quality
    }

    private mutating func tokens(_ path: String) -> ClosedRange<Int64> {
        let (least, most) = (number("\(path).min") ?? 0, number("\(path).max") ?? Int64.max)
        guard least <= most else {
            faults.append(fault("\(path).max", "is below \(path).min: no row would be left"))
            return 0...Int64.max
        }
        return least...most
    }

    /// The variable that names a file of keys where a recipe names none, so that a recipe need not know places of one machine.
    static let keyFileVariable = "WEIR_REDACT_KEY_FILE"

    /// The file that the variable names, or nil.
    static func keyFile(_ environment: [String: String]) -> String? {
        environment[keyFileVariable].flatMap { $0.isEmpty ? nil : $0 }
    }

    private mutating func redact() -> RedactRules {
        var redact = RedactRules()
        redact.keep(list("redact.kinds"))
        redact.key = text("redact.key")?.lowercased()
        redact.keyFile = text("redact.key_file") ?? RecipeFile.keyFile(environment)
        return redact
    }

    private mutating func formats(_ path: String) -> [ExportChoice] {
        list(path).compactMap { word in
            if let choice = ExportChoice(name: word) { return choice }
            let names = ExportChoice.all.map(\.name).filter { !$0.contains(".") }
            let meant = Suggestion.closest(to: word, among: names).map { "; did you mean `\($0)`?" } ?? ""
            faults.append(
                fault(
                    path,
                    "holds `\(word)`, which is no format\(meant). Known are \(RecipeSchema.formatNames), each also with .arrow-uniform behind it"
                ))
            return nil
        }
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

    /// The faults; what is wrong with several values of a list in the same way is said once.
    private var onceEach: [ConfigFault] {
        var list: [ConfigFault] = []
        for fault in faults where !list.contains(fault) { list.append(fault) }
        return list
    }

    private func fault(_ path: String, _ rule: String) -> ConfigFault {
        let line = file.entries[path]?.line
        return ConfigFault(origin: line.map { .file(path: file.path, line: $0) } ?? .fallback, message: "\(path) \(rule)")
    }
}

extension ConfigFault {
    /// Whether the fault is one of a key.
    fileprivate func isAbout(_ path: String) -> Bool {
        message.hasPrefix("\(path) ") || message.hasPrefix("the key \(path) ") || message.hasSuffix("did you mean `\(path)`?")
    }
}
