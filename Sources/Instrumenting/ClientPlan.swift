// SPDX-License-Identifier: Apache-2.0

/// The edits of one client, from its options.
struct ClientPlan {
    private let editor: ClientEditor
    private let site: ClientSite
    private var edits: [SourceEdit] = []
    private var topItems: [(name: String, value: Written)] = []
    private var nestItems: [(name: String, value: Written)] = []
    /// Whether the environment is read by what is written.
    private(set) var readsEnvironment = false
    /// What stays undecided although the client is edited.
    private(set) var remarks: [String] = []
    /// What a person should know about the edits.
    private(set) var notes: [String] = []

    private typealias Header = (name: String, value: String, isNeeded: Bool)

    init(editor: ClientEditor, site: ClientSite) {
        self.editor = editor
        self.site = site
    }

    private var text: TokenText { editor.text }
    private var shape: ClientShape { site.shape }
    private var options: InstrumentOptions { editor.options }
    private var writer: BracketWriter { editor.writer }

    /// Plans everything.
    ///
    /// - Throws: the reason to leave the client alone.
    mutating func make() throws(ClientDoubt) -> [SourceEdit] {
        var top: BracketList?
        switch site.options {
        case .unclear(let reason): throw ClientDoubt(reason)
        case .none: break
        case .list(let list):
            if list.hasSpread {
                throw ClientDoubt("its options are spread in from elsewhere; set \(shape.baseNames[0]) and the headers there")
            }
            if (list.open...list.close).contains(where: { text.tokens[$0].isUnclosed }) {
                throw ClientDoubt("a string among its options is not closed; mend it, then run again")
            }
            top = list
        }
        try refuseVertex(top)
        let nest = try nestGroup(top)
        let base = try planBase(
            shape.hasBaseOutsideNest ? top : list(of: nest), inNest: shape.nest != nil && !shape.hasBaseOutsideNest)
        var headers = base.headers + options.attribution.map { ($0.name, writer.quoted($0.value), false) }
        if options.contract == .current { headers += try planKey(top) }
        try planHeaders(headers, in: list(of: nest))
        return write(top, nest)
    }

    private func refuseVertex(_ top: BracketList?) throws(ClientDoubt) {
        guard shape.provider == "gemini", let entry = top?.entry(["vertexai", "enterprise"]) else { return }
        guard let span = text.span(entry.value), text.text(span).lowercased() != "false" else { return }
        throw ClientDoubt("it speaks to Vertex AI; set the base URL to Weir and add \(HeaderName.provider): vertex-ai by hand")
    }

    // MARK: Groups of options

    private func list(of group: OptionGroup) -> BracketList? {
        if case .list(let list) = group { list } else { nil }
    }

    /// The group that holds base URL and headers: the top where there is no nest.
    private func nestGroup(_ top: BracketList?) throws(ClientDoubt) -> OptionGroup {
        guard let nest = shape.nest else { return top.map(OptionGroup.list) ?? .absent }
        let group = top.map { find([nest], in: $0) } ?? .absent
        switch group {
        case .unclear: throw ClientDoubt("\(nest) is not written out here; set base URL and headers where it is made")
        case .list(let list) where list.hasSpread:
            throw ClientDoubt("\(nest) is spread in from elsewhere; set base URL and headers there")
        default: return group
        }
    }

    private func find(_ names: [String], in list: BracketList) -> OptionGroup {
        guard let entry = list.entry(names) else { return .absent }
        guard entry.kind == .named else { return .unclear }
        let first = entry.value.lowerBound
        if text.isMark(first, "{"), let close = text.closing[first] {
            let ends = close + 1 == entry.value.upperBound || ["as", "satisfies"].contains(text.name(close + 1) ?? "")
            let style: BracketStyle = editor.language == .python ? .pythonDictionary : .scriptObject
            return ends ? BracketList(text, open: first, style: style).map(OptionGroup.list) ?? .unclear : .unclear
        }
        if let name = shape.nestClass, let open = entry.value.first(where: { text.isMark($0, "(") }) {
            let isLast = text.closing[open].map { $0 + 1 == entry.value.upperBound } ?? false
            guard isLast, text.name(open - 1) == name else { return .unclear }
            return BracketList(text, open: open, style: .pythonArguments).map(OptionGroup.list) ?? .unclear
        }
        return .unclear
    }

    // MARK: Base URL

    private struct BasePlan {
        var headers: [Header] = []
    }

    private mutating func planBase(_ list: BracketList?, inNest: Bool) throws(ClientDoubt) -> BasePlan {
        if let entry = list?.entry(shape.baseNames) { return try planExisting(entry) }
        if shape.provider == "azure-openai" {
            throw ClientDoubt(
                "its endpoint is not written here; set \(shape.baseNames[0]) to \(options.gateway) and add \(HeaderName.providerURL) with the endpoint"
            )
        }
        if let name = shape.baseVariables.first(where: editor.scope.foreign.contains) {
            throw ClientDoubt(
                "its base URL comes from \(name), which points elsewhere in this tree; decide that first, then run again")
        }
        let isSetOutside = options.contract == .dropIn && editor.scope.sets(shape.baseVariables)
        if !isSetOutside {
            let url = options.gateway + (takesHeaders ? "" : options.pathPrefix(provider: shape.provider)) + shape.basePath
            let item = (name: shape.baseNames[0], value: Written.expression(writer.quoted(url)))
            if inNest { nestItems.append(item) } else { topItems.append(item) }
        }
        return BasePlan(headers: providerHeaders(shape.provider, path: shape.basePath, url: nil))
    }

    private var takesHeaders: Bool { shape.headersName != nil }

    /// The headers that tell the provider where Weir would infer another, or needs its URL.
    private func providerHeaders(_ provider: String, path: String, url: String?) -> [Header] {
        var headers: [Header] = []
        if takesHeaders, url != nil || shape.inferred(basePath: path) != provider {
            headers.append((HeaderName.provider, writer.quoted(provider), true))
        }
        if let url { headers.append((HeaderName.providerURL, url, true)) }
        return headers
    }

    private mutating func planExisting(_ entry: BracketEntry) throws(ClientDoubt) -> BasePlan {
        guard let span = text.span(entry.value) else { throw ClientDoubt("its base URL cannot be read") }
        let single = entry.value.count == 1 && entry.kind == .named ? entry.value.lowerBound : nil
        if let single, text.literal(single) != nil { return try planLiteral(single) }
        if let single, let word = text.name(single), ["None", "null", "undefined"].contains(word) {
            let url = options.gateway + (takesHeaders ? "" : options.pathPrefix(provider: shape.provider)) + shape.basePath
            edits.append(SourceEdit(span, writer.quoted(url)))
            return BasePlan(headers: providerHeaders(shape.provider, path: shape.basePath, url: nil))
        }
        if shape.provider == "azure-openai" { return try planMoved(entry, span) }
        let urls = entry.value.filter { index in
            text.literal(index).map { WebAddress($0) != nil } ?? false
        }
        let variable = environmentVariable(entry.value)
        if let variable, editor.scope.sets([variable]) { return BasePlan() }
        if let variable, urls.count == 1 {
            let plan = try planLiteral(urls[0])
            notes.append("\(variable), where it is set, still wins over the address written here")
            return plan
        }
        if let variable {
            let url = options.gateway + shape.basePath
            throw ClientDoubt("its base URL comes from the environment; set \(variable)=\(url) where it runs")
        }
        throw ClientDoubt("its base URL is not written out here; set it to \(options.gateway + shape.basePath) where it is made")
    }

    private mutating func planLiteral(_ index: Int) throws(ClientDoubt) -> BasePlan {
        guard let value = text.literal(index), let token = text.token(index) else {
            throw ClientDoubt("its base URL cannot be read")
        }
        switch AddressVerdict(value, options) {
        case .nothing: throw ClientDoubt("its base URL is no address that is known; look at it")
        case .elsewhere:
            throw ClientDoubt(
                "its base URL points elsewhere and is left; name that server by \(HeaderName.providerURL) if it should be behind Weir"
            )
        case .weir:
            guard let path = WebAddress(value)?.path, shape.provider != "azure-openai" else { return BasePlan() }
            // Which provider an edited client speaks to is told by its headers, which stay.
            return BasePlan(headers: path == shape.basePath ? providerHeaders(shape.provider, path: path, url: nil) : [])
        case .provider(let name, let needsURL, let path, let origin):
            if needsURL, !takesHeaders, name != shape.provider {
                throw ClientDoubt("it takes no headers; set its base URL by hand")
            }
            let prefix = takesHeaders ? "" : options.pathPrefix(provider: name)
            edits.append(SourceEdit(token.content, options.gateway + prefix + path))
            return BasePlan(
                headers: takesHeaders ? providerHeaders(name, path: path, url: needsURL ? writer.quoted(origin) : nil) : [])
        }
    }

    /// An Azure endpoint that is an expression moves into the header.
    private mutating func planMoved(_ entry: BracketEntry, _ span: Range<Int>) throws(ClientDoubt) -> BasePlan {
        let expression = text.text(span)
        guard span.count <= InstrumentLimits.expressionBytes, !expression.contains("\n"), !expression.contains("await ") else {
            throw ClientDoubt("its endpoint is a long expression; move it into the header \(HeaderName.providerURL) by hand")
        }
        let name = entry.kind == .shorthand ? "\(expression): " : ""
        edits.append(SourceEdit(span, name + writer.quoted(options.gateway)))
        return BasePlan(headers: providerHeaders(shape.provider, path: "", url: expression))
    }

    /// The name of the environment variable that an expression reads, if it reads one.
    private func environmentVariable(_ range: Range<Int>) -> String? {
        let words = range.compactMap { text.name($0) }
        guard words.contains(where: { ["environ", "getenv", "env", "config"].contains($0) }) else { return nil }
        return range.compactMap { text.name($0) ?? text.literal($0) }.first { word in
            word.utf8.count > 3 && word.contains("_") && word.utf8.allSatisfy { Ascii.isWord($0) && !($0 >= 0x61 && $0 <= 0x7A) }
        }
    }

    // MARK: Key and headers

    private static let projectKey = "WEIR_API_KEY"

    /// The current contract: the project's key as the key, the provider's in a header.
    private mutating func planKey(_ top: BracketList?) throws(ClientDoubt) -> [Header] {
        guard takesHeaders, let name = shape.keyNames.first else {
            throw ClientDoubt("it takes no headers, so that the current contract cannot be used; use --contract drop-in for it")
        }
        if top?.entry(["azure_ad_token_provider", "azure_ad_token", "azureADTokenProvider", "credentials"]) != nil {
            throw ClientDoubt("it makes its credentials itself; use --contract drop-in for it")
        }
        let project = read(ClientPlan.projectKey)
        guard let entry = top?.entry(shape.keyNames), let span = text.span(entry.value) else {
            topItems.insert((name, .expression(project)), at: 0)
            return [(HeaderName.providerKey, read(shape.keyVariable), true)]
        }
        let expression = text.text(span)
        if expression.contains(ClientPlan.projectKey) { return [(HeaderName.providerKey, read(shape.keyVariable), true)] }
        guard span.count <= InstrumentLimits.expressionBytes, !expression.contains("\n"), !expression.contains("await ") else {
            throw ClientDoubt("its key is a long expression; move it into the header \(HeaderName.providerKey) by hand")
        }
        edits.append(SourceEdit(span, (entry.kind == .shorthand ? "\(expression): " : "") + project))
        return [(HeaderName.providerKey, expression, true)]
    }

    private mutating func read(_ variable: String) -> String {
        readsEnvironment = true
        return editor.language == .python ? "os.environ[\(writer.quoted(variable))]" : "process.env.\(variable)"
    }

    private mutating func planHeaders(_ headers: [Header], in list: BracketList?) throws(ClientDoubt) {
        guard let name = shape.headersName, !headers.isEmpty else { return }
        switch list.map({ find([name], in: $0) }) ?? .absent {
        case .absent:
            let fields = headers.map { (name: $0.name, value: Written.expression($0.value)) }
            if shape.nest == nil { topItems.append((name, .fields(fields))) } else { nestItems.append((name, .fields(fields))) }
        case .list(let group) where !group.hasSpread:
            let present = Set(group.entries.compactMap { $0.name?.lowercased() })
            let missing = headers.filter { !present.contains($0.name) }
            edits += writer.add(missing.map { ($0.name, .expression($0.value)) }, to: group, mayBreak: !sharesLine(group))
        case .list, .unclear:
            let names = headers.map(\.name).joined(separator: ", ")
            let reason = "\(name) is not written out here; add \(names) where it is made"
            if headers.contains(where: \.isNeeded) { throw ClientDoubt(reason) }
            remarks.append(reason)
        }
    }

    /// Whether a list is on the line of the client's own bracket, which may be broken up itself.
    private func sharesLine(_ list: BracketList) -> Bool {
        guard case .list(let top) = site.options, top.open != list.open else { return false }
        return text.line(text.tokens[top.open].start) == text.line(text.tokens[list.open].start) && !topItems.isEmpty
    }

    // MARK: Writing

    private func write(_ top: BracketList?, _ nest: OptionGroup) -> [SourceEdit] {
        var items = topItems
        var all = edits
        if shape.nest != nil, case .list(let list) = nest {
            all += writer.add(nestItems, to: list)
        } else if let name = shape.nest {
            if !nestItems.isEmpty { items.append((name, .fields(nestItems))) }
        } else {
            items += nestItems
        }
        if let top {
            all += writer.add(items, to: top)
        } else if case .none(let open) = site.options, !items.isEmpty, let token = text.token(open) {
            all.append(.insert(writer.argument(items, at: token.end), at: token.end))
        }
        return all
    }
}
