// SPDX-License-Identifier: Apache-2.0

/// Reads OpenAI's organization usage and costs: pages of the API, and the files of the dashboard.
enum OpenAIExport {
    // MARK: Pages

    /// Reads one page of `/v1/organization/usage/...` or `/v1/organization/costs`; its results alone say which of them it is.
    static func page(_ root: ExportNode) throws(ExportFault) -> ProviderExport {
        var export = ProviderExport(format: .openAIUsage)
        export.isKindKnown = false
        for bucket in try root.member("data").elements() {
            let start = try bucket.member("start_time").epochSeconds()
            let end = try bucket.optional("end_time")?.epochSeconds()
            let day = try ExportBucket.day(from: start, to: end, at: bucket)
            export.days.insert(day)
            for result in try bucket.member("results").elements() { try take(result, day: day, into: &export) }
        }
        try export.readPaging(root)
        return export
    }

    private static func take(_ result: ExportNode, day: Int64, into export: inout ProviderExport) throws(ExportFault) {
        let object = try result.member("object").text()
        if object.hasPrefix("organization.usage.") || object == "organization.costs.result" { export.isKindKnown = true }
        switch object {
        case "organization.usage.completions.result", "organization.usage.embeddings.result",
            "organization.usage.moderations.result":
            export.lines.append(try tokens(result, day: day))
        case "organization.usage.images.result", "organization.usage.audio_speeches.result",
            "organization.usage.audio_transcriptions.result":
            var line = try self.line(result, day: day)
            line.counts[.requests] = try result.member("num_model_requests").count()
            export.lines.append(line)
        case "organization.costs.result":
            export.format = .openAICosts
            if let line = try cost(result, day: day) {
                export.lines.append(line)
            } else {
                export.leftOut["costs without an amount", default: 0] += 1
            }
        default: export.leftOut[object, default: 0] += 1
        }
    }

    private static func line(_ result: ExportNode, day: Int64) throws(ExportFault) -> ExportLine {
        let model = try result.optional("model")?.text()
        var line = ExportLine(day: day, subject: model.map { .model($0) } ?? .everyModel)
        line.isBatch = try result.optional("batch")?.flag() ?? false
        line.keyID = try result.optional("api_key_id")?.text()
        line.projectID = try result.optional("project_id")?.text()
        return line
    }

    private static func tokens(_ result: ExportNode, day: Int64) throws(ExportFault) -> ExportLine {
        var line = try self.line(result, day: day)
        line.counts[.requests] = try result.member("num_model_requests").count()
        line.counts[.output] = try result.optional("output_tokens")?.count()
        let input = OpenAIInput(
            total: try result.member("input_tokens").count(), cached: try result.optional("input_cached_tokens")?.count(),
            written: try result.optional("input_cache_write_tokens")?.count(),
            uncached: try result.optional("input_uncached_tokens")?.count())
        guard input.write(to: &line.counts) else { throw result.fault("its cached and uncached input is more than input_tokens") }
        return line
    }

    private static func cost(_ result: ExportNode, day: Int64) throws(ExportFault) -> ExportLine? {
        guard let amount = result.optional("amount"), let value = amount.optional("value") else { return nil }
        let currency = try amount.member("currency").text()
        guard currency.lowercased() == "usd" else { throw amount.fault("the currency is not usd") }
        var line = ExportLine(day: day, subject: .everyModel)
        if let item = try result.optional("line_item")?.text() { (line.subject, line.isBatch) = subject(ofItem: item) }
        line.keyID = try result.optional("api_key_id")?.text()
        line.projectID = try result.optional("project_id")?.text()
        line.counts[.cost] = try value.money()
        return line
    }

    /// What a line item of the costs is for: `gpt-5.4-2026-03-05, cached input` is a model's, and so are
    /// `gpt-image-1 image, output` and `priority | gpt-5.4, output, long context`.
    ///
    /// A single word before a bar is a tier. The model stands before the first comma; what still holds a blank there without its
    /// modality is a tool's or a service's.
    static func subject(ofItem item: String) -> (subject: ExportSubject, isBatch: Bool) {
        let parts = item.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        let tier = parts.count > 1 && !parts[0].contains(",") ? parts[0].split(separator: " ") : []
        let priced = tier.count == 1 ? parts[1] : item[...]
        var words = priced.prefix { $0 != "," }.split(separator: " ")
        var isBatch = tier.count == 1 && tier[0].lowercased() == "batch"
        while words.count > 1, let last = words.last?.lowercased(), modalities.contains(last) {
            isBatch = isBatch || last == "batch"
            words.removeLast()
        }
        guard words.count == 1, let name = words.first else { return (.tools, isBatch) }
        return (.model(String(name)), isBatch)
    }

    private static let modalities: Set<String> = ["text", "image", "audio", "video", "batch"]

    // MARK: Files

    /// Reads a usage or cost file of the dashboard, or nil where the columns are others.
    static func file(_ table: ExportTable) throws(ExportFault) -> ProviderExport? {
        guard table.has("start_time", "end_time") else { return nil }
        let isCost = table.has("amount_value")
        guard isCost || table.has("num_model_requests") || table.columns.count == 4 && table.has("start_time_iso") else {
            return nil
        }
        var export = ProviderExport(format: isCost ? .openAICosts : .openAIUsage)
        // Where nothing was used the file holds the columns of time alone.
        export.isKindKnown = isCost || table.has("num_model_requests")
        for record in table.records {
            let day = try day(record)
            export.days.insert(day)
            // A bucket without usage is a line without figures.
            if isCost {
                if record["amount_value"] != nil { export.lines.append(try cost(record, day: day)) }
            } else if record["num_model_requests"] != nil {
                export.lines.append(try tokens(record, day: day))
            }
        }
        return export
    }

    private static func day(_ record: ExportRecord) throws(ExportFault) -> Int64 {
        guard let start = try record.count("start_time"), let end = try record.count("end_time"),
            start <= ReconcileLimits.epochSeconds, end <= ReconcileLimits.epochSeconds, end > start
        else { throw record.fault("start_time", "seconds since 1970, before those in end_time, were expected") }
        let day = ExportDay.of(us: start * 1_000_000)
        guard ExportDay.of(us: end * 1_000_000 - 1) == day else {
            throw record.fault("end_time", "the bucket runs over midnight UTC; export it in buckets of at most a UTC day")
        }
        return day
    }

    private static func tokens(_ record: ExportRecord, day: Int64) throws(ExportFault) -> ExportLine {
        let model = try record.name("model")
        var line = ExportLine(day: day, subject: model.map { .model($0) } ?? .everyModel)
        line.isBatch = record["batch"]?.lowercased() == "true"
        line.keyID = try record.name("api_key_id")
        line.projectID = try record.name("project_id")
        line.counts[.requests] = try record.count("num_model_requests")
        line.counts[.output] = try record.count("output_tokens")
        guard let total = try record.count("input_tokens") else { return line }
        let input = OpenAIInput(
            total: total, cached: try record.count("input_cached_tokens"), written: try record.count("input_cache_write_tokens"),
            uncached: try record.count("input_uncached_tokens"))
        guard input.write(to: &line.counts) else {
            throw record.fault("input_tokens", "it is less than the cached and uncached input of the line")
        }
        return line
    }

    private static func cost(_ record: ExportRecord, day: Int64) throws(ExportFault) -> ExportLine {
        guard record["amount_currency"]?.lowercased() == "usd" else { throw record.fault("amount_currency", "usd was expected") }
        var line = ExportLine(day: day, subject: .everyModel)
        if let item = try record.name("line_item") { (line.subject, line.isBatch) = subject(ofItem: item) }
        line.keyID = try record.name("api_key_id")
        line.projectID = try record.name("project_id")
        line.counts[.cost] = try record.dollars("amount_value")
        return line
    }
}

/// Input as OpenAI counts it: the total holds cached tokens and cache writes.
private struct OpenAIInput {
    let total: Int64
    let cached: Int64?
    let written: Int64?
    /// Without cached tokens and cache writes; newer answers say it themselves.
    let uncached: Int64?

    /// Writes the classes; false where they are more than their total.
    func write(to counts: inout ReconcileCounts) -> Bool {
        // Each is at most 2^50: the sum fits.
        let rest = total - (cached ?? 0) - (written ?? 0)
        guard rest >= 0, uncached ?? 0 <= total else { return false }
        counts[.inputTotal] = total
        counts[.inputCached] = cached
        counts[.cacheWrite] = written
        counts[.inputUncached] = uncached ?? rest
        return true
    }
}

extension ProviderExport {
    /// Reads whether and where a page goes on.
    mutating func readPaging(_ root: ExportNode) throws(ExportFault) {
        hasMore = try root.optional("has_more")?.flag() ?? false
        nextPage = try root.optional("next_page")?.text()
    }
}
