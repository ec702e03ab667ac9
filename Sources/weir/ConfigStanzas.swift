// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Gateway

/// Reads the providers of file, environment and flags.
struct ProviderReading {
    private(set) var providers: [ProviderSetting] = []
    private(set) var faults: [ConfigFault] = []
    private let environment: [String: String]

    init(environment: [String: String]) { self.environment = environment }

    mutating func read(_ file: ConfigFile?, flags: [String]) {
        if let file {
            for stanza in file.providers { read(stanza, file: file.path) }
        }
        let listed = environment[ConfigSchema.providersVariable] ?? ""
        for pair in listed.split(separator: ",").map({ $0.trimmingBlanks }) where !pair.isEmpty {
            take(pair, origin: .variable(ConfigSchema.providersVariable))
        }
        for pair in flags { take(pair, origin: .flag("--provider")) }
    }

    private mutating func fault(_ origin: Origin, _ message: String) {
        faults.append(ConfigFault(origin: origin, message: message))
    }

    private static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    /// `NAME=BASE_URL`.
    private mutating func take(_ pair: String, origin: Origin) {
        let parts = pair.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, ProviderReading.isName(parts[0]) else {
            let flag = origin.description.contains("--provider") ? "--provider" : ConfigSchema.providersVariable
            return fault(origin, "\(flag) takes NAME=BASE_URL with a lower-case name, as in openai=https://api.openai.com")
        }
        let name = String(parts[0])
        guard let url = baseURL(String(parts[1]), of: name, origin: origin) else { return }
        if let index = providers.firstIndex(where: { $0.name == name }) {
            providers[index].url = url
            providers[index].origin = origin
        } else {
            providers.append(ProviderSetting(name: name, origin: origin, url: url))
        }
    }

    private mutating func baseURL(_ text: String, of name: String, origin: Origin) -> BaseURL? {
        do throws(Fault) { return try BaseURL(text) } catch {
            fault(origin, "providers.\(name): \(error.message)")
            return nil
        }
    }

    private mutating func read(_ stanza: Stanza, file: String) {
        let start = Origin.file(path: file, line: stanza.line)
        guard ProviderReading.isName(stanza.name) else {
            let shown = stanza.name.prefix(64)
            return fault(start, "providers.\(shown): a provider's name is lower-case letters, digits and hyphens")
        }
        var setting = ProviderSetting(name: stanza.name, origin: start)
        let values = checked(stanza, file: file)
        if case .text(let text) = values["url"] {
            let origin = Origin.file(path: file, line: stanza.fields["url"]?.line ?? stanza.line)
            setting.url = baseURL(text, of: stanza.name, origin: origin)
        }
        if case .text(let key) = values["key"] { setting.key = key }
        if case .list(let hosts) = values["hosts"] { setting.hosts = hosts.map { $0.lowercased() } }
        if case .list(let apis) = values["apis"] { setting.apis = apis }
        if case .text(let region) = values["region"] { setting.region = region }
        if case .text(let word) = values["usage_opt_in"] { setting.usageOptIn = word }
        setting.aws = aws(values, stanza, origin: start)
        if values.isEmpty, stanza.fields.isEmpty {
            fault(start, "providers.\(stanza.name) says nothing; give it a base URL")
        }
        providers.append(setting)
    }

    /// The fields of a stanza that hold what they should.
    private mutating func checked(_ stanza: Stanza, file: String) -> [String: SettingValue] {
        var values: [String: SettingValue] = [:]
        for setting in ConfigSchema.provider.settings {
            guard let entry = stanza.fields[setting.path] else { continue }
            do throws(BrokenRule) {
                let value = try setting.kind.value(entry.texts)
                try ProviderReading.check(setting.path, value)
                values[setting.path] = value
            } catch {
                fault(.file(path: file, line: entry.line), "providers.\(stanza.name).\(setting.path) \(error.rule)")
            }
        }
        return values
    }

    private static func check(_ path: String, _ value: SettingValue) throws(BrokenRule) {
        switch (path, value) {
        case ("apis", .list(let names)):
            let known = APIFamily.known.map(\.rawValue)
            guard let odd = names.first(where: { !known.contains($0) }) else { return }
            let meant = Suggestion.closest(to: odd, among: known).map { "; did you mean `\($0)`?" } ?? ""
            throw BrokenRule("may hold \(known.joined(separator: ", "))\(meant)")
        case ("region", .text(let region)), ("aws.region", .text(let region)):
            guard isName(region), region.utf8.count <= 40, !region.hasPrefix("-"), !region.hasSuffix("-") else {
                throw BrokenRule("must be a region such as us-east-1")
            }
        default: break
        }
    }

    private mutating func aws(_ values: [String: SettingValue], _ stanza: Stanza, origin: Origin) -> AWSSetting? {
        guard stanza.fields.keys.contains(where: { $0.hasPrefix("aws.") }) else { return nil }
        func text(_ path: String) -> String? { if case .text(let text) = values[path] { text } else { nil } }
        guard let id = text("aws.access_key_id"), let secret = text("aws.secret_access_key") else {
            fault(origin, "providers.\(stanza.name).aws needs access_key_id and secret_access_key")
            return nil
        }
        guard let region = text("aws.region") ?? text("region") else {
            fault(origin, "providers.\(stanza.name).aws needs a region, as in us-east-1")
            return nil
        }
        return AWSSetting(
            accessKeyID: id, secretAccessKey: secret, sessionToken: text("aws.session_token"), region: region,
            service: text("aws.service") ?? "bedrock")
    }
}

/// Reads the gateway keys of file and environment.
struct KeyReading {
    private(set) var keys: [KeySetting] = []
    private(set) var faults: [ConfigFault] = []

    mutating func read(_ file: ConfigFile?, variable: String?) {
        if let file {
            for stanza in file.keys { read(stanza, file: file.path) }
        }
        for pair in (variable ?? "").split(separator: ",").map({ $0.trimmingBlanks }) where !pair.isEmpty {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            let origin = Origin.variable(ConfigSchema.keysVariable)
            guard parts.count == 2, let sum = KeyReading.checksum(parts[1]) else {
                fault(origin, "keys: WEIR_KEYS takes ID=SHA256 pairs, parted by commas")
                continue
            }
            add(KeySetting(id: parts[0], origin: origin, form: .sha256(sum)))
        }
    }

    private mutating func fault(_ origin: Origin, _ message: String) {
        faults.append(ConfigFault(origin: origin, message: message))
    }

    private mutating func read(_ stanza: Stanza, file: String) {
        let origin = Origin.file(path: file, line: stanza.line)
        func text(_ name: String) -> String? {
            stanza.fields[name].flatMap { $0.texts.count == 1 ? $0.texts[0] : nil }
        }
        guard let id = text("id") else { return fault(origin, "keys[].id is missing: each key needs a name") }
        switch (text("sha256"), text("key")) {
        case (let sum?, nil):
            guard let bytes = KeyReading.checksum(sum) else {
                return fault(
                    origin, "keys[].sha256 of \(id.prefix(64)) must be 64 hexadecimal digits: printf %s \"$KEY\" | sha256sum")
            }
            add(KeySetting(id: id, origin: origin, form: .sha256(bytes)))
        case (nil, let key?):
            guard key.hasPrefix("weir_"), key.utf8.count >= 20, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return fault(
                    origin, "keys[].key of \(id.prefix(64)) must begin with weir_ and have 20 visible ASCII characters or more")
            }
            add(KeySetting(id: id, origin: origin, form: .plain(key)))
        default: fault(origin, "keys[] needs one of sha256 and key for \(id.prefix(64))")
        }
    }

    private mutating func add(_ key: KeySetting) {
        guard !key.id.isEmpty, key.id.utf8.count <= 128, key.id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return fault(key.origin, "keys[].id must be a word of at most 128 visible ASCII characters")
        }
        guard !keys.contains(where: { $0.id == key.id }) else {
            return fault(key.origin, "keys[].id \(key.id) is given twice")
        }
        keys.append(key)
    }

    private static func checksum(_ text: String) -> [UInt8]? { text.utf8.count == 64 ? Hex.decode(text.utf8) : nil }
}
