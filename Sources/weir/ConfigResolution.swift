// SPDX-License-Identifier: Apache-2.0
import Gateway
import Platform

/// What a configuration is made of, before it is read.
struct ConfigInputs {
    /// The file named by `--config` or `WEIR_CONFIG`; no other is ever looked for.
    var file: String?
    /// By the path of the setting.
    var flags: [String: [String]] = [:]
    /// `NAME=BASE_URL`, from `--provider`.
    var providers: [String] = []
    var environment: [String: String] = [:]
}

/// A value and where it comes from.
struct Effective: Equatable {
    let value: SettingValue
    let origin: Origin
}

/// A provider of the configuration.
struct ProviderSetting {
    let name: String
    var origin: Origin
    var url: BaseURL?
    var key: String?
    var hosts: [String] = []
    var apis: [String]?
    var region: String?
    var usageOptIn: String?
    var aws: AWSSetting?
}

/// Credentials that requests to a provider are signed with; prints as dots.
struct AWSSetting: CustomStringConvertible, CustomReflectable {
    let accessKeyID: String
    let secretAccessKey: String
    let sessionToken: String?
    let region: String
    let service: String

    var description: String { Masking.set }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// A gateway key of the configuration; prints as dots.
struct KeySetting: CustomStringConvertible, CustomReflectable {
    /// How the key is given.
    enum Form {
        case sha256([UInt8])
        case plain(String)
    }
    let id: String
    let origin: Origin
    let form: Form

    var description: String { "\(id): \(Masking.set)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Every setting with its value and origin, and everything that was wrong.
struct ConfigResolution {
    private(set) var values: [String: Effective] = [:]
    private(set) var providers: [ProviderSetting] = []
    private(set) var keys: [KeySetting] = []
    private(set) var rules: [RuleSetting] = []
    private(set) var faults: [ConfigFault] = []
    /// Worth a word, but no reason to refuse.
    private(set) var warnings: [String] = []

    private let inputs: ConfigInputs
    private let files: any FileSystem

    /// Reads file, environment and flags, and checks everything.
    init(_ inputs: ConfigInputs, files: any FileSystem) {
        self.inputs = inputs
        self.files = files
        let file = inputs.file.map { ConfigFile.read(path: $0, environment: inputs.environment, files: files) }
        faults += file?.faults ?? []
        for setting in ConfigSchema.table.settings { values[setting.path] = resolve(setting, file) }
        var stanzas = ProviderReading(environment: inputs.environment)
        stanzas.read(file, flags: inputs.providers)
        providers = stanzas.providers
        faults += stanzas.faults
        var reading = KeyReading()
        reading.read(file, variable: inputs.environment[ConfigSchema.keysVariable])
        keys = reading.keys
        faults += reading.faults
        var ruling = RuleReading()
        ruling.read(file, keys: keys)
        rules = ruling.rules
        faults += ruling.faults
        checkTogether()
        warnings = ConfigResolution.strayVariables(inputs.environment)
        faults.sort { ConfigResolution.order($0.origin) < ConfigResolution.order($1.origin) }
    }

    subscript(path: String) -> SettingValue { values[path]?.value ?? .absent }

    private static func order(_ origin: Origin) -> Int {
        switch origin {
        case .file(_, let line): line
        case .variable: Int.max - 2
        case .flag: Int.max - 1
        case .fallback: 0
        }
    }

    // MARK: One setting

    private mutating func resolve(_ setting: Setting, _ file: ConfigFile?) -> Effective {
        for candidate in candidates(setting, file) {
            do throws(BrokenRule) {
                let value = try setting.kind.value(candidate.texts)
                try checkFiles(setting.kind, value)
                return Effective(value: value, origin: candidate.origin)
            } catch {
                faults.append(ConfigFault(origin: candidate.origin, message: message(setting, candidate, error)))
                break
            }
        }
        let value = setting.fallback.flatMap { text in try? setting.kind.value([text]) } ?? .absent
        return Effective(value: setting.path == "node" ? .text(Host.hostName()) : value, origin: .fallback)
    }

    private typealias Candidate = (texts: [String], origin: Origin)

    /// The places that give the setting a value, the strongest first.
    private func candidates(_ setting: Setting, _ file: ConfigFile?) -> [Candidate] {
        var found: [Candidate] = []
        if let flag = setting.flag, let texts = inputs.flags[setting.path] { found.append((texts, .flag(flag))) }
        if let text = inputs.environment[setting.variable], !text.isEmpty { found.append(([text], .variable(setting.variable))) }
        if let file, let entry = file.entries[setting.path] {
            found.append((entry.texts, .file(path: file.path, line: entry.line)))
        }
        for name in setting.usualVariables {
            if let text = inputs.environment[name], !text.isEmpty { found.append(([text], .variable(name))) }
        }
        return found
    }

    private func message(_ setting: Setting, _ candidate: Candidate, _ error: BrokenRule) -> String {
        let rule = "\(setting.path) \(error.rule)"
        guard candidate.texts.count == 1, let text = candidate.texts.first, (1...40).contains(text.utf8.count) else {
            return rule
        }
        switch setting.kind {
        case .secret, .proxy, .text, .file, .files: return rule
        default: break
        }
        // A value that a variable gave may be a secret in the wrong place.
        let isLiteral: Bool
        switch candidate.origin {
        case .file: isLiteral = !inputs.environment.values.contains { $0 == text }
        case .flag: isLiteral = true
        default: isLiteral = false
        }
        return isLiteral ? "\(rule), not `\(text)`" : rule
    }

    private func checkFiles(_ kind: SettingKind, _ value: SettingValue) throws(BrokenRule) {
        let paths: [String]
        switch (kind, value) {
        case (.file, .text(let path)): paths = [path]
        case (.files, .list(let list)): paths = list
        default: return
        }
        for path in paths {
            do {
                if try files.status(of: path)?.isDirectory == true { throw BrokenRule("names a directory: \(path)") }
                try files.open(path, .read).close()
            } catch let error as BrokenRule {
                throw error
            } catch {
                throw BrokenRule("names a file that cannot be read: \(error)")
            }
        }
    }

    // MARK: All together

    private mutating func checkTogether() {
        let certificate = values["tls.certificate"]
        let key = values["tls.key"]
        if (certificate?.value == .absent) != (key?.value == .absent) {
            let given = certificate?.value == .absent ? key : certificate
            // A file that was refused above is no missing one.
            let isRefused = faults.contains { $0.message.hasPrefix("tls.") }
            if !isRefused {
                fault(given, "tls.certificate and tls.key belong together; the other one is missing")
            }
        }
        guard case .list(let addresses) = self["listen"], self["open"] != .flag(true), keys.isEmpty else { return }
        let isKeyRefused = faults.contains { $0.message.hasPrefix("keys") }
        for text in addresses where !isKeyRefused {
            guard let address = try? ListenAddress(text), !address.isLoopback else { continue }
            fault(
                values["listen"],
                "refusing to listen on \(address.host): anyone who reaches it could use it, for no gateway keys are configured."
                    + " Configure keys, listen on 127.0.0.1, or say --open.")
        }
    }

    private mutating func fault(_ at: Effective?, _ message: String) {
        faults.append(ConfigFault(origin: at?.origin ?? .fallback, message: message))
    }

    /// Variables that look like a misspelt setting; others, such as those of a container platform, are nobody's business.
    private static func strayVariables(_ environment: [String: String]) -> [String] {
        let known =
            ConfigSchema.table.settings.map(\.variable)
            + [ConfigSchema.configVariable, ConfigSchema.providersVariable, ConfigSchema.keysVariable]
        return environment.keys.filter { $0.hasPrefix("WEIR_") && !known.contains($0) }.sorted().compactMap { name in
            let close = known.min { Suggestion.distance(name, $0) < Suggestion.distance(name, $1) }
            guard let close, Suggestion.distance(name, close) <= 2 else { return nil }
            return "\(name) is no setting and has no effect; did you mean \(close)?"
        }
    }
}
