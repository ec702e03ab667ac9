// SPDX-License-Identifier: Apache-2.0

/// Reads OpenRouter's activity: the answer of `/api/v1/activity`, and the files of the activity and log pages.
///
/// Cost is what was spent altogether: credits, and what providers took for keys of one's own.
enum OpenRouterExport {
    /// Reads the answer of `/api/v1/activity`.
    static func page(_ root: ExportNode) throws(ExportFault) -> ProviderExport {
        var export = ProviderExport(format: .openRouterActivity)
        for item in try root.member("data").elements() {
            let day = try item.member("date").day()
            export.days.insert(day)
            var line = ExportLine(day: day, subject: .model(try item.member("model").text()))
            line.counts[.requests] = try item.member("requests").count()
            line.counts[.inputTotal] = try item.member("prompt_tokens").count()
            line.counts[.output] = try item.member("completion_tokens").count()
            let own = try item.optional("byok_usage_inference")?.money()
            line.counts[.cost] = try spent(try item.member("usage").money(), own) { item.fault("its cost does not fit 64 bits") }
            export.lines.append(line)
        }
        return export
    }

    /// Reads a file, or nil where the columns are others.
    static func file(_ table: ExportTable) throws(ExportFault) -> ProviderExport? {
        if table.has("generation_id", "created_at", "model_permaslug") { return try generations(table) }
        guard table.has("date", "usage", "requests", "prompt_tokens", "completion_tokens"),
            let model = ["slug", "model", "model_permaslug"].first(where: { table.has($0) })
        else { return nil }
        return try activity(table, model: model)
    }

    /// One line for each day and model.
    private static func activity(_ table: ExportTable, model column: String) throws(ExportFault) -> ProviderExport {
        var export = ProviderExport(format: .openRouterActivity)
        for record in table.records {
            let day = try record.day("date")
            export.days.insert(day)
            guard let model = try record.name(column) else { throw record.fault(column, "a model was expected") }
            var line = ExportLine(day: day, subject: .model(model))
            line.counts[.requests] = try record.count("requests")
            line.counts[.inputTotal] = try record.count("prompt_tokens")
            line.counts[.output] = try record.count("completion_tokens")
            let column = table.has("byok_usage_inference") ? "byok_usage_inference" : "byok_usage"
            line.counts[.cost] = try cost(of: record, "usage", record.dollars(column))
            export.lines.append(line)
        }
        return export
    }

    /// One line for each generation.
    private static func generations(_ table: ExportTable) throws(ExportFault) -> ProviderExport {
        var export = ProviderExport(format: .openRouterGenerations)
        for record in table.records {
            let day = try record.day("created_at")
            export.days.insert(day)
            guard let slug = try record.name("model_permaslug") else {
                throw record.fault("model_permaslug", "a model was expected")
            }
            let variant = try record.name("variant").flatMap { $0 == "standard" ? nil : $0 }
            var line = ExportLine(day: day, subject: .model(variant.map { "\(slug):\($0)" } ?? slug))
            line.keyID = try record.name("api_key_name")
            line.counts[.requests] = 1
            line.counts[.output] = try record.count("tokens_completion")
            let cached = try record.count("tokens_cached")
            line.counts[.inputCached] = cached
            if let prompt = try record.count("tokens_prompt") {
                line.counts[.inputTotal] = prompt
                // The two may be counted by different tokenizers: what is left is never below 0, as in our own reading.
                if let cached { line.counts[.inputUncached] = max(0, prompt - cached) }
            }
            line.counts[.cost] = try cost(of: record, "cost_total", record.dollars("byok_usage_inference"))
            export.lines.append(line)
        }
        return export
    }

    private static func cost(of record: ExportRecord, _ column: String, _ own: Int64?) throws(ExportFault) -> Int64? {
        guard let credits = try record.dollars(column) else { return own }
        return try spent(credits, own) { record.fault(column, "its cost does not fit 64 bits") }
    }

    private static func spent(_ credits: Int64, _ own: Int64?, fault: () -> ExportFault) throws(ExportFault) -> Int64 {
        let (sum, isOver) = credits.addingReportingOverflow(own ?? 0)
        guard !isOver else { throw fault() }
        return sum
    }
}
