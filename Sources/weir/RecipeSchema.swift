// SPDX-License-Identifier: Apache-2.0
import Datasets

/// Every key of a recipe.
enum RecipeSchema {
    static let table = SettingTable(head + select + bounds + sides + output)

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

    private static let sides: [Setting] = [
        Setting(path: "eval.share", kind: .fraction, fallback: "0.1", doc: "Share of the groups that go to the eval pool."),
        Setting(path: "eval.max_rows", kind: .count(1...1_000_000), fallback: "10000", doc: "At most this many eval rows."),
        Setting(path: "eval.anchors", kind: .fraction, fallback: "0.2", doc: "Share of eval rows taken whatever their hardness."),
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

    private static let output: [Setting] = []
}
