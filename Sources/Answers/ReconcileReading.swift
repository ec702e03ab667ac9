// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads a provider's export, whatever its form: total over any bytes.
package enum ExportReading {
    /// Reads one file or one answer.
    ///
    /// JSON is one page or a list of pages; anything else is taken for CSV, whose columns say which file it is.
    /// - Parameters:
    ///   - bytes: the export.
    ///   - name: what faults call it.
    ///   - provider: whose it must be.
    /// - Returns: its lines.
    /// - Throws: `AnswersError.badExport` with the line or the path of the first fault.
    package static func read(
        _ bytes: [UInt8], name: String, provider: ExportProvider
    ) throws(AnswersError) -> ProviderExport {
        do throws(ExportFault) {
            guard bytes.count <= ReconcileLimits.fileBytes else {
                throw ExportFault(
                    place: "byte \(ReconcileLimits.fileBytes)", what: "the export is larger than is read; export fewer days")
            }
            return try isJSON(bytes) ? json(bytes, provider) : csv(bytes, provider)
        } catch {
            throw AnswersError(code: .badExport, message: "\(name): \(error.place): \(error.what)")
        }
    }

    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        let rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        let first = rest.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    // MARK: JSON

    private static func json(_ bytes: [UInt8], _ provider: ExportProvider) throws(ExportFault) -> ProviderExport {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        let document: JSONDocument
        do { document = try JSONDocument(text) } catch {
            throw ExportFault(place: "byte \(error.offset)", what: "not valid JSON (\(error.code.rawValue)); the file may be cut")
        }
        let root = ExportNode(node: document.root, path: "")
        guard document.root.kind == .array else { return try page(root, provider) }
        var pages: [ProviderExport] = []
        for element in try root.elements() { pages.append(try page(element, provider)) }
        guard var whole = pages.first else { throw root.fault("the list holds no page") }
        for more in pages.dropFirst() {
            guard more.format == whole.format || more.lines.isEmpty || whole.lines.isEmpty else {
                throw root.fault("the list holds pages of \(whole.format.rawValue) and of \(more.format.rawValue)")
            }
            whole.join(more)
        }
        return whole
    }

    private static func page(_ root: ExportNode, _ provider: ExportProvider) throws(ExportFault) -> ProviderExport {
        if root.optional("error") != nil || root.optional("type")?.node.equals("error") == true {
            throw root.fault("this is an error that the provider answered, not an export")
        }
        let first = try root.member("data").elements().first
        if let owner = first.flatMap(owner(of:)), owner != provider {
            throw root.fault("this is an export of \(owner.rawValue), not of \(provider.rawValue)")
        }
        switch provider {
        case .openai: return try OpenAIExport.page(root)
        case .anthropic: return try AnthropicExport.page(root)
        case .openrouter: return try OpenRouterExport.page(root)
        }
    }

    /// Whose an entry of `data` looks like.
    private static func owner(of entry: ExportNode) -> ExportProvider? {
        if entry.optional("start_time") != nil { return .openai }
        if entry.optional("starting_at") != nil { return .anthropic }
        return entry.optional("date") != nil ? .openrouter : nil
    }

    // MARK: CSV

    private static func csv(_ bytes: [UInt8], _ provider: ExportProvider) throws(ExportFault) -> ProviderExport {
        let table = try ExportTable(bytes)
        for owner in [provider] + ExportProvider.allCases.filter({ $0 != provider }) {
            let export: ProviderExport?
            switch owner {
            case .openai: export = try OpenAIExport.file(table)
            case .anthropic: export = try AnthropicExport.file(table)
            case .openrouter: export = try OpenRouterExport.file(table)
            }
            guard let export else { continue }
            if owner == provider { return export }
            throw ExportFault(place: "line 1", what: "this is an export of \(owner.rawValue), not of \(provider.rawValue)")
        }
        throw ExportFault(
            place: "line 1",
            what:
                "these are not the columns of an export of \(provider.rawValue) that is known; notebooks-docs/reconcile.md lists them"
        )
    }
}

extension ProviderExport {
    /// Appends what a further page holds.
    package mutating func join(_ more: ProviderExport) {
        if lines.isEmpty, more.isKindKnown || !isKindKnown { format = more.format }
        isKindKnown = isKindKnown || more.isKindKnown
        lines += more.lines
        days.formUnion(more.days)
        leftOut.merge(more.leftOut) { $0 + $1 }
        hasMore = more.hasMore
        nextPage = more.nextPage
    }
}
