// SPDX-License-Identifier: Apache-2.0
import Pricing
import Testing

@Suite struct ImportTests {
    private func genai(_ models: String, provider: String = "openai") throws -> ImportedPrices {
        let text = #"[{"id":"\#(provider)","pricing_urls":["https://example.com"],"models":[\#(models)]}]"#
        return try GenAIPricesImport.read(PriceNode.json(Array(text.utf8), file: "g"), file: "g", dated: "2026-11-29")
    }

    private func lite(_ models: String) throws -> ImportedPrices {
        try LiteLLMImport.read(PriceNode.json(Array("{\(models)}".utf8), file: "l"), file: "l", dated: nil)
    }

    private func texts(_ imported: ImportedPrices) -> [String] {
        String(decoding: imported.sheet.encoded(), as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(#"{"provider"#) }
            .map { String($0.hasSuffix(",") ? $0.dropLast() : $0) }
    }

    // MARK: genai-prices

    @Test(arguments: [
        (#"{"equals":"a"}"#, "a", nil), (#"{"starts_with":"a-"}"#, "a-*", nil), (#"{"ends_with":"z"}"#, "*z", nil),
        (#"{"contains":"b"}"#, "*b*", nil), (#"{"or":[{"equals":"a"},{"contains":"b"}]}"#, "a|*b*", nil),
        (#"{"regex":"^gpt-5\\.4-\\d{4}-\\d{2}$"}"#, "gpt-5.4-####-##", nil), (#"{"regex":"^a[-@]\\d$"}"#, "a-#|a@#", nil),
        (#"{"regex":"^(t/)?jev-1\\.13(-\\d{2})?$"}"#, "jev-1.13|jev-1.13-##|t/jev-1.13|t/jev-1.13-##", nil),
        (#"{"regex":"lite"}"#, "*lite*", nil), (#"{"regex":"^c\\[fast=true\\]$"}"#, "c[fast=true]", nil),
        (#"{"and":[{"starts_with":"g"},{"regex":"^(?!.*-[tT][tT][sS](?:$|-))"}]}"#, "g*", "*-tts|*-tts-*"),
    ])
    func writesMatchClausesAsPatterns(clause: String, models: String, except: String?) throws {
        let row = try #require(try genai(#"{"id":"x","match":\#(clause),"prices":{"input_mtok":1}}"#).sheet.rows.first)
        #expect(row.models.map(\.text).joined(separator: "|") == models)
        #expect((row.except.isEmpty ? nil : row.except.map(\.text).joined(separator: "|")) == except)
    }

    @Test(arguments: [
        #"{"regex":"a+"}"#, #"{"regex":"^(a|b)$"}"#, #"{"regex":"[^a]"}"#, #"{"regex":"\\w"}"#, #"{"near":"a"}"#, #"{"or":[]}"#,
    ])
    func countsClausesThatPatternsCannotSay(clause: String) throws {
        let read = try genai(
            #"{"id":"x","match":\#(clause),"prices":{"input_mtok":1}},{"id":"y","match":{"equals":"y"},"prices":{"input_mtok":1}}"#
        )
        #expect(read.sheet.rows.count == 1 && read.report.skippedModels.values.reduce(0, +) == 1 && read.report.models == 1)
    }

    @Test func writesConditionsAsDatesAndHours() throws {
        let read = try genai(
            #"""
            {"id":"x","match":{"equals":"x"},"prices":[{"prices":{"input_mtok":1}},
            {"constraint":{"start_date":"2026-02-01"},"prices":{"input_mtok":2}},
            {"constraint":{"start_time":"16:30:00Z","end_time":"00:30:00Z"},"prices":{"input_mtok":3}},
            {"constraint":{"start_date":"2026-03-01"},"prices":{"input_mtok":4}}]}
            """#)
        #expect(
            texts(read) == [
                #"{"provider":"openai","models":"x","to":"2026-02-01","price":{"input":1},"source":"openai"}"#,
                #"{"provider":"openai","models":"x","from":"2026-02-01","to":"2026-03-01","price":{"input":2},"source":"openai"}"#,
                #"{"provider":"openai","models":"x","to":"2026-03-01","hours":"16:30-00:30","price":{"input":3},"source":"openai"}"#,
                #"{"provider":"openai","models":"x","from":"2026-03-01","price":{"input":4},"source":"openai"}"#,
            ])
    }

    @Test func writesVariantsAsWholeRows() throws {
        let read = try genai(
            #"""
            {"id":"x","match":{"equals":"x"},
            "prices":[{"prices":{"input_mtok":4,"output_mtok":8}},{"constraint":{"start_date":"2026-02-01"},"prices":{"input_mtok":2,"output_mtok":6}}],
            "price_variants":[{"when":{"processing":"batch"},"constraint":{"start_date":"2026-01-01"},"prices":{"input_mtok":1}},
            {"when":{"service_tier":"default"},"prices":{}}]}
            """#)
        #expect(
            texts(read).dropFirst(2) == [
                #"{"provider":"openai","models":"x","from":"2026-01-01","to":"2026-02-01","when":{"processing":"batch"},"price":{"input":1,"output":8},"source":"openai"}"#,
                #"{"provider":"openai","models":"x","from":"2026-02-01","when":{"processing":"batch"},"price":{"input":1,"output":6},"source":"openai"}"#,
            ])
    }

    @Test func takesTiersUnitsAndNames() throws {
        let read = try genai(
            #"""
            {"id":"x","match":{"equals":"x"},"prices":{"input_mtok":{"base":2.5,"tiers":[{"start":272000,"price":5}]},
            "web_searches_kcount":10,"audio_hours":0.111,"strange_mtok":1,"cache_read_mtok":0.0833333333333333,"output_mtok":null}}
            """#, provider: "google")
        let row = try #require(read.sheet.rows.first)
        #expect(row.providers == ["gemini", "vertex-ai"] && row.rates[.output] == nil)
        #expect(
            row.rates[.input]
                == PriceRate(pico: 2_500_000, tiers: [PriceTier(threshold: 272_000, comparison: .above, pico: 5_000_000)]))
        #expect(row.rates[.webSearch]?.pico == 10_000_000_000 && row.rates[.second]?.pico == 111_000_000_000)
        #expect(row.rates[.cached]?.pico == 83_333 && read.report.roundedPrices == 1)
        #expect(read.report.skippedPrices == ["strange_mtok": 1])
        #expect(GenAIPricesImport.providers(of: "huggingface_novita") == ["huggingface"])
        #expect(
            try genai(#"{"id":"x","match":{"equals":"m/x"},"prices":{"input_mtok":1}}"#, provider: "huggingface_novita").sheet
                .rows[0]
                .models[0].text == "m/x:novita")
    }

    @Test(arguments: ["{}", "[]", "[1]", #"[{"id":"a"}]"#, #"{"gpt":{"litellm_provider":"openai"}}"#])
    func refusesWhatIsNoTableOfGenAIPrices(text: String) throws {
        #expect(throws: PricingError.self) {
            try GenAIPricesImport.read(PriceNode.json(Array(text.utf8), file: "g"), file: "g", dated: nil)
        }
    }

    // MARK: LiteLLM

    @Test func readsSuffixesOfLiteLLM() throws {
        let read = try lite(
            #"""
            "sample_spec":{"litellm_provider":"one of"},
            "gpt-x":{"litellm_provider":"openai","input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05,
            "cache_read_input_token_cost":2.5e-07,"input_cost_per_token_above_272k_tokens":5e-06,"input_cost_per_token_flex":1.25e-06,
            "input_cost_per_token_batches":1.2e-06,"input_cost_per_token_above_272k_tokens_flex":2.5e-06,
            "cache_creation_input_token_cost":3e-06,"cache_creation_input_token_cost_above_1hr":6e-06,
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens":12e-06,"input_cost_per_pixel":1,"max_tokens":9,
            "search_context_cost_per_query":{"search_context_size_medium":0.01},"source":"https://example.com/p"}
            """#)
        let rows = Dictionary(uniqueKeysWithValues: read.sheet.rows.map { ($0.when, $0) })
        let standard = try #require(rows[[:]])
        #expect(standard.rates[.input]?.pico == 2_500_000 && standard.rates[.input]?.tiers.first?.threshold == 272_000)
        #expect(
            standard.rates[.cacheWrite1h]?.pico == 6_000_000 && standard.rates[.cacheWrite1h]?.tiers.first?.pico == 12_000_000)
        #expect(standard.rates[.webSearch]?.pico == 10_000_000_000 && standard.source == "https://example.com/p")
        let flex = try #require(rows[[.serviceTier: ["flex"]]])
        #expect(flex.rates[.input]?.pico == 1_250_000 && flex.rates[.input]?.tiers.first?.pico == 2_500_000)
        #expect(flex.rates[.output]?.pico == 10_000_000)
        #expect(rows[[.processing: ["batch"]]]?.rates[.input]?.pico == 1_200_000)
        #expect(read.report.models == 1 && read.report.skippedPrices == ["input_cost_per_pixel": 1])
    }

    @Test func readsNamesRegionsAndRangesOfLiteLLM() throws {
        let read = try lite(
            #"""
            "bedrock/eu-west-1/anthropic.claude-x":{"litellm_provider":"bedrock","input_cost_per_token":1e-06},
            "bedrock/us-east-1/1-month-commitment/c":{"litellm_provider":"bedrock","input_cost_per_second":1e-06},
            "vertex_ai/claude-x":{"litellm_provider":"vertex_ai-anthropic_models","input_cost_per_token":1e-06},
            "openrouter/openai/gpt-x":{"litellm_provider":"openrouter","input_cost_per_token":1e-06},
            "dashscope/qwen":{"litellm_provider":"dashscope","tiered_pricing":[{"range":[0,256000.0],"input_cost_per_token":5e-08},
            {"range":[256000.0,1000000.0],"input_cost_per_token":2.5e-07}]},
            "nothing":{"litellm_provider":"openai","mode":"chat"}
            """#)
        #expect(
            texts(read) == [
                #"{"provider":"bedrock","models":"anthropic.claude-x","when":{"region":"eu-west-1"},"price":{"input":1}}"#,
                #"{"provider":"vertex-ai","models":"claude-x","price":{"input":1}}"#,
                #"{"provider":"openrouter","models":"openai/gpt-x","price":{"input":1}}"#,
                #"{"provider":"alibaba","models":"qwen","price":{"input":0.05},"tiers":[{"op":">","tokens":256000,"price":{"input":0.25}}]}"#,
            ])
        #expect(read.report.skippedModels.values.reduce(0, +) == 2)
    }
}
