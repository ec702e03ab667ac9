// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Gateway

/// How a check ended.
enum DoctorMark: String {
    case ok, warn, fail
}

/// What one check found; holds no secret.
struct DoctorFinding: Equatable {
    let mark: DoctorMark
    let name: String
    let detail: String

    init(_ mark: DoctorMark, _ name: String, _ detail: String) {
        self.mark = mark
        self.name = name
        self.detail = detail
    }
}

/// One effective value as it may be shown.
struct ShownSetting: Equatable {
    let path: String
    let value: String
    let origin: String
    let isReloadable: Bool
}

/// Everything `weir doctor` says.
struct DoctorReport {
    let settings: [ShownSetting]
    var findings: [DoctorFinding] = []

    init(_ resolution: ConfigResolution) {
        var shown = ConfigSchema.table.settings.map { setting in
            let effective = resolution.values[setting.path] ?? Effective(value: .absent, origin: .fallback)
            return ShownSetting(
                path: setting.path, value: setting.kind.shown(effective.value), origin: "\(effective.origin)",
                isReloadable: setting.isReloadable)
        }
        shown += resolution.providers.sorted { $0.name < $1.name }.map(DoctorReport.shown)
        shown += resolution.keys.map {
            ShownSetting(path: "keys.\($0.id)", value: Masking.set, origin: "\($0.origin)", isReloadable: true)
        }
        shown += resolution.rules.enumerated().map { index, rule in
            ShownSetting(
                path: "\(ConfigSchema.rulesPath)[\(index)]", value: rule.words, origin: "line \(rule.line)", isReloadable: true)
        }
        settings = shown
    }

    private static func shown(_ provider: ProviderSetting) -> ShownSetting {
        var words = [provider.url.map { $0.origin + $0.path } ?? "(its own base URL)"]
        if let key = provider.key { words.append("key \(key)") }
        if let region = provider.region { words.append("region \(region)") }
        if !provider.hosts.isEmpty { words.append("hosts \(provider.hosts.joined(separator: " "))") }
        if let apis = provider.apis { words.append("apis \(apis.joined(separator: " "))") }
        if let aws = provider.aws { words.append("aws \(aws.region)/\(aws.service) credentials \(Masking.set)") }
        return ShownSetting(
            path: "providers.\(provider.name)", value: words.joined(separator: ", "), origin: "\(provider.origin)",
            isReloadable: true)
    }

    var isWell: Bool { !findings.contains { $0.mark == .fail } }

    /// For a terminal: settings first, then checks, in columns.
    var text: String {
        var out = "settings (* takes effect at SIGHUP)\n"
        let paths = settings.map(\.path.count).max() ?? 0
        let values = min(48, settings.map(\.value.count).max() ?? 0)
        for setting in settings {
            let path = DoctorReport.padded(setting.path + (setting.isReloadable ? " *" : ""), to: paths + 2)
            out += "  \(path)  \(DoctorReport.padded(setting.value, to: values))  \(setting.origin)\n"
        }
        out += "\nchecks\n"
        let names = findings.map(\.name.count).max() ?? 0
        for finding in findings {
            let mark = DoctorReport.padded("\(finding.mark)", to: 4)
            out += "  \(mark)  \(DoctorReport.padded(finding.name, to: names))  \(finding.detail)\n"
        }
        let warnings = findings.count { $0.mark == .warn }
        let failures = findings.count { $0.mark == .fail }
        return out + "\n\(findings.count) checks: \(failures) failed, \(warnings) with a warning\n"
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// For a machine: one object.
    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("ok")
        json.value(isWell)
        json.key("settings")
        json.beginArray()
        for setting in settings {
            json.beginObject()
            for (key, value) in [("path", setting.path), ("value", setting.value), ("origin", setting.origin)] {
                json.key(key)
                json.value(value)
            }
            json.key("reloadable")
            json.value(setting.isReloadable)
            json.endObject()
        }
        json.endArray()
        json.key("checks")
        json.beginArray()
        for finding in findings {
            json.beginObject()
            for (key, value) in [("mark", finding.mark.rawValue), ("name", finding.name), ("detail", finding.detail)] {
                json.key(key)
                json.value(value)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }

    /// What a machine gets where the configuration has faults.
    static func json(_ faults: ConfigFaults) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("ok")
        json.value(false)
        json.key("faults")
        json.beginArray()
        for fault in faults.list { json.value("\(fault)") }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }
}
