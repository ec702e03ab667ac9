// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Pricing
import Testing

@Suite struct PriceBookTests {
    // MARK: Which row

    @Test(arguments: [
        ("gpt-5", "1000000"), ("gpt-5-2025-08-07", "2000000"), ("gpt-5-mini", "3000000"), ("GPT-5-Nano", "4000000"),
        ("o3", "model_unknown"), ("gpt-4o", "model_unknown"), ("gpt-5-tts", "model_unknown"),
    ])
    func takesTheMostLiteralPattern(model: String, wanted: String) throws {
        let book = try book(
            #"{"provider":"openai","models":"gpt-5*","except":"*-tts","price":{"input":4}},"#
                + #"{"provider":"openai","models":"gpt-5","price":{"input":1}},"#
                + #"{"provider":"openai","models":"gpt-5-####-##-##","price":{"input":2}},"#
                + #"{"provider":"openai","models":"gpt-5-m*","price":{"input":3}}"#)
        #expect(found(book, try query("openai", model)) == wanted)
        #expect(found(book, try query("mistral", model)) == "provider_unknown")
    }

    @Test(arguments: [
        ("2026-01-31T23:59:59Z", "1000000"), ("2026-02-01", "2000000"), ("2026-02-28T23:59:59Z", "2000000"),
        ("2026-03-01", "not_valid_then"),
    ])
    func changesPricesAtMidnightUTC(time: String, wanted: String) throws {
        let book = try book(
            #"{"provider":"p","models":"m","to":"2026-02-01","price":{"input":1}},"#
                + #"{"provider":"p","models":"m","from":"2026-02-01","to":"2026-03-01","price":{"input":2}}"#)
        #expect(found(book, try query("p", "m", at: time)) == wanted)
    }

    @Test(arguments: [
        ("16:29:59", "2000000"), ("16:30:00", "1000000"), ("23:59:59", "1000000"), ("00:00:00", "1000000"),
        ("00:29:59", "1000000"),
        ("00:30:00", "2000000"),
    ])
    func prefersTheHoursOfTheDay(time: String, wanted: String) throws {
        let book = try book(
            #"{"provider":"p","models":"m","hours":"16:30-00:30","price":{"input":1}},"#
                + #"{"provider":"p","models":"m","price":{"input":2}}"#)
        #expect(found(book, try query("p", "m", at: "2026-11-29T\(time)Z")) == wanted)
    }

    @Test(arguments: [
        (nil, "4000000"), ("default", "4000000"), ("STANDARD", "4000000"), ("ON_DEMAND", "4000000"), ("flex", "2000000"),
        ("ON_DEMAND_FLEX", "2000000"),
        ("Priority", "8000000"), ("batch", "1000000"), ("scale", "condition_unpriced"),
    ])
    func pricesTheServedTier(tier: String?, wanted: String) throws {
        let book = try book(
            #"{"provider":"p","models":"m","price":{"input":4}},"#
                + #"{"provider":"p","models":"m","when":{"service_tier":"flex"},"price":{"input":2}},"#
                + #"{"provider":"p","models":"m","when":{"service_tier":["priority","fast"]},"price":{"input":8}},"#
                + #"{"provider":"p","models":"m","when":{"processing":"batch"},"price":{"input":1}}"#)
        #expect(found(book, try query("p", "m", tier: tier)) == wanted)
    }

    @Test(arguments: [
        ("anthropic.claude-x-v1:0", "3300000"), ("global.anthropic.claude-x-v1:0", "3000000"),
        ("eu.anthropic.claude-x-v1:0", "3300000"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-x-v1:0", "3000000"),
    ])
    func readsTheRegionBeforeAModel(model: String, wanted: String) throws {
        let book = try book(
            #"{"provider":"bedrock","models":"anthropic.claude-x*","price":{"input":3.3}},"#
                + #"{"provider":"bedrock","models":"anthropic.claude-x*","when":{"region":"global"},"price":{"input":3}}"#)
        #expect(found(book, try query("bedrock", model)) == wanted)
    }

    @Test(arguments: [
        "models/gemini-2.5-flash", "projects/x/locations/y/publishers/google/models/gemini-2.5-flash", "Gemini-2.5-Flash",
    ])
    func cutsPathsToTheModel(model: String) throws {
        let book = try book(#"{"provider":"vertex-ai","models":"gemini-2.5-flash","price":{"input":3}}"#)
        #expect(found(book, try query("vertex-ai", model)) == "3000000")
    }

    @Test func triesACompactDateWithHyphens() {
        #expect(ModelNames.candidates(of: "gpt-5.2-20251211").map(\.name) == ["gpt-5.2-20251211", "gpt-5.2-2025-12-11"])
        #expect(ModelNames.candidates(of: "x-20251311").count == 1 && ModelNames.candidates(of: "").isEmpty)
        #expect(ModelNames.candidates(of: String(repeating: "a", count: 600)).isEmpty)
    }

    @Test func asksTheServedModelThenTheOneAskedFor() throws {
        let book = try book(
            #"{"provider":"p","models":"alias","price":{"input":1}},{"provider":"p","models":"real","price":{"input":2}}"#)
        let now = try at("2026-11-29")
        #expect(found(book, PriceQuery(provider: "p", models: ["real", "alias"], atUs: now)) == "2000000")
        #expect(found(book, PriceQuery(provider: "p", models: ["deployment-7", "alias"], atUs: now)) == "1000000")
        #expect(found(book, PriceQuery(provider: "p", models: ["", ""], atUs: now)) == "model_absent")
        #expect(found(book, PriceQuery(provider: "p", models: [], atUs: now)) == "model_absent")
    }

    @Test func looksAtOtherProvidersWhereItIsTold() throws {
        let book = try book(
            #"{"provider":"openai","models":"gpt","price":{"input":1}},{"provider":"azure-openai","models":"o1","to":"2026-01-01","price":{"input":2}},"#
                + #"{"provider":"openai","models":"o1","price":{"input":3}}"#, head: #""fallbacks":{"azure-openai":"openai"},"#)
        #expect(found(book, try query("azure-openai", "gpt")) == "1000000")
        #expect(found(book, try query("azure-openai", "other")) == "model_unknown")
        // Its own row is over: somebody else's is not its price.
        #expect(found(book, try query("azure-openai", "o1")) == "not_valid_then")
    }

    // MARK: Sheets over one another

    @Test func asksTheLastSheetFirst() throws {
        let base = try sheet(
            #"{"provider":"p","models":"m","price":{"input":1}},{"provider":"p","models":"n","price":{"input":1}}"#)
        let own = try sheet(#"{"provider":"p","models":"m*","from":"2026-06-01","price":{"input":9}}"#)
        let both = PriceBook([base, own])
        #expect(try found(both, query("p", "m")) == "9000000" && found(both, query("p", "n")) == "1000000")
        #expect(found(both, try query("p", "m", at: "2026-05-31")) == "1000000")
        #expect(both.version != PriceBook([base]).version && both.version == PriceBook([base, own]).version)
    }

    @Test func namesEverythingInItsVersion() throws {
        let row = #"{"provider":"p","models":"m","price":{"input":1}}"#
        let versions = [
            try book(row, head: #""dated":"2026-11-29","#), try book(row),
            try book(#"{"provider":"p","models":"m","price":{"input":1.000001}}"#),
            try book(row, head: #""discounts":[{"off_per_mille":1}],"#), try book(row, head: #""prefer_reported":true,"#),
        ].map(\.version)
        #expect(Set(versions).count == versions.count)
        #expect(versions[0].hasPrefix("2026-11-29.") && versions[0].utf8.count == 23)
    }

    @Test func takesTheFirstDiscountThatFits() throws {
        let book = try book(
            #"{"provider":"p","models":"m","price":{"input":1,"output":0.000003}}"#,
            head:
                #""discounts":[{"provider":"p","models":"m*","keys":"team","off_per_mille":500},{"provider":"p","to":"2026-12-01","off_per_mille":150}],"#
        )
        var asked = try query("p", "m")
        let counts = usage(["input_total": 1_000, "output_total": 1_000_000])
        // 3 pico-dollars less 15 % are 2.55, rounded to 3; 1,000,000 less 15 % are 850,000.
        #expect(book.price(counts, asked).cost.totalNanousd == 853_000)
        asked.keyID = "team"
        // 1.5 pico-dollars are rounded half to even: 2.
        #expect(book.price(counts, asked).cost.totalNanousd == 502_000)
        #expect(book.price(counts, try query("p", "m", at: "2026-12-01")).cost.totalNanousd == 1_003_000)
        #expect(CostRule.discounted(1_000, offPerMille: 1_000) == 0)
    }

    // MARK: Facts

    @Test func pricesAFact() throws {
        let pricer = BookPricer(
            try book(#"{"provider":"openai","models":"gpt-5*","price":{"input":1.25,"cached":0.125,"output":10}}"#))
        let price = pricer.price(
            try fact("openai", "gpt-5-2025-08-07", ["input_total": 1_000, "input_cached": 400, "output_total": 100]))
        #expect(price.cost.inputNanousd == 750_000 && price.cost.inputCachedNanousd == 50_000)
        #expect(price.cost.outputNanousd == 1_000_000 && price.cost.totalNanousd == 1_800_000)
        #expect(price.version == pricer.version && price.reason == nil)
    }

    @Test func saysWhyAFactHasNoPrice() throws {
        let pricer = BookPricer(try book(#"{"provider":"p","models":"m","price":{"input":1}}"#))
        #expect(pricer.price(try fact("p", "m", [:])).reason == .usageAbsent)
        #expect(pricer.price(try fact("p", nil, ["input_total": 1])).reason == .modelAbsent)
        #expect(pricer.price(try fact("p", "other", ["input_total": 1])).reason == .modelUnknown)
        #expect(pricer.price(try fact("q", "m", ["input_total": 1])).reason == .providerUnknown)
        #expect(pricer.price(try fact("p", "m", ["output_total": 1])).reason == .classUnpriced)
        let unpriced = pricer.price(try fact("p", "other", ["input_total": 1]))
        #expect(unpriced.cost == CostBreakdown() && unpriced.version == pricer.version)
        #expect(pricer.price(try fact("p", "m", ["input_total": 0])).cost.totalNanousd == 0)
    }

    @Test func keepsTheReportedCostApartUnlessItIsPreferred() throws {
        var exchange = try fact("openrouter", "m", ["input_total": 1_000])
        exchange.reading.reportedCostNanousd = 77
        let row = #"{"provider":"openrouter","models":"m","price":{"input":1}}"#
        let apart = BookPricer(try book(row)).price(exchange)
        #expect(apart.cost.totalNanousd == 1_000_000 && apart.cost.reportedNanousd == 77)
        let preferred = BookPricer(try book(row, head: #""prefer_reported":["openrouter"],"#)).price(exchange)
        #expect(preferred.cost.totalNanousd == 77 && preferred.cost.inputNanousd == 1_000_000)
        #expect(preferred.version?.hasSuffix("+reported") == true)
        exchange.reading.modelResponded = "unknown"
        #expect(BookPricer(try book(row, head: #""prefer_reported":true,"#)).price(exchange).cost.totalNanousd == 77)
        #expect(BookPricer(try book(row)).price(exchange).cost.totalNanousd == nil)
    }

    @Test func asksForTheModelOfTheRequestAtBedrock() throws {
        let book = try book(
            #"{"provider":"bedrock","models":"claude-x","price":{"input":3.3}},{"provider":"bedrock","models":"global.anthropic.claude-x","price":{"input":3}}"#
        )
        var exchange = try fact("bedrock", "claude-x", ["input_total": 1_000_000])
        exchange.reading.modelRequested = "global.anthropic.claude-x"
        exchange.head.upstreamURL = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/invoke"
        #expect(BookPricer(book).price(exchange).cost.totalNanousd == 3_000_000_000)
        #expect(BookPricer.query(of: exchange).context[.region] == "eu-west-1")
        exchange.head.upstreamURL = "https://europe-west4-aiplatform.googleapis.com/v1/projects/p"
        #expect(BookPricer.query(of: exchange).context[.region] == "europe-west4")
    }

    @Test(arguments: [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("https://us-east1-aiplatform.googleapis.com:443/v1", "us-east1"),
        ("https://bedrock-runtime-fips.us-east-1.amazonaws.com/x", "us-east-1"),
        ("https://amazonaws.com/", nil), ("https://x.googleapis.com", nil), ("https://aiplatform.googleapis.com", nil),
        ("https://bedrock-runtime.us-east-1.amazonaws.com.example.com/", nil), ("https://a/bedrock-runtime.x.amazonaws.com", nil),
        ("bedrock-runtime.us-east-1.amazonaws.com", nil), ("", nil),
    ]) func readsTheRegionOutOfTheHost(url: String, region: String?) throws {
        var exchange = try fact("bedrock", "m", [:])
        exchange.head.upstreamURL = url
        #expect(BookPricer.query(of: exchange).context[.region] == region)
    }

    // MARK: The table that Weir brings along

    @Test func readsItsOwnTable() throws {
        let sheet = try PriceSheet.read(json: BuiltInPrices.file, file: "prices.json")
        #expect(
            sheet.rows == BuiltInPrices.sheet.rows && sheet.rows.count > 300 && BuiltInPrices.sheet.note?.contains(":") != true)
        #expect(sheet.rows.allSatisfy { $0.source.map { sheet.sources[$0]?.checked != nil } == true })
        let findings = BookCheck.findings(sheet, nowUs: try at("2026-12-01"), staleDays: 365)
        #expect(findings.allSatisfy { $0.severity == .doubt }, "\(findings.map(\.fault.description))")
    }

    @Test(arguments: [
        ("openai", "gpt-4o-2024-08-06"), ("openai", "gpt-5.4-2026-03-05"), ("openai", "text-embedding-3-small"),
        ("anthropic", "claude-sonnet-4-6"), ("anthropic", "claude-haiku-4-5-20251001"), ("gemini", "gemini-2.5-flash"),
        ("vertex-ai", "claude-3-7-sonnet-20250219"), ("groq", "llama-3.3-70b-versatile"),
        ("azure-openai", "gpt-5-mini-2025-08-07"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"), ("mistral", "mistral-large-latest"), ("xai", "grok-4.3"),
        ("deepseek", "deepseek-v4-flash"), ("cohere", "command-a-03-2025"), ("cerebras", "gpt-oss-120b"),
        ("openrouter", "openai/gpt-4o-mini"), ("perplexity", "sonar"), ("voyage", "voyage-4"), ("moonshot", "kimi-k2.6"),
        ("ollama", "anything:4b"),
    ])
    func pricesTheModelsOfTheDay(provider: String, model: String) throws {
        let price = PriceBook([BuiltInPrices.sheet]).price(
            usage(["input_total": 1_000, "output_total": 0]), try query(provider, model))
        #expect(price.cost.totalNanousd != nil, "\(price)")
    }
}
