// SPDX-License-Identifier: Apache-2.0

/// The settings as tables in Markdown: the generated part of `notebooks-docs/configuration.md`.
enum ConfigSchemaPage {
    static var text: String {
        "### Settings\n\n" + settings(ConfigSchema.table.settings)
            + "\n### A provider (`providers.NAME`)\n\n" + fields(ConfigSchema.provider.settings)
            + "\n### A gateway key (`keys[]`)\n\n" + fields(ConfigSchema.key.settings)
            + "\n### A capture rule (`capture.rules[]`)\n\n" + fields(ConfigSchema.rule.settings)
    }

    private static func settings(_ settings: [Setting]) -> String {
        var out = "| Key | Value | Default | Variable | Flag | SIGHUP | What it is for |\n|---|---|---|---|---|---|---|\n"
        for setting in settings {
            let flag = setting.flag.map { "`\($0)`" } ?? ""
            let variables = ([setting.variable] + setting.usualVariables).map { "`\($0)`" }.joined(separator: ", ")
            out +=
                "| `\(setting.path)` | \(words(setting.kind)) | \(fallback(setting)) | \(variables) | \(flag)"
                + " | \(setting.isReloadable ? "yes" : "restart") | \(setting.doc) |\n"
        }
        return out
    }

    private static func fields(_ settings: [Setting]) -> String {
        var out = "| Key | Value | What it is for |\n|---|---|---|\n"
        for setting in settings { out += "| `\(setting.path)` | \(words(setting.kind)) | \(setting.doc) |\n" }
        return out
    }

    private static func fallback(_ setting: Setting) -> String {
        guard let fallback = setting.fallback, !fallback.isEmpty else { return "" }
        return "`\(fallback)`"
    }

    private static func words(_ kind: SettingKind) -> String {
        switch kind {
        case .text: "text"
        case .address: "HOST:PORT"
        case .addresses: "HOST:PORT or a list"
        case .flag: "true or false"
        case .count(let range): "number, \(range.lowerBound) to \(range.upperBound)"
        case .fraction: "share, 0 to 1"
        case .bytes(let range): "size, \(Quantity.shownBytes(range.lowerBound)) to \(Quantity.shownBytes(range.upperBound))"
        case .duration(let range):
            "time, \(Quantity.shownMilliseconds(range.lowerBound)) to \(Quantity.shownMilliseconds(range.upperBound))"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .choices(let words): "some of " + words.map { "`\($0)`" }.joined(separator: ", ")
        case .file: "file"
        case .files: "file or a list"
        case .words: "word or a list"
        case .directory: "directory"
        case .proxy: "URL or `none`"
        case .secret: "secret"
        }
    }
}
