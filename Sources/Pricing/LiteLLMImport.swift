// SPDX-License-Identifier: Apache-2.0

/// Reads LiteLLM's `model_prices_and_context_window.json` into our format.
///
/// Its prices are dollars a token, and the conditions stand in their names: `_above_200k_tokens`, `_above_1hr`, `_batches`, `_flex`,
/// `_priority`. It has no dates: every row is valid always.
package struct LiteLLMImport {
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
    ///   - root: the models by name.
    ///   - file: as faults name it.
    ///   - dated: the day of the table.
    /// - Returns: the rows, and what could not be taken.
    /// - Throws: `PricingError` where it is no such table, or nothing in it is a price.
    package static func read(_ root: PriceNode, file: String, dated: String?) throws(PricingError) -> ImportedPrices {
        let members = root.members ?? []
        guard members.contains(where: { $0.value["litellm_provider"] != nil }) else {
            let message = "this is no table of LiteLLM: a mapping of models, each with `litellm_provider`"
            throw PricingError([PriceFault(file: file, line: root.line, message: message)])
        }
        var reader = LiteLLMImport(file: file)
        reader.sheet.dated = dated
        for (name, model) in members where name != "sample_spec" { reader.add(name, model) }
        guard !reader.sheet.rows.isEmpty, reader.sheet.rows.count <= PricingLimits.rows else {
            let message = reader.sheet.rows.isEmpty ? "no price was found" : "more than \(PricingLimits.rows) rows"
            throw PricingError([PriceFault(file: file, line: root.line, message: message)])
        }
        return ImportedPrices(sheet: reader.sheet, report: reader.report)
    }

    // MARK: Models

    private static let names: [String: String] = [
        "text-completion-openai": "openai", "bedrock_converse": "bedrock", "bedrock_mantle": "bedrock", "azure": "azure-openai",
        "azure_ai": "azure-openai", "azure_text": "azure-openai", "cohere_chat": "cohere", "codestral": "mistral",
        "text-completion-codestral": "mistral", "together_ai": "together", "fireworks_ai": "fireworks",
        "fireworks_ai-embedding-models": "fireworks", "dashscope": "alibaba", "github_copilot": "github-copilot",
        "nvidia_nim": "nvidia", "vercel_ai_gateway": "vercel-gateway",
    ]

    private static func provider(of name: String) -> String {
        if name.hasPrefix("vertex_ai") { return "vertex-ai" }
        return names[name] ?? name.replacing("_", with: "-")
    }

    private mutating func add(_ name: String, _ model: PriceNode) {
        guard let theirs = model["litellm_provider"]?.text else { return report.skip(model: "it names no provider") }
        var parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let provider = LiteLLMImport.provider(of: theirs)
        if parts.count > 1, LiteLLMImport.provider(of: parts[0]) == provider || parts[0] == theirs { parts.removeFirst() }
        var region: String?
        if provider == "bedrock", parts.count > 1, parts[0].contains("-") { region = parts.removeFirst().lowercased() }
        if parts.first?.contains("month-commitment") == true { return report.skip(model: "it is a price of reserved capacity") }
        guard let pattern = ModelPattern(parts.joined(separator: "/")), pattern.isLiteral else {
            return report.skip(model: "its name cannot be written as a pattern")
        }
        var row = PriceRow(providers: [provider], models: [pattern], rates: [:])
        if let region { row.when[.region] = [region] }
        if let source = model["source"]?.text, source.hasPrefix("http"), source.utf8.count <= PricingLimits.textBytes {
            row.source = source
        }
        let before = sheet.rows.count
        for (when, rates) in prices(model).sorted(by: { $0.key.order < $1.key.order }) {
            var made = row
            if let condition = when.condition { made.when[condition] = [when.value] }
            made.rates = rates
            sheet.rows.append(made)
        }
        if sheet.rows.count > before { report.models += 1 } else { report.skip(model: "none of its prices has a place here") }
    }

    // MARK: Prices

    /// Under which tier or way of processing a price holds.
    private struct Mode: Hashable {
        var condition: PriceCondition?
        var value = ""
        var order: String { (condition?.rawValue ?? "") + value }
    }

    /// One price of a model, its name taken apart.
    private struct Named {
        var kind: PriceClass
        var mode = Mode()
        var threshold: Int64?
    }

    private static let classes: [String: PriceClass] = [
        "input_cost_per_token": .input, "input_cost_per_audio_token": .inputAudio, "input_cost_per_image_token": .inputImage,
        "input_cost_per_video_token": .inputVideo, "cache_read_input_token_cost": .cached,
        "cache_read_input_audio_token_cost": .cachedAudio, "cache_read_input_image_token_cost": .cachedImage,
        "cache_creation_input_token_cost": .cacheWrite, "output_cost_per_token": .output,
        "output_cost_per_audio_token": .outputAudio, "output_cost_per_image_token": .outputImage,
        "output_cost_per_video_token": .outputVideo, "output_cost_per_reasoning_token": .reasoning,
        "citation_cost_per_token": .citation, "input_cost_per_request": .request, "input_cost_per_query": .searchUnit,
        "output_cost_per_image": .image, "input_cost_per_character": .character, "ocr_cost_per_page": .page,
    ]

    private static let modes: [String: Mode] = [
        "batches": Mode(condition: .processing, value: "batch"), "flex": Mode(condition: .serviceTier, value: "flex"),
        "priority": Mode(condition: .serviceTier, value: "priority"),
    ]

    private static func named(_ key: String) -> Named? {
        var rest = key
        var mode = Mode()
        for (suffix, found) in modes where rest.hasSuffix("_" + suffix) {
            rest = String(rest.dropLast(suffix.count + 1))
            mode = found
            break
        }
        var threshold: Int64?
        if let range = rest.firstRange(of: "k_tokens"), range.upperBound == rest.endIndex,
            let above = rest[..<range.lowerBound].ranges(of: "_above_").last,
            let thousands = Int64(rest[above.upperBound..<range.lowerBound])
        {
            threshold = thousands * 1_000
            rest = String(rest[..<above.lowerBound])
        }
        if rest.hasSuffix("_above_1hr") {
            rest = String(rest.dropLast("_above_1hr".count))
            return classes[rest] == .cacheWrite ? Named(kind: .cacheWrite1h, mode: mode, threshold: threshold) : nil
        }
        return classes[rest].map { Named(kind: $0, mode: mode, threshold: threshold) }
    }

    private mutating func prices(_ model: PriceNode) -> [Mode: [PriceClass: PriceRate]] {
        var base: [Mode: [PriceClass: PriceRate]] = [:]
        var steps: [(Named, Int64)] = []
        for (key, value) in model.members ?? [] where key.contains("cost") || key == "tiered_pricing" {
            if key == "tiered_pricing" {
                for (kind, rate) in ranges(value) { base[Mode(), default: [:]][kind] = rate }
            } else if key == "search_context_cost_per_query" {
                let search = value["search_context_size_medium"]?.text.flatMap { pico($0, .webSearch) }
                if let search { base[Mode(), default: [:]][.webSearch] = PriceRate(pico: search) }
            } else if let named = LiteLLMImport.named(key), let price = value.text.flatMap({ pico($0, named.kind) }) {
                if named.threshold == nil {
                    base[named.mode, default: [:]][named.kind] = PriceRate(pico: price)
                } else {
                    steps.append((named, price))
                }
            } else {
                report.skip(price: key)
            }
        }
        for (named, price) in steps {
            let tier = PriceTier(threshold: named.threshold ?? 0, comparison: .above, pico: price)
            guard base[named.mode]?[named.kind] != nil else {
                report.skip(price: "a tier without its first step")
                continue
            }
            base[named.mode]?[named.kind]?.tiers.append(tier)
        }
        return LiteLLMImport.completed(base)
    }

    /// A tier of service has the standard price for what it does not name; a row never needs another.
    private static func completed(_ base: [Mode: [PriceClass: PriceRate]]) -> [Mode: [PriceClass: PriceRate]] {
        var all = base
        for mode in base.keys {
            if mode != Mode() { all[mode]?.merge(base[Mode()] ?? [:]) { own, _ in own } }
            for kind in PriceClass.allCases { all[mode]?[kind]?.tiers.sort { $0.threshold < $1.threshold } }
        }
        return all
    }

    /// `tiered_pricing`: prices for spans of prompt length.
    private mutating func ranges(_ node: PriceNode) -> [PriceClass: PriceRate] {
        var rates: [PriceClass: PriceRate] = [:]
        for (index, step) in (node.elements ?? []).prefix(PricingLimits.tiers).enumerated() {
            guard let from = step["range"]?.elements?.first?.text.flatMap({ PicoDollars.whole($0) }), (from > 0) == (index > 0)
            else {
                report.skip(price: "tiered_pricing by something else than prompt tokens")
                return [:]
            }
            for (key, value) in step.members ?? [] where key != "range" {
                guard let named = LiteLLMImport.named(key), named.mode == Mode(), named.threshold == nil,
                    let price = value.text.flatMap({ pico($0, named.kind) })
                else {
                    report.skip(price: key)
                    continue
                }
                if rates[named.kind] == nil {
                    rates[named.kind] = PriceRate(pico: price)
                } else {
                    rates[named.kind]?.tiers.append(PriceTier(threshold: from, comparison: .above, pico: price))
                }
            }
        }
        return rates
    }

    /// Its prices are for one unit, of tokens and of calls alike.
    private mutating func pico(_ text: String, _ kind: PriceClass) -> Int64? {
        do throws(PicoDollars.Fault) {
            let read = try PicoDollars.parse(text, digits: 12, isRounded: true)
            if read.wasRounded { report.roundedPrices += 1 }
            return read.pico
        } catch { return nil }
    }
}

extension PicoDollars {
    /// A whole number that may be written as `256000.0`.
    static func whole(_ text: String) -> Int64? {
        do throws(Fault) { return try parse(text, digits: 0).pico } catch { return nil }
    }
}
