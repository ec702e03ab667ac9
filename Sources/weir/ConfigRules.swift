// SPDX-License-Identifier: Apache-2.0
import Capture
import Redaction

/// A capture rule of the configuration; what it does not say is as without a rule.
struct RuleSetting: Equatable {
    let line: Int
    var environments: [String] = []
    var tasks: [String] = []
    var keys: [String] = []
    var mode: CaptureMode?
    var sampleMillionths: Int?
    var bodyBytes: Int?
    var redact: [String]?

    /// As it may be shown.
    var words: String {
        var words: [String] = []
        for (name, list) in [("environment", environments), ("task", tasks), ("key", keys)] where !list.isEmpty {
            words.append("\(name) \(list.joined(separator: " "))")
        }
        if words.isEmpty { words.append("all") }
        if let mode { words.append("mode \(mode.rawValue)") }
        if let sampleMillionths { words.append("sample \(Quantity.shownMillionths(Int64(sampleMillionths)))") }
        if let bodyBytes { words.append("body_bytes \(Quantity.shownBytes(Int64(bodyBytes)))") }
        if let redact { words.append("redact \(redact.isEmpty ? "nothing" : redact.joined(separator: " "))") }
        return words.joined(separator: ", ")
    }
}

/// Reads the capture rules of the file.
struct RuleReading {
    private(set) var rules: [RuleSetting] = []
    private(set) var faults: [ConfigFault] = []

    /// Reads them.
    ///
    /// - Parameters:
    ///   - file: the configuration file.
    ///   - keys: the gateway keys that are configured.
    mutating func read(_ file: ConfigFile?, keys: [KeySetting]) {
        for stanza in file?.rules ?? [] { read(stanza, file: file?.path ?? "", keys: keys.map(\.id)) }
    }

    private mutating func read(_ stanza: Stanza, file: String, keys: [String]) {
        var rule = RuleSetting(line: stanza.line)
        for setting in ConfigSchema.rule.settings {
            guard let entry = stanza.fields[setting.path] else { continue }
            do throws(BrokenRule) {
                try take(setting.path, setting.kind.value(entry.texts), into: &rule, keys: keys)
            } catch {
                faults.append(
                    ConfigFault(
                        origin: .file(path: file, line: entry.line),
                        message: "\(ConfigSchema.rulesPath)[].\(setting.path) \(error.rule)"))
            }
        }
        if stanza.fields.isEmpty {
            faults.append(
                ConfigFault(
                    origin: .file(path: file, line: stanza.line),
                    message: "\(ConfigSchema.rulesPath)[] says nothing; give it a mode, a sample or body_bytes"))
        }
        rules.append(rule)
    }

    private func take(_ path: String, _ value: SettingValue, into rule: inout RuleSetting, keys: [String])
        throws(BrokenRule)
    {
        switch (path, value) {
        case ("environment", .list(let names)): rule.environments = try RuleReading.names(names)
        case ("task", .list(let names)): rule.tasks = try RuleReading.names(names)
        case ("key", .list(let names)):
            rule.keys = try RuleReading.names(names)
            guard let odd = names.first(where: { !$0.hasSuffix("*") && !keys.contains($0) }) else { return }
            let meant = Suggestion.closest(to: odd, among: keys).map { "; did you mean `\($0)`?" } ?? ""
            throw BrokenRule("names no key of `keys`: \(odd)\(meant)")
        case ("mode", .text(let word)): rule.mode = CaptureMode(rawValue: word)
        case ("sample", .number(let millionths)): rule.sampleMillionths = Int(millionths)
        case ("body_bytes", .number(let bytes)): rule.bodyBytes = Int(bytes)
        case ("redact", .list(let kinds)): rule.redact = kinds
        default: break
        }
    }

    private static func names(_ names: [String]) throws(BrokenRule) -> [String] {
        guard !names.isEmpty else { throw BrokenRule("is an empty list; leave it out to meet all") }
        guard !names.contains(where: { $0.dropLast().contains("*") }) else {
            throw BrokenRule("may hold `*` at the end of a name only")
        }
        return names
    }
}

extension ConfigWiring {
    /// What is recorded.
    static func policy(_ from: ConfigResolution) -> CapturePolicy {
        var policy = CapturePolicy()
        policy.terms.mode = from.text("capture.mode").flatMap(CaptureMode.init) ?? .full
        policy.terms.sampleMillionths = Int(from.number("capture.sample"))
        policy.terms.bodyBytes = Int(from.number("capture.body_bytes"))
        policy.terms.redact = Set(from.list("capture.redact").compactMap(DetectorKind.init))
        policy.header = from.text("capture.header").flatMap(CaptureHeaderUse.init) ?? .ignored
        policy.sampledOut = from.text("capture.sampled_out").flatMap(CaptureMode.init) ?? .metadata
        policy.rules = from.rules.map { rule in
            var terms = policy.terms
            if let mode = rule.mode { terms.mode = mode }
            if let sample = rule.sampleMillionths { terms.sampleMillionths = sample }
            if let bytes = rule.bodyBytes { terms.bodyBytes = bytes }
            if let kinds = rule.redact { terms.redact = Set(kinds.compactMap(DetectorKind.init)) }
            return CaptureRule(environments: rule.environments, tasks: rule.tasks, keys: rule.keys, terms: terms)
        }
        return policy
    }

    /// Bounds of capture.
    static func captureLimits(_ from: ConfigResolution) -> CaptureLimits {
        var limits = CaptureLimits()
        limits.arenaBytes = Int(from.number("capture.arena_mib")) << 20
        limits.minFreeBytes = from.number("capture.min_free_bytes")
        limits.ballastBytes = from.number("capture.ballast_bytes")
        limits.givesWay = true
        return limits
    }
}
