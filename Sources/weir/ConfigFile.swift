// SPDX-License-Identifier: Apache-2.0
import Platform
import Yams

/// What the file says about one setting, not yet read as a value.
struct FileEntry: Equatable {
    let texts: [String]
    let line: Int
}

/// One provider, one key or one capture rule, as the file writes it.
struct Stanza: Equatable {
    /// The provider's name; empty for a key or a rule.
    let name: String
    let line: Int
    var fields: [String: FileEntry] = [:]
}

/// The configuration file, or another file of settings, taken apart by its schema; every fault is noted and reading goes on.
struct ConfigFile {
    let path: String
    /// What may stand at the top level.
    private let table: SettingTable
    /// Collections of the top level that are not single settings.
    private let collections: [String]
    private(set) var entries: [String: FileEntry] = [:]
    private(set) var providers: [Stanza] = []
    private(set) var keys: [Stanza] = []
    private(set) var rules: [Stanza] = []
    private(set) var faults: [ConfigFault] = []
    /// Whether the file could be read, and its top level is one of keys: what it does not say it could have said.
    private(set) var isRead = false
    private let environment: [String: String]

    private static let bytesMax = 1 << 20
    private static let stanzasMax = 4_096

    /// A file that says nothing.
    init(
        path: String, environment: [String: String], table: SettingTable = ConfigSchema.table,
        collections: [String] = ConfigSchema.collections
    ) {
        self.path = path
        self.environment = environment
        self.table = table
        self.collections = collections
    }

    /// Reads a file.
    static func read(path: String, environment: [String: String], files: any FileSystem) -> ConfigFile {
        var file = ConfigFile(path: path, environment: environment)
        file.read(what: "the configuration file", files)
        return file
    }

    /// Reads the file at the path.
    ///
    /// - Parameters:
    ///   - what: what people call such a file.
    ///   - files: where it lies.
    mutating func read(what: String, _ files: any FileSystem) {
        let bytes: [UInt8]
        do { bytes = try files.readFile(path, limit: ConfigFile.bytesMax + 1) } catch {
            faults.append(ConfigFault(origin: .fallback, message: "\(what) \(path) cannot be read: \(error)"))
            return
        }
        guard bytes.count <= ConfigFile.bytesMax, let text = String(validating: bytes, as: UTF8.self) else {
            let rule = bytes.count > ConfigFile.bytesMax ? "is larger than 1 MiB" : "is not UTF-8 text"
            faults.append(ConfigFault(origin: .fallback, message: "\(what) \(path) \(rule)"))
            return
        }
        read(text: text)
    }

    /// Reads the text of a file.
    mutating func read(text: String) {
        var document = ConfigDocument(text)
        let root = document.compose()
        for problem in document.problems { fault(problem.line, problem.message) }
        guard let root else {
            isRead = document.problems.isEmpty
            return
        }
        guard let mapping = root.mapping else {
            isRead = ConfigFile.isNothing(root)
            if !isRead { fault(root.mark?.line ?? 1, "the top level must be a mapping of keys to values") }
            return
        }
        isRead = true
        read(mapping, at: "", in: .root)
    }

    /// Which part of the file is being read.
    private enum Place {
        case root
        case provider(Int)
        case key(Int)
        case rule(Int)
    }

    private func table(of place: Place) -> SettingTable {
        switch place {
        case .root: table
        case .provider: ConfigSchema.provider
        case .key: ConfigSchema.key
        case .rule: ConfigSchema.rule
        }
    }

    private func label(_ path: String, _ place: Place) -> String {
        switch place {
        case .root: path
        case .provider(let index): "providers.\(providers[index].name).\(path)"
        case .key: "keys[].\(path)"
        case .rule: "\(ConfigSchema.rulesPath)[].\(path)"
        }
    }

    private mutating func keep(_ entry: FileEntry, _ path: String, _ place: Place) {
        switch place {
        case .root: entries[path] = entry
        case .provider(let index): providers[index].fields[path] = entry
        case .key(let index): keys[index].fields[path] = entry
        case .rule(let index): rules[index].fields[path] = entry
        }
    }

    private mutating func fault(_ line: Int, _ message: String) {
        faults.append(ConfigFault(origin: .file(path: path, line: line), message: message))
    }

    private static func isNothing(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style == .plain else { return false }
        return scalar.string.isEmpty || scalar.string == "~" || scalar.string.lowercased() == "null"
    }

    private mutating func read(_ mapping: Node.Mapping, at prefix: String, in place: Place) {
        for (key, value) in mapping {
            let line = key.mark?.line ?? 1
            guard let name = key.scalar?.string else {
                fault(line, "a key must be a word")
                continue
            }
            if ConfigDocument.isPlaceholder(name) { continue }
            let path = prefix.isEmpty ? name : prefix + "." + name
            if table(of: place)[path] != nil {
                if let entry = entry(value, path: label(path, place), keyLine: line) { keep(entry, path, place) }
            } else if table(of: place).isSection(path) {
                readSection(value, path: path, line: line, in: place)
            } else if case .root = place, collections.contains(path) {
                readCollection(path, value, line: line)
            } else {
                unknown(path, line: line, in: place)
            }
        }
    }

    private mutating func unknown(_ path: String, line: Int, in place: Place) {
        var names = table(of: place).names
        if case .root = place { names += collections }
        let meant = Suggestion.closest(to: path, among: names).map { "; did you mean `\($0)`?" } ?? ""
        fault(line, "unknown key \(label(String(path.prefix(80)), place))\(meant)")
    }

    private mutating func readSection(_ value: Node, path: String, line: Int, in place: Place) {
        if ConfigFile.isNothing(value) { return }
        if let mapping = value.mapping {
            read(mapping, at: path, in: place)
        } else if let short = ConfigSchema.shortForms[path], value.scalar != nil {
            if let entry = entry(value, path: short, keyLine: line) { keep(entry, short, place) }
        } else {
            fault(line, "\(label(path, place)) is a section: write its keys indented below it")
        }
    }

    /// The texts of a value, with references replaced.
    private mutating func entry(_ value: Node, path: String, keyLine: Int) -> FileEntry? {
        let line = value.mark?.line ?? keyLine
        if ConfigFile.isNothing(value) {
            fault(keyLine, "\(path) has no value; give it one, or take the line away")
            return nil
        }
        let nodes: [Node]
        if value.scalar != nil {
            nodes = [value]
        } else if let sequence = value.sequence {
            nodes = Array(sequence)
        } else {
            fault(keyLine, "\(path) takes a value, not keys of its own")
            return nil
        }
        var texts: [String] = []
        for node in nodes {
            guard let scalar = node.scalar else {
                fault(node.mark?.line ?? line, "\(path) takes plain values")
                return nil
            }
            do throws(BrokenRule) {
                texts.append(try Substitution.apply(scalar.string, environment: environment))
            } catch {
                fault(scalar.mark?.line ?? line, "\(path) \(error.rule)")
                return nil
            }
        }
        return FileEntry(texts: texts, line: line)
    }

    // MARK: Collections

    private mutating func readCollection(_ path: String, _ value: Node, line: Int) {
        if ConfigFile.isNothing(value) { return }
        if path == "providers" {
            guard let mapping = value.mapping else { return fault(line, "providers must map names to base URLs or stanzas") }
            for (key, value) in mapping { readProvider(key, value) }
        } else if path == "keys" {
            readList(value, "keys must be a list of stanzas: - id: NAME", "keys", line: line) { file, line in
                file.keys.append(Stanza(name: "", line: line))
                return .key(file.keys.count - 1)
            }
        } else {
            let rule = "\(path) must be a list of stanzas: - task: NAME"
            readList(value, rule, path, line: line) { file, line in
                file.rules.append(Stanza(name: "", line: line))
                return .rule(file.rules.count - 1)
            }
        }
    }

    private mutating func readList(
        _ value: Node, _ rule: String, _ path: String, line: Int, begin: (inout ConfigFile, Int) -> Place
    ) {
        guard let sequence = value.sequence else { return fault(line, rule) }
        for entry in sequence.prefix(ConfigFile.stanzasMax) {
            let line = entry.mark?.line ?? line
            guard let mapping = entry.mapping else {
                fault(line, rule)
                continue
            }
            read(mapping, at: "", in: begin(&self, line))
        }
        if sequence.count > ConfigFile.stanzasMax { fault(line, "\(path) may hold \(ConfigFile.stanzasMax) entries at most") }
    }

    private mutating func readProvider(_ key: Node, _ value: Node) {
        let line = key.mark?.line ?? 1
        guard let name = key.scalar?.string else { return fault(line, "a provider's name must be a word") }
        if ConfigDocument.isPlaceholder(name) { return }
        let index = providers.count
        providers.append(Stanza(name: name, line: line))
        if let mapping = value.mapping {
            read(mapping, at: "", in: .provider(index))
        } else if let entry = entry(value, path: "providers.\(name)", keyLine: line) {
            providers[index].fields["url"] = entry
        }
    }
}

/// A YAML text that goes on being read after a key that is given twice.
struct ConfigDocument {
    private var lines: [String]
    private(set) var problems: [(line: Int, message: String)] = []

    private static let mark = "weir-placeholder-of-duplicate-"
    private static let duplicatesMax = 64

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    static func isPlaceholder(_ key: String) -> Bool { key.hasPrefix(mark) }

    /// The root, or nil where the text is no YAML or holds nothing; what is wrong is in `problems`.
    mutating func compose() -> Node? {
        while true {
            do {
                return try Yams.compose(yaml: lines.joined(separator: "\n"))
            } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
                guard setAside(duplicates.sorted().first ?? "", at: context.mark) else { return nil }
            } catch {
                problems.append(ConfigDocument.problem(error))
                return nil
            }
        }
    }

    /// Gives the first of two equal keys another name, so that the rest can be read.
    private mutating func setAside(_ key: String, at mark: Mark) -> Bool {
        problems.append((mark.line, "the key \(key) is given twice in the same section; keep one of them"))
        guard problems.count <= ConfigDocument.duplicatesMax, lines.indices.contains(mark.line - 1) else { return false }
        let line = lines[mark.line - 1].unicodeScalars
        guard let start = line.index(line.startIndex, offsetBy: mark.column - 1, limitedBy: line.endIndex) else { return false }
        let quotes = ["", "\"", "'"]
        for quote in quotes {
            let written = quote + key + quote
            guard !key.isEmpty, String(line[start...]).hasPrefix(written) else { continue }
            let end = line.index(start, offsetBy: written.unicodeScalars.count)
            lines[mark.line - 1] =
                String(line[..<start]) + "\(ConfigDocument.mark)\(problems.count)" + String(line[end...])
            return true
        }
        return false
    }

    /// What a YAML parser complains about, without the text around it, which may hold a secret.
    private static func problem(_ error: any Error) -> (line: Int, message: String) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            (mark.line, "this is not YAML: \(problem)")
        case YamlError.reader(let problem, _, _, _): (1, "this is not YAML: \(problem)")
        default: (1, "this is not YAML")
        }
    }
}
