// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
import Crypto

/// One table of prices: what a price file says (`notebooks-docs/prices.md`).
package struct PriceSheet: Equatable, Sendable {
    /// What such a file says it is.
    package static let format = "weir-prices/1"

    /// The file or table, for messages.
    package var name: String
    /// The day the table is of.
    package var dated: String?
    /// Words for a person.
    package var note: String?
    /// Where rows were read, by the key that rows name.
    package var sources: [String: PriceSource] = [:]
    /// Whose rows are looked at where a provider has none for a model, by provider.
    package var fallbacks: [String: [String]] = [:]
    /// Providers whose own figure is the cost where they report one; `*` is all; nil: the sheet does not say.
    package var preferReported: [String]?
    /// In order; the first that fits is taken off.
    package var discounts: [PriceDiscount] = []
    /// In order.
    package var rows: [PriceRow] = []

    /// A sheet that says nothing.
    package init(name: String) {
        self.name = name
    }

    /// Reads a price file.
    ///
    /// - Parameters:
    ///   - root: its values.
    ///   - file: as faults name it.
    /// - Returns: the sheet.
    /// - Throws: `PricingError` with every fault, up to a limit.
    package static func read(_ root: PriceNode, file: String) throws(PricingError) -> PriceSheet {
        var reader = SheetReader(file: file)
        let sheet = reader.sheet(root)
        guard reader.faults.isEmpty else { throw PricingError(reader.faults) }
        return sheet
    }

    /// Reads a price file of JSON.
    ///
    /// - Parameters:
    ///   - json: its bytes.
    ///   - file: as faults name it.
    /// - Returns: the sheet.
    /// - Throws: `PricingError` with every fault, up to a limit.
    package static func read(json: [UInt8], file: String) throws(PricingError) -> PriceSheet {
        guard json.count <= PricingLimits.fileBytes else {
            throw PricingError([PriceFault(file: file, line: 0, message: "larger than \(PricingLimits.fileBytes >> 20) MiB")])
        }
        return try read(PriceNode.json(json, file: file), file: file)
    }

    /// The sheet as a price file, one row a line: equal sheets give equal bytes.
    package func encoded() -> [UInt8] {
        var json = JSONWriter(capacity: 256 + rows.count * 200)
        json.beginObject()
        json.key("format")
        json.value(PriceSheet.format)
        json.optional("dated", dated)
        json.optional("note", note)
        writeHead(&json)
        json.key("prices")
        var out = json.bytes + Array("[".utf8)
        for (index, row) in rows.enumerated() {
            var line = JSONWriter()
            row.write(to: &line)
            out += Array((index > 0 ? ",\n" : "\n").utf8) + line.bytes
        }
        return out + Array("\n]}\n".utf8)
    }

    /// The SHA-256 of a file in hex, by which a fetched table is known.
    package static func sha256(_ bytes: [UInt8]) -> String { Hex.encode(SHA256.hash(data: bytes)) }

    private func writeHead(_ json: inout JSONWriter) {
        if !sources.isEmpty {
            json.key("sources")
            json.beginObject()
            for (key, source) in sources.sorted(by: { $0.key < $1.key }) {
                json.key(key)
                json.beginObject()
                json.optional("url", source.url)
                json.optional("via", source.via)
                json.optional("checked", source.checked)
                json.endObject()
            }
            json.endObject()
        }
        if !fallbacks.isEmpty {
            json.key("fallbacks")
            json.beginObject()
            for (provider, others) in fallbacks.sorted(by: { $0.key < $1.key }) { json.list(provider, others) }
            json.endObject()
        }
        if let preferReported { json.list("prefer_reported", preferReported) }
        guard !discounts.isEmpty else { return }
        json.key("discounts")
        json.beginArray()
        for discount in discounts { discount.write(to: &json) }
        json.endArray()
    }
}

extension PriceRow {
    /// Writes the row as one JSON object.
    package func write(to json: inout JSONWriter) {
        json.beginObject()
        json.list("provider", providers)
        json.optional("models", models.map(\.text).joined(separator: "|"))
        if !except.isEmpty { json.optional("except", except.map(\.text).joined(separator: "|")) }
        json.optional("from", fromUs.map(CalendarDay.text(us:)))
        json.optional("to", toUs.map(CalendarDay.text(us:)))
        json.optional("hours", hours?.text)
        if !when.isEmpty {
            json.key("when")
            json.beginObject()
            for condition in PriceCondition.allCases {
                if let values = when[condition] { json.list(condition.rawValue, values) }
            }
            json.endObject()
        }
        writePrices(to: &json)
        json.optional("source", source)
        json.optional("checked", checked)
        json.optional("note", note)
        json.endObject()
    }

    private func writePrices(to json: inout JSONWriter) {
        json.key("price")
        json.beginObject()
        for kind in PriceClass.allCases {
            if let rate = rates[kind] { json.price(kind, rate.pico) }
        }
        json.endObject()
        let steps = Set(rates.values.flatMap(\.tiers).map { TierHead($0) }).sorted()
        guard !steps.isEmpty else { return }
        json.key("tiers")
        json.beginArray()
        for step in steps {
            json.beginObject()
            json.key("op")
            json.value(step.comparison.rawValue)
            json.key("tokens")
            json.value(step.threshold)
            if !step.isWholeRequest {
                json.key("whole_request")
                json.value(false)
            }
            json.key("price")
            json.beginObject()
            for kind in PriceClass.allCases {
                guard let tier = rates[kind]?.tiers.first(where: { TierHead($0) == step }) else { continue }
                json.price(kind, tier.pico)
            }
            json.endObject()
            json.endObject()
        }
        json.endArray()
    }
}

extension PriceDiscount {
    fileprivate func write(to json: inout JSONWriter) {
        json.beginObject()
        if !providers.isEmpty { json.list("provider", providers) }
        if !models.isEmpty { json.optional("models", models.map(\.text).joined(separator: "|")) }
        if !keys.isEmpty { json.list("keys", keys) }
        json.optional("from", fromUs.map(CalendarDay.text(us:)))
        json.optional("to", toUs.map(CalendarDay.text(us:)))
        json.key("off_per_mille")
        json.value(offPerMille)
        json.optional("note", note)
        json.endObject()
    }
}

extension DayWindow {
    /// `16:30-00:30`.
    package var text: String {
        func clock(_ minute: Int) -> String {
            let (hour, rest) = minute.quotientAndRemainder(dividingBy: 60)
            return (hour < 10 ? "0" : "") + "\(hour):" + (rest < 10 ? "0" : "") + "\(rest)"
        }
        return clock(fromMinute) + "-" + clock(toMinute)
    }
}

/// What the prices of one step have in common.
private struct TierHead: Hashable, Comparable {
    let threshold: Int64
    let comparison: PriceTier.Operator
    let isWholeRequest: Bool

    init(_ tier: PriceTier) {
        threshold = tier.threshold
        comparison = tier.comparison
        isWholeRequest = tier.isWholeRequest
    }

    static func < (a: TierHead, b: TierHead) -> Bool {
        (a.threshold, a.comparison.rawValue, a.isWholeRequest ? 1 : 0) < (
            b.threshold, b.comparison.rawValue, b.isWholeRequest ? 1 : 0
        )
    }
}

extension JSONWriter {
    /// A member with a text, left out where there is none.
    fileprivate mutating func optional(_ name: String, _ text: String?) {
        guard let text else { return }
        key(name)
        value(text)
    }

    /// A member with one text, or a list of several.
    fileprivate mutating func list(_ name: String, _ texts: [String]) {
        key(name)
        if let only = texts.first, texts.count == 1 { return value(only) }
        beginArray()
        for text in texts { value(text) }
        endArray()
    }

    /// A member with a price as it is published.
    fileprivate mutating func price(_ kind: PriceClass, _ pico: Int64) {
        key(kind.name)
        raw(PicoDollars.text(pico, digits: kind.unit.digits).utf8)
    }
}
