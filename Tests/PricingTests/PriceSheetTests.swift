// SPDX-License-Identifier: Apache-2.0
import Pricing
import TestSupport
import Testing

@Suite struct PriceSheetTests {
    // MARK: Numbers

    @Test(arguments: [
        ("2.5", 6, 2_500_000), ("0", 6, 0), ("0.0", 6, 0), ("1e-6", 6, 1), ("2.5e-06", 12, 2_500_000), ("1E3", 0, 1_000),
        ("0.000001", 6, 1), ("0.0000010", 6, 1), ("10", 9, 10_000_000_000), ("-0", 6, 0),
    ])
    func readsDecimalsExactly(text: String, digits: Int, pico: Int64) throws {
        let read = try PicoDollars.parse(text, digits: digits)
        #expect(read.pico == pico && !read.wasRounded)
    }

    @Test(arguments: [
        ("", PicoDollars.Fault.notANumber), ("x", .notANumber), ("1,5", .notANumber), ("1.2.3", .notANumber), (".5", .notANumber),
        ("1e", .notANumber), ("+1", .notANumber), ("0x10", .notANumber), ("NaN", .notANumber), ("1e9999", .notANumber),
        ("-0.1", .negative), ("1e300", .tooLarge), ("1000000001", .tooLarge), ("0.0000001", .tooFine),
    ])
    func refusesOtherTexts(text: String, fault: PicoDollars.Fault) {
        #expect(throws: fault) { try PicoDollars.parse(text, digits: 6) }
    }

    @Test(arguments: [
        ("0.08333333333333334", 83_333), ("0.0000005", 0), ("0.0000015", 2), ("0.0000025", 2), ("0.00000250001", 3), ("1e-30", 0),
        ("0.18000000000000002", 180_000), ("0.13999999999999999", 140_000),
    ])
    func roundsHalfToEvenWhereItMay(text: String, pico: Int64) throws {
        #expect(try PicoDollars.parse(text, digits: 6, isRounded: true).pico == pico)
    }

    @Test func writesWhatItReads() throws {
        var random = SplitMix64(seed: 9)
        for _ in 0..<2_000 {
            let pico = Int64(random.next() % 1_000_000_000_000_000) >> Int64(random.next() % 40)
            let digits = [0, 6, 9, 12][Int(random.next() % 4)]
            #expect(try PicoDollars.parse(PicoDollars.text(pico, digits: digits), digits: digits).pico == pico)
        }
    }

    @Test func knowsTheCalendar() throws {
        #expect(CalendarDay.us("1970-01-01") == 0 && CalendarDay.us("2000-02-29") == 951_782_400_000_000)
        #expect(CalendarDay.us("2026-11-29T16:30:05Z") == 1_795_969_805_000_000)
        for bad in ["2026-02-29", "2026-13-01", "2026-1-01", "2026-11-29T24:00:00Z", "2026-11-29 16:30:05", "yesterday", ""] {
            #expect(CalendarDay.us(bad) == nil, "\(bad)")
        }
        for day in stride(from: Int64(-200_000), to: 200_000, by: 37) {
            let us = day * 86_400_000_000
            let text = CalendarDay.text(us: us)
            if day >= -719_162 { #expect(CalendarDay.us(text) == us, "\(text)") }
        }
        #expect(CalendarDay.text(us: 1_795_969_805_000_000) == "2026-11-29T16:30:05Z")
    }

    // MARK: Patterns

    @Test(arguments: [
        ("gpt-5", "gpt-5", true), ("gpt-5", "gpt-5-mini", false), ("gpt-5*", "gpt-5", true), ("*-tts", "gemini-tts", true),
        ("*-tts", "gemini-tts-1", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxa", false), ("v#.#", "v1.2", true),
        ("v#.#", "v1.x", false), ("########", "20251211", true), ("########", "2025121", false), ("*", "", true),
        ("a*", "", false),
        ("*ab", "aab", true), ("*aab*c", "aaabxc", true),
    ])
    func matchesPatterns(pattern: String, name: String, isMatch: Bool) throws {
        #expect(try #require(ModelPattern(pattern)).matches(Array(name.utf8)) == isMatch)
    }

    @Test func refusesWhatIsNoPattern() {
        for bad in ["", "a b", "a|b", "a\nb", String(repeating: "x", count: 513)] { #expect(ModelPattern(bad) == nil) }
    }

    @Test(.timeLimit(.minutes(1))) func matchesHostilePatternsInBoundedTime() throws {
        let pattern = try #require(ModelPattern(String(repeating: "*a", count: 200) + "b"))
        let name = Array(String(repeating: "a", count: 512).utf8)
        for _ in 0..<50 { #expect(!pattern.matches(name)) }
    }

    // MARK: Files

    private static let full = """
        {"format": "weir-prices/1", "dated": "2026-11-29", "note": "words",
         "sources": {"s": {"url": "https://example.com/prices", "via": "a table", "checked": "2026-11-28"}},
         "fallbacks": {"azure-openai": ["openai", "anthropic"]},
         "prefer_reported": ["openrouter"],
         "discounts": [{"provider": "openai", "models": "gpt-*", "keys": ["a", "b"], "from": "2026-01-01", "to": "2027-01-01",
                        "off_per_mille": 125, "note": "contract"}],
         "prices": [
          {"provider": ["openai", "x"], "models": ["gpt-5", "gpt-5-*|y"], "except": "gpt-5-tts", "from": "2026-01-01",
           "to": "2026-11-01T12:30:00Z", "hours": "22:00-06:30", "when": {"service_tier": ["flex"], "region": "eu"},
           "price": {"input": 2.5, "cached": 0.25, "output": 10, "web_search": 10, "image": 0.04, "second": 0.111},
           "tiers": [{"op": ">", "tokens": 272000, "price": {"input": 5, "output": 15}},
                     {"op": ">=", "tokens": 1000, "whole_request": false, "price": {"cached": 0.2}}],
           "source": "s", "checked": "2026-11-28", "note": "n"}]}
        """

    @Test func writesTheSheetItRead() throws {
        let sheet = try PriceSheet.read(json: Array(Self.full.utf8), file: "f.json")
        let again = try PriceSheet.read(json: sheet.encoded(), file: "f.json")
        #expect(again.encoded() == sheet.encoded())
        let row = try #require(sheet.rows.first)
        #expect(row.line == 8 && row.models.map(\.text) == ["gpt-5", "gpt-5-*", "y"] && row.hours?.text == "22:00-06:30")
        #expect(row.rates[.image]?.pico == 40_000_000_000 && row.rates[.second]?.pico == 111_000_000_000)
        #expect(row.rates[.webSearch]?.pico == 10_000_000_000 && row.when[.serviceTier] == ["flex"])
        #expect(sheet.discounts.first?.offPerMille == 125 && sheet.preferReported == ["openrouter"])
        #expect(again.rows.first?.rates == row.rates && again.rows.first?.toUs == row.toUs)
    }

    @Test(arguments: [
        (#"{"provider":"p","models":"m","price":{"input":-1}}"#, 1, "input is below zero"),
        (#"{"provider":"p","models":"m","price":{"imput":1}}"#, 1, "there is no class imput"),
        (#"{"provider":"p","models":"m","price":{"input":"dear"}}"#, 1, "must be a number of dollars a million"),
        (#"{"provider":"p","models":"m","price":{"input":0.0000001}}"#, 1, "finer than a pico-dollar"),
        (#"{"provider":"p","models":"m","price":{}}"#, 1, "`price` has no class"),
        (#"{"provider":"p","models":"m b","price":{"input":1}}"#, 1, "a model is a name without blanks"),
        (#"{"provider":"p","price":{"input":1}}"#, 1, "`models` is missing"),
        (#"{"provider":"p","models":"m","price":{"input":1},"valid":"2026-01-01"}"#, 1, "unknown key valid"),
        (#"{"provider":"p","models":"m","price":{"input":1},"from":"2026-02-30"}"#, 1, "must be a day"),
        (#"{"provider":"p","models":"m","price":{"input":1},"from":"2026-02-01","to":"2026-02-01"}"#, 1, "`to` must be after"),
        (#"{"provider":"p","models":"m","price":{"input":1},"hours":"8-9"}"#, 1, "`hours` must be"),
        (#"{"provider":"p","models":"m","price":{"input":1},"when":{"tier":"flex"}}"#, 1, "there is no condition tier"),
        (
            #"{"provider":"p","models":"m","price":{"input":1},"tiers":[{"op":"<","tokens":1,"price":{"input":2}}]}"#, 1,
            "`op` must be"
        ),
        (
            #"{"provider":"p","models":"m","price":{"input":1},"tiers":[{"op":">","tokens":1,"price":{"output":2}}]}"#, 1,
            "none in `price`"
        ),
        (#"{"provider":"p","models":"m","price":{"input":1},"source":"nowhere"}"#, 1, "neither in `sources` nor a URL"),
        ("[]", 1, "a row is a mapping"),
        (#"{"provider":"p","models":"m","price":{"input":1}},"#, nil, "not valid JSON"),
    ])
    func namesFileLineRowAndFault(row: String, number: Int?, message: String) throws {
        let error = #expect(throws: PricingError.self) { try sheet("\n" + row, name: "dir/f.json") }
        let fault = try #require(error?.faults.first)
        #expect(fault.file == "dir/f.json" && fault.line == 2 && fault.row == number, "\(fault)")
        #expect(fault.description.contains(message), "\(fault)")
    }

    @Test func namesEveryFaultAtOnceUpToALimit() throws {
        let bad = #"{"provider":"p","models":"m","price":{"input":-1,"x":2,"output":1}}"#
        let error = #expect(throws: PricingError.self) { try sheet([bad, bad].joined(separator: ",\n")) }
        #expect(error?.faults.map(\.row) == [1, 1, 2, 2] && error?.faults.map(\.line) == [1, 1, 2, 2])
        let many = #expect(throws: PricingError.self) { try sheet(Array(repeating: bad, count: 100).joined(separator: ",\n")) }
        #expect(many?.faults.count == PricingLimits.faults)
    }

    @Test(arguments: ["[]", "{}", #"{"format":"weir-prices/2","prices":[]}"#, "7", "null"])
    func refusesOtherDocuments(text: String) {
        #expect(throws: PricingError.self) { try PriceSheet.read(json: Array(text.utf8), file: "f") }
    }

    @Test func readsAnyBytesWithoutATrap() throws {
        var random = SplitMix64(seed: 3)
        let seed = Array(Self.full.utf8)
        for _ in 0..<1_500 {
            var bytes = seed
            for _ in 0...(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 40)))
                default: bytes.insert(contentsOf: seed[(seed.count / 2)..<(seed.count / 2 + 9)], at: place)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            guard let read = try? PriceSheet.read(json: bytes, file: "f") else { continue }
            #expect(try PriceSheet.read(json: read.encoded(), file: "f").encoded() == read.encoded())
        }
    }

    // MARK: Checks

    @Test func findsRowsThatHideOneAnother() throws {
        let sheet = try sheet(
            #"{"provider":"p","models":"a|m","price":{"input":1},"source":"https://x"},"#
                + #"{"provider":"p","models":"m","from":"2026-01-01","price":{"input":2},"source":"https://x"}"#)
        let findings = BookCheck.findings(sheet, nowUs: try at("2026-11-29"), staleDays: 30)
        #expect(findings.count == 1 && findings[0].severity == .problem && findings[0].fault.row == 2)
        #expect(findings[0].fault.message.contains("row 1"))
    }

    @Test func findsGapsOldRowsMissingSourcesAndStrangePrices() throws {
        let sheet = try sheet(
            #"{"provider":"p","models":"m","to":"2026-01-01","price":{"input":1,"cached":2},"source":"https://x"},"#
                + #"{"provider":"p","models":"m","from":"2026-02-01","price":{"input":5000},"checked":"2025-01-01"}"#)
        let said = BookCheck.findings(sheet, nowUs: try at("2026-11-29"), staleDays: 30).map(\.fault.description).joined(
            separator: "\n")
        for part in [
            "no price from 2026-01-01 to 2026-02-01", "cached input is dearer", "no `source`", "more than 30 days", "$2,000",
        ] {
            #expect(said.contains(part), "\(said)")
        }
    }
}
