// SPDX-License-Identifier: Apache-2.0

/// Reads the JSON of genai-prices, `data.json` of its formats v1 and v2, into our format.
///
/// Prices with conditions become rows with dates, hours and `when`; a variant becomes a whole row, so that a row never needs another.
package struct GenAIPricesImport {
    private let file: String
    private var sheet: PriceSheet
    private var report = ImportReport()

    private init(file: String) {
        self.file = file
        sheet = PriceSheet(name: file)
    }

    /// Reads the values of a file.
    ///
    /// - Parameters:
    ///   - root: the list of providers.
    ///   - file: as faults name it.
    ///   - dated: the day of the table.
    /// - Returns: the rows, and what could not be taken.
    /// - Throws: `PricingError` where it is no such list, or nothing in it is a price.
    package static func read(_ root: PriceNode, file: String, dated: String?) throws(PricingError) -> ImportedPrices {
        guard case .list(let providers) = root.content, providers.allSatisfy({ $0["id"]?.text != nil && $0["models"] != nil })
        else {
            let message = "this is no table of genai-prices: a list of providers, each with `id` and `models`"
            throw PricingError([PriceFault(file: file, line: root.line, message: message)])
        }
        var reader = GenAIPricesImport(file: file)
        reader.sheet.dated = dated
        for provider in providers { reader.add(provider) }
        guard !reader.sheet.rows.isEmpty, reader.sheet.rows.count <= PricingLimits.rows else {
            let message = reader.sheet.rows.isEmpty ? "no price was found" : "more than \(PricingLimits.rows) rows"
            throw PricingError([PriceFault(file: file, line: root.line, message: message)])
        }
        return ImportedPrices(sheet: reader.sheet, report: reader.report)
    }

    // MARK: Providers

    private static let names: [String: [String]] = [
        "aws": ["bedrock"], "azure": ["azure-openai"], "google": ["gemini", "vertex-ai"], "moonshotai": ["moonshot"],
        "voyageai": ["voyage"], "x-ai": ["xai"],
    ]

    /// The names that a provider has in our catalogue.
    package static func providers(of id: String) -> [String] {
        if id.hasPrefix("huggingface_") { return ["huggingface"] }
        return names[id] ?? [id]
    }

    /// What a model's name ends in where the provider passes on to others, as Hugging Face's router writes it.
    private static func suffix(of id: String) -> String {
        id.hasPrefix("huggingface_") ? ":" + id.dropFirst("huggingface_".count) : ""
    }

    private mutating func add(_ provider: PriceNode) {
        guard let id = provider["id"]?.text else { return }
        let ours = GenAIPricesImport.providers(of: id)
        if let url = provider["pricing_urls"]?.elements?.first?.text {
            sheet.sources[id] = PriceSource(url: url, via: "genai-prices", checked: sheet.dated)
        }
        let others = (provider["fallback_model_providers"]?.elements ?? []).compactMap(\.text).flatMap(
            GenAIPricesImport.providers)
        if !others.isEmpty {
            for name in ours { sheet.fallbacks[name] = others }
        }
        for model in provider["models"]?.elements ?? [] { add(model, of: id, ours) }
    }

    private mutating func add(_ model: PriceNode, of id: String, _ providers: [String]) {
        guard let clause = model["match"].flatMap({ ClausePatterns.read($0) }) else {
            return report.skip(model: "its match clause cannot be written as patterns")
        }
        let suffix = GenAIPricesImport.suffix(of: id)
        let patterns = clause.models.compactMap { ModelPattern($0 + suffix) }
        guard !patterns.isEmpty, patterns.count == clause.models.count, patterns.count <= PricingLimits.patterns else {
            return report.skip(model: "its names cannot be written as patterns")
        }
        var row = PriceRow(providers: providers, models: patterns, rates: [:])
        row.except = clause.except.compactMap { ModelPattern($0) }
        row.source = sheet.sources[id] == nil ? nil : id
        row.checked = model["prices_checked"]?.text.flatMap { CalendarDay.us($0) == nil ? nil : $0 }
        let standard = spans(of: model["prices"])
        guard !standard.isEmpty else { return report.skip(model: "it has no prices") }
        let before = sheet.rows.count
        for span in standard { append(span, to: row) }
        for made in variants(of: model, standard) { append(made, to: row) }
        if sheet.rows.count > before { report.models += 1 } else { report.skip(model: "none of its prices has a place here") }
    }

    private mutating func append(_ span: Span, to row: PriceRow) {
        guard !span.rates.isEmpty else { return }
        var made = row
        made.fromUs = span.fromUs
        made.toUs = span.toUs
        made.hours = span.hours
        made.when = span.when
        made.rates = span.rates
        sheet.rows.append(made)
    }

    // MARK: Spans of time

    /// Prices for a span of time.
    private struct Span {
        var fromUs: Int64?
        var toUs: Int64?
        var hours: DayWindow?
        var when: [PriceCondition: [String]] = [:]
        var rates: [PriceClass: PriceRate]
    }

    /// The standard prices: there the last entry whose condition holds wins, and the first one where none does.
    private mutating func spans(of node: PriceNode?) -> [Span] {
        guard let node else { return [] }
        guard case .list(let entries) = node.content else { return [Span(rates: rates(node))] }
        var spans: [Span] = []
        for (index, entry) in entries.enumerated() {
            var span = Span(rates: entry["prices"].map { rates($0) } ?? [:])
            let constraint = entry["constraint"]
            if let from = constraint?["start_time"], let to = constraint?["end_time"] {
                guard let window = GenAIPricesImport.window(from.text, to.text) else {
                    report.skip(price: "a time of day")
                    continue
                }
                span.hours = window
            }
            if index > 0 { span.fromUs = constraint?["start_date"]?.text.flatMap(CalendarDay.us) }
            let later = entries[(index + 1)...].compactMap { $0["constraint"]?["start_date"]?.text.flatMap(CalendarDay.us) }
            span.toUs = later.min()
            if let from = span.fromUs, let to = span.toUs, from >= to { continue }
            spans.append(span)
        }
        return spans
    }

    private static func window(_ from: String?, _ to: String?) -> DayWindow? {
        func minute(_ text: String?) -> Int? {
            guard let text, text.hasSuffix("Z"), text.utf8.count == 9, text.dropLast().hasSuffix(":00") else { return nil }
            guard let hour = Int(text.prefix(2)), let minute = Int(text.dropFirst(3).prefix(2)) else { return nil }
            return hour * 60 + minute
        }
        guard let start = minute(from), let end = minute(to) else { return nil }
        return DayWindow(fromMinute: start, toMinute: end)
    }

    // MARK: Variants

    private struct Variant {
        let when: [PriceCondition: [String]]
        let fromUs: Int64
        let rates: [PriceClass: PriceRate]
    }

    /// Whole rows for what `price_variants` changes under a condition; there the first active one wins, price by price.
    private mutating func variants(of model: PriceNode, _ standard: [Span]) -> [Span] {
        var read: [Variant] = []
        for node in model["price_variants"]?.elements ?? [] {
            guard let when = conditions(node["when"]), node["constraint"]?["start_time"] == nil else {
                report.skip(price: "a variant of prices")
                continue
            }
            let from = node["constraint"]?["start_date"]?.text.flatMap(CalendarDay.us) ?? Int64.min
            let changed = node["prices"].map { rates($0) } ?? [:]
            if !changed.isEmpty { read.append(Variant(when: when, fromUs: from, rates: changed)) }
        }
        var made: [Span] = []
        var done: [[PriceCondition: [String]]] = []
        for variant in read where !done.contains(variant.when) {
            done.append(variant.when)
            let group = read.filter { $0.when == variant.when }
            for span in standard { made += GenAIPricesImport.merge(span, group) }
        }
        return made
    }

    /// The span cut where a variant begins, each part with the prices of its variants over its own.
    private static func merge(_ span: Span, _ group: [Variant]) -> [Span] {
        let start = span.fromUs ?? Int64.min
        let end = span.toUs ?? Int64.max
        let cuts = Set([start] + group.map(\.fromUs).filter { $0 > start && $0 < end }).sorted()
        var made: [Span] = []
        for (index, cut) in cuts.enumerated() {
            let active = group.filter { $0.fromUs <= cut }
            guard let first = active.first else { continue }
            var part = span
            part.fromUs = cut == Int64.min ? nil : cut
            if index + 1 < cuts.count { part.toUs = cuts[index + 1] }
            part.when = first.when
            for variant in active.reversed() { part.rates.merge(variant.rates) { _, new in new } }
            made.append(part)
        }
        return made
    }

    private func conditions(_ node: PriceNode?) -> [PriceCondition: [String]]? {
        guard let members = node?.members, !members.isEmpty else { return nil }
        var when: [PriceCondition: [String]] = [:]
        for (key, value) in members {
            guard let condition = PriceCondition(rawValue: key), let text = value.text, !text.isEmpty else { return nil }
            when[condition] = [text.lowercased()]
        }
        return when
    }

    // MARK: Prices

    /// Their name, our class, and by how many decimal places their unit differs from ours.
    private static let classes: [String: PriceClass] = [
        "input_mtok": .input, "input_audio_mtok": .inputAudio, "input_image_mtok": .inputImage, "input_video_mtok": .inputVideo,
        "cache_read_mtok": .cached, "cache_audio_read_mtok": .cachedAudio, "cache_image_read_mtok": .cachedImage,
        "cache_video_read_mtok": .cachedVideo, "cache_write_mtok": .cacheWrite, "cache_write_5m_mtok": .cacheWrite5m,
        "cache_write_1h_mtok": .cacheWrite1h, "output_mtok": .output, "output_audio_mtok": .outputAudio,
        "output_image_mtok": .outputImage, "output_video_mtok": .outputVideo, "output_reasoning_mtok": .reasoning,
        "output_citation_mtok": .citation, "requests_kcount": .request, "web_searches_kcount": .webSearch,
        "storage_searches_kcount": .fileSearch, "code_executions_kcount": .codeExecution, "rerank_searches_kcount": .searchUnit,
        "input_document_kpages": .page, "input_mchars": .character, "audio_hours": .second,
    ]

    private mutating func rates(_ node: PriceNode) -> [PriceClass: PriceRate] {
        var found: [PriceClass: PriceRate] = [:]
        for (key, value) in node.members ?? [] {
            if case .null = value.content { continue }
            guard let kind = GenAIPricesImport.classes[key] else {
                report.skip(price: key)
                continue
            }
            guard let rate = rate(value, kind) else {
                report.skip(price: key)
                continue
            }
            found[kind] = rate
        }
        return found
    }

    private mutating func rate(_ node: PriceNode, _ kind: PriceClass) -> PriceRate? {
        if let plain = node.text { return pico(plain, kind).map { PriceRate(pico: $0) } }
        guard let base = node["base"]?.text.flatMap({ pico($0, kind) }) else { return nil }
        var rate = PriceRate(pico: base)
        for step in node["tiers"]?.elements ?? [] {
            guard let start = step["start"]?.text.flatMap({ Int64($0) }),
                let price = step["price"]?.text.flatMap({ pico($0, kind) })
            else { return nil }
            // There a tier counts where the prompt is longer than its start; at 0 tokens none does.
            rate.tiers.append(PriceTier(threshold: start, comparison: .above, pico: price))
        }
        guard rate.tiers.count <= PricingLimits.tiers else { return nil }
        rate.tiers.sort { $0.threshold < $1.threshold }
        return rate
    }

    private mutating func pico(_ text: String, _ kind: PriceClass) -> Int64? {
        do throws(PicoDollars.Fault) {
            let read = try PicoDollars.parse(text, digits: kind.unit.digits, isRounded: true)
            if read.wasRounded { report.roundedPrices += 1 }
            return read.pico
        } catch { return nil }
    }
}
