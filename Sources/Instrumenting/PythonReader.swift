// SPDX-License-Identifier: Apache-2.0

/// Finds the clients of a Python file by what its imports bind.
struct PythonReader {
    private let text: TokenText
    private let options: InstrumentOptions
    private var editor: ClientEditor
    /// What a name of this file stands for, as a full dotted name.
    private var bindings: [String: String] = [:]
    /// Packages whose names were all imported.
    private var stars: [String] = []
    private var firstImport: Int?
    private var setsModuleBase = false
    private var moduleUse: Int?

    private init(_ bytes: [UInt8], _ options: InstrumentOptions, _ scope: EnvironmentScope) {
        text = PythonTokenizer.read(bytes)
        self.options = options
        editor = ClientEditor(text, .python, options, scope)
    }

    /// Plans a file.
    static func plan(_ bytes: [UInt8], _ options: InstrumentOptions, _ scope: EnvironmentScope) -> FileFindings {
        var reader = PythonReader(bytes, options, scope)
        reader.readImports()
        for index in reader.text.tokens.indices { reader.look(at: index) }
        reader.finish(scope)
        return reader.editor.findings
    }

    // MARK: Imports

    private func isStatementStart(_ index: Int) -> Bool {
        index == 0 || text.tokens[index - 1].kind == .lineEnd || text.isMark(index - 1, ":")
    }

    private mutating func readImports() {
        for index in text.tokens.indices where isStatementStart(index) {
            switch text.name(index) {
            case "import":
                noteFirst(index)
                readImport(index + 1)
            case "from":
                guard let (module, next) = dotted(index + 1), text.name(next) == "import" else { continue }
                if module != "__future__" { noteFirst(index) }
                readFrom(module, next + 1)
            default: continue
            }
        }
    }

    private mutating func noteFirst(_ index: Int) {
        let start = text.tokens[index].start
        if firstImport == nil, text.lineStart(start) == start { firstImport = start }
    }

    /// A dotted name from an index on, and the index after it.
    private func dotted(_ index: Int) -> (name: String, next: Int)? {
        guard var name = text.name(index) else { return nil }
        var at = index + 1
        while text.isMark(at, "."), let part = text.name(at + 1), at - index < 64 {
            name += "." + part
            at += 2
        }
        return (name, at)
    }

    private mutating func readImport(_ start: Int) {
        var at = start
        while let (module, next) = dotted(at) {
            if text.name(next) == "as", let alias = text.name(next + 1) {
                bindings[alias] = module
                at = next + 2
            } else {
                let root = String(module.prefix { $0 != "." })
                bindings[root] = root
                at = next
            }
            guard text.isMark(at, ",") else { return }
            at += 1
        }
    }

    private mutating func readFrom(_ module: String, _ start: Int) {
        if text.isMark(start, "*") {
            stars.append(module)
            return
        }
        var at = text.isMark(start, "(") ? start + 1 : start
        while let name = text.name(at) {
            if text.name(at + 1) == "as", let alias = text.name(at + 2) {
                bindings[alias] = "\(module).\(name)"
                at += 3
            } else {
                bindings[name] = "\(module).\(name)"
                at += 1
            }
            guard text.isMark(at, ",") else { return }
            at += 1
        }
    }

    // MARK: Places

    private mutating func look(at index: Int) {
        guard let first = text.name(index), !text.isMark(index - 1, ".") else {
            if text.isMark(index, ".") { lookForBedrock(index) }
            return
        }
        guard let (local, next) = dotted(index) else { return }
        let rest = local.dropFirst(first.count)
        if ["def", "class"].contains(text.name(index - 1) ?? "") {
            if rest.isEmpty { bindings[first] = nil }
            return
        }
        var name = bindings[first].map { $0 + rest }
        if name == nil, rest.isEmpty { name = stars.map { "\($0).\(first)" }.first { ClientShape.python[$0] != nil } }
        guard let name else { return }
        lookAtModule(name, index, next)
        if text.isMark(next, "(") {
            if let shape = ClientShape.python[name] {
                guard editor.mayEdit(text.tokens[index].start) else { return }
                editor.edit(site(shape, index, next))
            } else if name.hasPrefix("litellm."), PythonReader.liteLLM.contains(name) {
                editLiteLLM(index, next)
            }
        } else if let shape = ClientShape.python[name] {
            lookAtUncalled(shape, index)
        }
    }

    private func site(_ shape: ClientShape, _ index: Int, _ open: Int) -> ClientSite {
        let list = BracketList(text, open: open, style: .pythonArguments)
        return ClientSite(
            shape: shape, offset: text.tokens[index].start,
            options: list.map(ClientSite.Options.list) ?? .unclear("its arguments cannot be read; set its base URL by hand"))
    }

    /// A class or a partial made from a client, whose arguments are given elsewhere.
    private mutating func lookAtUncalled(_ shape: ClientShape, _ index: Int) {
        guard text.isMark(index - 1, "(") else { return }
        let before = text.name(index - 2)
        if before == "partial" || text.name(index - 3) == "class" {
            editor.leave(
                text.tokens[index].start,
                "\(shape.name) is used as a part of something else; give that the base URL \(options.gateway + shape.basePath)")
        }
    }

    /// `X.client("bedrock-runtime", ...)` in a file that imports boto3.
    private mutating func lookForBedrock(_ dot: Int) {
        guard text.name(dot + 1) == "client", text.isMark(dot + 2, "("),
            bindings.values.contains(where: { $0 == "boto3" || $0.hasPrefix("boto3.") || $0 == "aioboto3" }),
            let list = BracketList(text, open: dot + 2, style: .pythonArguments)
        else { return }
        let service = list.entry(["service_name"]) ?? list.entries.first { $0.kind == .positional }
        guard let service, service.value.count == 1, text.literal(service.value.lowerBound) == "bedrock-runtime" else { return }
        guard editor.mayEdit(text.tokens[dot].start) else { return }
        editor.edit(ClientSite(shape: .boto, offset: text.tokens[dot + 1].start, options: .list(list)))
    }

    // MARK: LiteLLM

    private static let liteLLM: Set<String> = [
        "litellm.completion", "litellm.acompletion", "litellm.embedding", "litellm.aembedding", "litellm.responses",
        "litellm.aresponses", "litellm.text_completion", "litellm.atext_completion",
    ]

    /// The model's name decides which provider LiteLLM asks, and so what its base URL must be.
    private mutating func editLiteLLM(_ index: Int, _ open: Int) {
        guard editor.mayEdit(text.tokens[index].start) else { return }
        let made = site(ClientShape.byHand("litellm", "", ""), index, open)
        guard case .list(let list) = made.options else {
            return editor.leave(made.offset, "litellm: its arguments cannot be read")
        }
        let model = list.entry(["model"]) ?? list.entries.first { $0.kind == .positional }
        guard let model, model.value.count == 1, let name = text.literal(model.value.lowerBound) else {
            let advice = "the model, which decides the provider, is not written here; set api_base for each provider"
            return editor.leave(made.offset, "litellm: \(advice)")
        }
        guard let shape = PythonReader.liteLLMShape(name) else {
            return editor.leave(made.offset, "litellm: it is not known which address \(name) needs; set api_base by hand")
        }
        editor.edit(ClientSite(shape: shape, offset: made.offset, options: made.options))
    }

    private static func liteLLMShape(_ model: String) -> ClientShape? {
        let families: [(prefixes: [String], provider: String, path: String, appended: String)] = [
            (["openai/", "gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-"], "openai", "/v1", ""),
            (["anthropic/", "claude-"], "anthropic", "", "/v1/messages"),
            (["groq/"], "groq", "/openai/v1", ""), (["mistral/"], "mistral", "/v1", ""),
        ]
        guard let family = families.first(where: { $0.prefixes.contains(where: model.hasPrefix) }) else { return nil }
        return ClientShape(
            name: "litellm", provider: family.provider, baseNames: ["api_base", "base_url"], headersName: "extra_headers",
            keyNames: ["api_key"], keyVariable: family.provider.uppercased() + "_API_KEY",
            baseVariables: [family.provider.uppercased() + "_API_BASE", family.provider.uppercased() + "_BASE_URL"],
            basePath: family.path, appended: family.appended)
    }

    // MARK: Module settings and the environment

    private mutating func lookAtModule(_ name: String, _ index: Int, _ next: Int) {
        if name == "openai.base_url" || name == "openai.api_base", text.isMark(next, "="), !text.isMark(next + 1, "=") {
            setsModuleBase = true
            rewrite(next + 1, variable: "OPENAI_BASE_URL", label: name)
        } else if name == "os.environ", text.isMark(next, "["), let variable = text.literal(next + 1), text.isMark(next + 2, "]"),
            text.isMark(next + 3, "="), !text.isMark(next + 4, "="), VariableVerdict.isBaseVariable(variable)
        {
            rewrite(next + 4, variable: variable, label: variable)
        } else if name == "os.environ.setdefault" || name == "os.putenv", text.isMark(next, "("),
            let variable = text.literal(next + 1), text.isMark(next + 2, ","), VariableVerdict.isBaseVariable(variable)
        {
            rewrite(next + 3, variable: variable, label: variable)
        } else if name.hasPrefix("openai."), PythonReader.moduleCalls.contains(where: name.hasPrefix), text.isMark(next, "(") {
            moduleUse = moduleUse ?? index
        }
    }

    private static let moduleCalls = [
        "openai.chat.", "openai.responses.", "openai.embeddings.", "openai.ChatCompletion.", "openai.Completion.",
        "openai.completions.", "openai.Embedding.", "openai.images.", "openai.audio.",
    ]

    /// Points an address that is assigned as one string at Weir.
    private mutating func rewrite(_ index: Int, variable: String, label: String) {
        guard let token = text.token(index) else { return }
        guard let value = text.literal(index) else {
            return editor.leave(
                token.start, "\(label) is not set to a plain string; set it to Weir's address where the value is made")
        }
        editor.findings.seen.insert(index)
        switch VariableVerdict(variable: variable, value: value, isContainer: false, options: options) {
        case .nothing, .weir: return
        case .replace(let url): editor.findings.edits.append(SourceEdit(token.content, url))
        case .undecided(let reason): editor.leave(token.start, reason)
        }
    }

    // MARK: The end

    private mutating func finish(_ scope: EnvironmentScope) {
        if let moduleUse, !setsModuleBase, !scope.sets(["OPENAI_BASE_URL"]) {
            editor.leave(
                text.tokens[moduleUse].start,
                "the openai module is used without a client; add openai.base_url = \"\(options.gateway)/v1/\" at its start")
        }
        nameLooseAddresses(text, &editor)
        guard editor.readsEnvironment, bindings["os"] != "os" else { return }
        guard let firstImport else {
            return editor.leave(0, "add `import os` by hand: the file has no import at its top to put it before")
        }
        editor.findings.edits.append(.insert("import os" + text.lineBreak, at: firstImport))
    }
}

/// Names the provider addresses in strings that belong to no client that is known.
func nameLooseAddresses(_ text: TokenText, _ editor: inout ClientEditor) {
    for (index, token) in text.tokens.enumerated() where token.isString && !editor.findings.seen.contains(index) {
        let bytes = text.bytes[token.content].prefix(200)
        guard bytes.count > 8, bytes.starts(with: "https://".utf8) else { continue }
        let address = bytes.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "$") }
        guard !address.contains(0x20), let url = WebAddress(String(decoding: address, as: UTF8.self)),
            let host = KnownHost(url.host)
        else { continue }
        let header = host.needsURL ? "\(HeaderName.providerURL): \(url.origin)" : "\(HeaderName.provider): \(host.provider)"
        editor.leave(
            token.start,
            "an address of \(host.provider) outside a client that is known; put \(editor.options.gateway) in place of \(url.origin) and send \(header)"
        )
    }
}
