// SPDX-License-Identifier: Apache-2.0

/// Finds the clients of a TypeScript or JavaScript file by what its imports bind.
struct ScriptReader {
    private let text: TokenText
    private let options: InstrumentOptions
    private var editor: ClientEditor
    /// What a name of this file stands for: `package#export`, or `package#*` for all of a package.
    private var bindings: [String: String] = [:]
    private var namedReadyMade: Set<String> = []

    private init(_ bytes: [UInt8], _ options: InstrumentOptions, _ scope: EnvironmentScope) {
        text = ScriptTokenizer.read(bytes)
        self.options = options
        editor = ClientEditor(text, .script, options, scope)
    }

    /// Plans a file.
    static func plan(_ bytes: [UInt8], _ options: InstrumentOptions, _ scope: EnvironmentScope) -> FileFindings {
        var reader = ScriptReader(bytes, options, scope)
        for index in reader.text.tokens.indices { reader.readBinding(index) }
        for index in reader.text.tokens.indices { reader.look(at: index) }
        nameLooseAddresses(reader.text, &reader.editor)
        return reader.editor.findings
    }

    // MARK: Imports

    private mutating func readBinding(_ index: Int) {
        switch text.name(index) {
        case "import" where !text.isMark(index - 1, "."): readImport(index + 1)
        case "const", "let", "var": readRequire(index + 1)
        default: return
        }
    }

    /// `import A, { B as C } from "p"`, `import * as D from "p"`; types alone bind nothing that runs.
    private mutating func readImport(_ start: Int) {
        var at = start
        if text.name(at) == "type", !text.isMark(at + 1, ","), text.name(at + 1) != "from" { return }
        var names: [(local: String, export: String)] = []
        if let name = text.name(at) {
            names.append((name, "default"))
            at += text.isMark(at + 1, ",") ? 2 : 1
        }
        if text.isMark(at, "*"), text.name(at + 1) == "as", let name = text.name(at + 2) {
            names.append((name, "*"))
            at += 3
        } else if text.isMark(at, "{"), let close = text.closing[at] {
            names += named(at + 1..<close, separator: { text.name($0) == "as" })
            at = close + 1
        }
        guard !names.isEmpty, text.name(at) == "from", let package = text.literal(at + 1) else { return }
        for name in names { bindings[name.local] = "\(package)#\(name.export)" }
    }

    /// The names of `{ A, B as C, type D }` or, with a colon, of `{ A, B: C }`.
    private func named(_ range: Range<Int>, separator: (Int) -> Bool) -> [(local: String, export: String)] {
        var names: [(local: String, export: String)] = []
        var at = range.lowerBound
        while at < range.upperBound {
            if let export = text.name(at) {
                if separator(at + 1), let local = text.name(at + 2) {
                    names.append((local, export))
                    at += 2
                } else if export != "type" || text.isMark(at + 1, ",") || at + 1 == range.upperBound {
                    names.append((export, export))
                } else {
                    at += 1
                }
            }
            at += 1
        }
        return names
    }

    /// `const A = require("p")`, `const { A: B } = require("p")`, `... = await import("p")`, `require("p").A`.
    private mutating func readRequire(_ start: Int) {
        var names: [(local: String, export: String)] = []
        var at = start
        if let name = text.name(at) {
            names = [(name, "*")]
            at += 1
        } else if text.isMark(at, "{"), let close = text.closing[at] {
            names = named(at + 1..<close, separator: { text.isMark($0, ":") })
            at = close + 1
        }
        guard !names.isEmpty, text.isMark(at, "=") else { return }
        at += text.name(at + 1) == "await" ? 2 : 1
        guard ["require", "import"].contains(text.name(at) ?? ""), text.isMark(at + 1, "("), let package = text.literal(at + 2),
            text.isMark(at + 3, ")")
        else { return }
        let member = text.isMark(at + 4, ".") ? text.name(at + 5) : nil
        for name in names { bindings[name.local] = "\(package)#\(name.export == "*" ? member ?? "*" : name.export)" }
    }

    // MARK: Places

    /// What a name, or a member of a package's name, stands for; and the index after it.
    private func resolve(_ index: Int) -> (target: String, next: Int)? {
        guard let name = text.name(index), let target = bindings[name] else { return nil }
        if text.isMark(index + 1, "."), let member = text.name(index + 2) {
            if ClientShape.readyMade[target] != nil { return (target, index + 3) }
            let package = target.prefix { $0 != "#" }
            // The default export of a package carries its other exports too.
            guard target.hasSuffix("#*") || target.hasSuffix("#default") || target == "openai#OpenAI" else { return nil }
            return ("\(package)#\(member)", index + 3)
        }
        return (target.hasSuffix("#*") ? String(target.dropLast()) + "default" : target, index + 1)
    }

    private mutating func look(at index: Int) {
        if text.name(index) == "new" {
            lookAtNew(index)
        } else if text.name(index) == "process", text.isMark(index + 1, "."), text.name(index + 2) == "env" {
            lookAtEnvironment(index)
        } else if text.name(index - 1) == "extends", let (target, next) = resolve(index), let shape = ClientShape.script[target],
            !text.isMark(next, "(")
        {
            editor.leave(
                text.tokens[index].start,
                "\(shape.name) is extended; give its constructor the base URL \(options.gateway + shape.basePath)")
        } else if !text.isMark(index - 1, "."), text.name(index - 1) != "new", let (target, next) = resolve(index),
            text.isMark(next, "(")
        {
            lookAtFactory(target, index, next)
        }
    }

    private mutating func lookAtNew(_ index: Int) {
        guard let (target, after) = resolve(index + 1), let shape = ClientShape.script[target] else { return }
        let offset = text.tokens[index].start
        guard editor.mayEdit(offset) else { return }
        guard isExpression(index) else {
            return editor.leave(offset, "\(shape.name): this may be text rather than code; look at it")
        }
        var next = after
        if text.isMark(next, "<"), let end = (next..<min(next + 64, text.tokens.count)).first(where: { text.isMark($0, "(") }) {
            next = end
        }
        guard text.isMark(next, "(") else {
            return editor.leave(offset, "\(shape.name): it is made without parentheses; write them, then run again")
        }
        editor.edit(ClientSite(shape: shape, offset: offset, options: arguments(next)))
    }

    /// Whether `new` stands where an expression may begin; in JSX text it follows a word or a tag.
    private func isExpression(_ index: Int) -> Bool {
        if let word = text.name(index - 1), text.line(text.tokens[index - 1].start) == text.line(text.tokens[index].start) {
            return ScriptTokenizer.beforeExpression.contains(word)
        }
        return !text.isMark(index - 1, ">") || text.isMark(index - 2, "=")
    }

    /// The options object of a call.
    private func arguments(_ open: Int) -> ClientSite.Options {
        guard let list = BracketList(text, open: open, style: .scriptArguments) else {
            return .unclear("its arguments cannot be read; set its base URL by hand")
        }
        guard let first = list.entries.first else { return .none(after: open) }
        let start = first.value.lowerBound
        guard text.isMark(start, "{"), let close = text.closing[start],
            close + 1 == first.value.upperBound || ["as", "satisfies"].contains(text.name(close + 1) ?? ""),
            let object = BracketList(text, open: start, style: .scriptObject)
        else { return .unclear("its options are not written out here; set base URL and headers where they are made") }
        return .list(object)
    }

    private mutating func lookAtFactory(_ target: String, _ index: Int, _ open: Int) {
        let offset = text.tokens[index].start
        if let shape = ClientShape.factories[target] {
            guard editor.mayEdit(offset) else { return }
            editor.edit(ClientSite(shape: shape, offset: offset, options: arguments(open)))
        } else if let factory = ClientShape.readyMade[target], namedReadyMade.insert(target).inserted {
            let shape = ClientShape.factories[target.prefix { $0 != "#" } + "#" + factory]
            guard let shape else { return }
            editor.leave(
                offset,
                "\(target) takes no options; make your own by \(factory) with the base URL \(options.gateway + shape.basePath)")
        }
    }

    /// `process.env.OPENAI_BASE_URL = "..."`.
    private mutating func lookAtEnvironment(_ index: Int) {
        let isMember = text.isMark(index + 3, ".")
        let variable = isMember ? text.name(index + 4) : text.literal(index + 4)
        var at = index + (isMember ? 5 : 6)
        guard let variable, VariableVerdict.isBaseVariable(variable) else { return }
        if text.isMark(at, "?"), text.isMark(at + 1, "?") { at += 2 }
        if text.isMark(at, "|"), text.isMark(at + 1, "|") { at += 2 }
        guard text.isMark(at, "="), !text.isMark(at + 1, "="), let token = text.token(at + 1), let value = text.literal(at + 1)
        else {
            return
        }
        editor.findings.seen.insert(at + 1)
        switch VariableVerdict(variable: variable, value: value, isContainer: false, options: options) {
        case .nothing, .weir: return
        case .replace(let url): editor.findings.edits.append(SourceEdit(token.content, url))
        case .undecided(let reason): editor.leave(token.start, reason)
        }
    }
}
