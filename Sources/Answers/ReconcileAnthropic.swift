// SPDX-License-Identifier: Apache-2.0

/// Reads Anthropic's usage and cost reports: pages of the API, and the files of the console.
enum AnthropicExport {
    // MARK: Pages

    /// Reads one page of `/v1/organizations/usage_report/messages` or `/v1/organizations/cost_report`; its results alone say which
    /// of them it is.
    static func page(_ root: ExportNode) throws(ExportFault) -> ProviderExport {
        var export = ProviderExport(format: .anthropicUsage)
        export.isKindKnown = false
        for bucket in try root.member("data").elements() {
            let start = try bucket.member("starting_at").instant()
            let end = try bucket.optional("ending_at")?.instant()
            let day = try ExportBucket.day(from: start, to: end, at: bucket)
            export.days.insert(day)
            for result in try bucket.member("results").elements() {
                export.isKindKnown = true
                if result.optional("amount") != nil {
                    export.format = .anthropicCosts
                    export.lines.append(try cost(result, day: day))
                } else {
                    export.lines.append(try usage(result, day: day))
                }
            }
        }
        try export.readPaging(root)
        return export
    }

    private static func usage(_ result: ExportNode, day: Int64) throws(ExportFault) -> ExportLine {
        let model = try result.optional("model")?.text()
        var line = ExportLine(day: day, subject: model.map { .model($0) } ?? .everyModel)
        line.isBatch = try result.optional("service_tier")?.text() == "batch"
        line.keyID = try result.optional("api_key_id")?.text()
        line.projectID = try result.optional("workspace_id")?.text()
        var written: Int64?
        if let creation = result.optional("cache_creation") {
            written =
                try creation.member("ephemeral_5m_input_tokens").count() + creation.member("ephemeral_1h_input_tokens").count()
        }
        line.counts.takeParts(
            uncached: try result.member("uncached_input_tokens").count(),
            cached: try result.member("cache_read_input_tokens").count(), written: written)
        line.counts[.output] = try result.member("output_tokens").count()
        return line
    }

    private static func cost(_ result: ExportNode, day: Int64) throws(ExportFault) -> ExportLine {
        guard try result.member("currency").text().lowercased() == "usd" else { throw result.fault("the currency is not USD") }
        let model = try result.optional("model")?.text()
        let kind = try result.optional("cost_type")?.text()
        let subject: ExportSubject
        switch (kind, model) {
        case (nil, nil): subject = .everyModel
        case (nil, .some(let model)), ("tokens", .some(let model)): subject = .model(model)
        case ("tokens", nil): throw result.fault("a cost of tokens without `model`")
        case (.some, _): subject = .tools
        }
        var line = ExportLine(day: day, subject: subject)
        line.isBatch = try result.optional("service_tier")?.text() == "batch"
        line.projectID = try result.optional("workspace_id")?.text()
        line.counts[.cost] = try result.member("amount").money(scale: 2)
        return line
    }

    // MARK: Files

    /// Reads a usage or cost file of the console, or nil where the columns are others.
    static func file(_ table: ExportTable) throws(ExportFault) -> ProviderExport? {
        guard table.has("usage_date_utc") else { return nil }
        let isCost = table.has("model", "cost_usd")
        guard isCost || table.has("model_version", "usage_input_tokens_no_cache", "usage_output_tokens") else { return nil }
        var export = ProviderExport(format: isCost ? .anthropicCosts : .anthropicUsage)
        for record in table.records {
            let day = try record.day("usage_date_utc")
            export.days.insert(day)
            export.lines.append(try isCost ? cost(record, day: day) : usage(record, day: day))
        }
        return export
    }

    private static func line(_ record: ExportRecord, day: Int64, subject: ExportSubject) throws(ExportFault) -> ExportLine {
        var line = ExportLine(day: day, subject: subject)
        line.isBatch = record["usage_type"]?.lowercased() == "batch"
        line.keyID = try record.name("api_key")
        line.projectID = try record.name("workspace")
        return line
    }

    private static func usage(_ record: ExportRecord, day: Int64) throws(ExportFault) -> ExportLine {
        let model = try record.name("model_version")
        var line = try self.line(record, day: day, subject: model.map { .model($0) } ?? .everyModel)
        var written: Int64?
        for column in ["usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h"] {
            if let more = try record.count(column) { written = (written ?? 0) + more }
        }
        line.counts.takeParts(
            uncached: try record.count("usage_input_tokens_no_cache"),
            cached: try record.count("usage_input_tokens_cache_read"), written: written)
        line.counts[.output] = try record.count("usage_output_tokens")
        return line
    }

    private static func cost(_ record: ExportRecord, day: Int64) throws(ExportFault) -> ExportLine {
        let kind = record["cost_type"]?.lowercased()
        let isTokens = kind.map { $0 == "token" || $0 == "tokens" } ?? (record["token_type"] != nil)
        let model = try record.name("model")
        var line = try self.line(record, day: day, subject: isTokens ? model.map { .model($0) } ?? .everyModel : .tools)
        line.counts[.cost] = try record.dollars("cost_usd")
        return line
    }
}

extension ReconcileCounts {
    /// Takes input in parts that are apart from each other; the total is their sum, where the uncached part is known.
    fileprivate mutating func takeParts(uncached: Int64?, cached: Int64?, written: Int64?) {
        self[.inputUncached] = uncached
        self[.inputCached] = cached
        self[.cacheWrite] = written
        // Each is at most 2^51: the sum fits.
        if let uncached { self[.inputTotal] = uncached + (cached ?? 0) + (written ?? 0) }
    }
}
