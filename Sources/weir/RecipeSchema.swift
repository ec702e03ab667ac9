// SPDX-License-Identifier: Apache-2.0
import Datasets

/// Every key of a recipe.
enum RecipeSchema {
    static let table = SettingTable(head + select + bounds + quality + redact + sides + feedback + output)

    private static let count: SettingKind = .count(0...Int64.max / 2)

    private static let head: [Setting] = [
        Setting(path: "name", kind: .text, fallback: nil, doc: "The data set's name: letters, digits, dot, underscore, hyphen."),
        Setting(
            path: "salt", kind: .text, fallback: nil, doc: "Decides sides and the order of rows; the name where it is not given."),
        Setting(
            path: "ledger", kind: .text, fallback: "default",
            doc: "Data sets of one ledger never train on what any of them was ever measured with."),
        Setting(
            path: "strict", kind: .flag, fallback: "false",
            doc: "Whether the gate also asks for shared runs of 13 and 8 tokens (G4)."),
        Setting(path: "group_by", kind: .words, fallback: nil, doc: "Metadata whose equal values belong together."),
    ]

    private static let select: [Setting] = [
        Setting(
            path: "select.since", kind: .text, fallback: nil,
            doc: "Start: a date or time in UTC; an age such as 7d counts from now and gives another data set each day."),
        Setting(path: "select.until", kind: .text, fallback: nil, doc: "End, exclusive; as since."),
        Setting(path: "select.environment", kind: .words, fallback: nil, doc: "Any of these environments."),
        Setting(path: "select.task", kind: .words, fallback: nil, doc: "Any of these tasks."),
        Setting(path: "select.provider", kind: .words, fallback: nil, doc: "Any of these providers."),
        Setting(path: "select.model", kind: .words, fallback: nil, doc: "Any of these models, asked for or answered."),
        Setting(path: "select.api", kind: .words, fallback: nil, doc: "Any of these API families, as openai-chat."),
        Setting(path: "select.status", kind: .words, fallback: nil, doc: "Any of these statuses."),
        Setting(path: "select.outcome", kind: .words, fallback: nil, doc: "Any of these outcomes."),
        Setting(path: "select.key", kind: .words, fallback: nil, doc: "Any of these key ids."),
        Setting(path: "select.metadata", kind: .words, fallback: nil, doc: "All of these pairs, NAME=VALUE."),
        Setting(
            path: "select.finish_reason", kind: .words, fallback: nil,
            doc: "Any of these finish reasons, in the provider's words."),
        Setting(
            path: "select.limit", kind: .count(1...Int64.max / 2), fallback: nil,
            doc: "At most this many exchanges, by keyed hash."),
    ]

    /// The keys with bounds: a name, its unit, what it counts.
    static let bounded = [
        ("input_tokens", "tokens of the prompt"), ("output_tokens", "tokens of the answer"),
        ("duration_ms", "milliseconds to the end"), ("ttft_ms", "milliseconds to the first token"),
        ("cost_nanousd", "nano-dollars that it cost"),
    ]

    private static let bounds: [Setting] = bounded.flatMap { name, what in
        ["min", "max"].map { side in
            Setting(
                path: "select.\(name).\(side)", kind: count, fallback: nil,
                doc: "\(side == "min" ? "At least" : "At most") so many \(what).")
        }
    }

    /// What each rule finds, for those whose mode a recipe sets.
    private static let rules: [(DropReason, String)] = [
        (.refusal, "answers that the provider marks as refusals"),
        (.refusalPhrase, "answers that begin with words of refusal"),
        (.unknownTool, "calls of a tool that was not offered"),
        (.toolCallViolatesSchema, "calls whose arguments break the tool's schema"),
        (.structuredOutputNotJSON, "answers that are no JSON where JSON was demanded"),
        (.structuredOutputViolatesSchema, "answers that break the schema that was demanded"),
        (.mojibake, "text decoded by the wrong character set"), (.repetitionLoop, "answers that say the same again and again"),
        (.languageUnwanted, "text in no language of the list"),
    ]

    private static let quality: [Setting] =
        rules.map { rule, what in
            Setting(
                path: "quality.\(rule.rawValue)", kind: .choice(QualityFilters.Mode.allCases.map(\.rawValue)),
                fallback: QualityFilters()[rule].rawValue, doc: "What is done about \(what): drop, flag or off.")
        } + [
            Setting(
                path: "quality.languages", kind: .words, fallback: nil,
                doc: "Languages or scripts, any of which will do: en, de, ja, cyrillic, ...; all where none is named."),
            Setting(
                path: "quality.calls_of_history", kind: .flag, fallback: "false",
                doc: "Whether rules for calls are asked of those in the history too, which a row trains on as well."),
            Setting(
                path: "quality.prompt_tokens.min", kind: count, fallback: nil,
                doc: "Fewer tokens of the prompt drop a row; as reported, else a quarter of the bytes."),
            Setting(
                path: "quality.prompt_tokens.max", kind: count, fallback: nil, doc: "More tokens of the prompt drop a row."),
            Setting(
                path: "quality.answer_tokens.min", kind: count, fallback: nil, doc: "Fewer tokens of the answer drop a row."),
            Setting(path: "quality.answer_tokens.max", kind: count, fallback: nil, doc: "More tokens of the answer drop a row."),
            Setting(
                path: "quality.duplicates", kind: .choice(QualityFilters.Sameness.allCases.map(\.rawValue)), fallback: "exact",
                doc: "Which conversations are the same: exact compares turns, loose their words without case, digits and signs."),
        ]

    private static let redact: [Setting] = [
        Setting(
            path: "redact.kinds", kind: .choices(RedactRules().kindNames),
            fallback: RedactRules().kindNames.joined(separator: ","),
            doc: "What is replaced by pseudonyms in every text of a row; `[]` for nothing."),
        Setting(
            path: "redact.key_file", kind: .text, fallback: nil,
            doc:
                "File of keys for pseudonyms, 64 hex digits a line; else WEIR_REDACT_KEY_FILE, else a weak one of the ledger's name."
        ),
        Setting(
            path: "redact.key", kind: .text, fallback: nil, doc: "Id of the key to take; the file's first where it is not given."),
    ]

    /// The formats that a recipe may name, without their profiles.
    static let formatNames = ExportChoice.all.filter { $0.profile == .strictVendor }.map(\.name).joined(separator: ", ")

    private static let sides: [Setting] = [
        Setting(path: "eval.share", kind: .fraction, fallback: "0.1", doc: "Share of the groups that go to the eval pool."),
        Setting(
            path: "eval.formats", kind: .words, fallback: nil,
            doc: "Files beside eval.jsonl: \(formatNames); each also with .arrow-uniform behind it."),
        Setting(path: "eval.max_rows", kind: .count(1...1_000_000), fallback: "10000", doc: "At most this many eval rows."),
        Setting(path: "eval.anchors", kind: .fraction, fallback: "0.2", doc: "Share of eval rows taken whatever their hardness."),
        Setting(
            path: "train.formats", kind: .words, fallback: nil,
            doc: "Files beside train.jsonl: \(formatNames); each also with .arrow-uniform behind it."),
        Setting(path: "train.max_rows", kind: .count(1...Int64.max / 2), fallback: nil, doc: "At most this many training rows."),
        Setting(
            path: "train.per_group", kind: .count(1...Int64.max / 2), fallback: nil,
            doc: "At most this many training rows of a group."),
        Setting(
            path: "train.strata", kind: .choices(StratumPart.allCases.map(\.rawValue)), fallback: "environment,model,task",
            doc: "What training rows are parted by before they are counted out."),
        Setting(
            path: "train.quota", kind: .choice(Quota.allCases.map(\.rawValue)), fallback: "proportional",
            doc: "How strata share the rows: proportional, square_root or uniform."),
    ]

    private static let feedback: [Setting] = [
        Setting(
            path: "feedback.sources", kind: .words, fallback: nil, doc: "Sources of feedback that count; all where none is named."
        ),
        Setting(
            path: "feedback.bad_below", kind: .text, fallback: "0.5",
            doc: "A score below this says that the answer was bad: its row is hard, and it is never the better one of a pair."),
        Setting(
            path: "feedback.min_score", kind: .text, fallback: nil,
            doc: "Rows with only scores below this are not trained on."),
        Setting(
            path: "feedback.corrections", kind: .choice(CorrectionUse.allCases.map(\.rawValue)), fallback: "answer",
            doc: "Corrections of training rows: answer puts them in the place of the recorded answer. Eval rows always take them."
        ),
        Setting(
            path: "pairs.sources", kind: .choices(PairSource.allCases.map(\.rawValue)),
            fallback: "correction,feedback,regeneration,fallback", doc: "What may tell a better answer from a worse one."),
        Setting(
            path: "pairs.fallback", kind: .choice(["chosen", "rejected"]), fallback: "chosen",
            doc: "Whether a fallback's answer is the better one, beside that of the deployment that is asked first."),
    ]

    private static let output: [Setting] = []
}
