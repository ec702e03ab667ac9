// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Pricing
import Testing

/// A sheet of rows written as in a price file.
func sheet(_ rows: String, head: String = "", name: String = "test.json") throws -> PriceSheet {
    try PriceSheet.read(json: Array(#"{"format":"weir-prices/1",\#(head)"prices":[\#(rows)]}"#.utf8), file: name)
}

/// A book of one sheet.
func book(_ rows: String, head: String = "") throws -> PriceBook { PriceBook([try sheet(rows, head: head)]) }

/// Usage by the names of `record.md`.
func usage(_ counts: [String: Int64], calls: [PriceClass: Int64] = [:]) -> PricedUsage {
    var usage = PricedUsage()
    for field in TokenUsage.fields { usage.tokens[keyPath: field.path] = counts[field.key] }
    usage.inputVideo = counts["input_video"]
    usage.cachedAudio = counts["cached_audio"]
    usage.cachedImage = counts["cached_image"]
    usage.outputVideo = counts["output_video"]
    usage.citation = counts["citation"]
    usage.calls = calls
    return usage
}

/// Microseconds of a day or instant.
func at(_ text: String) throws -> Int64 { try #require(CalendarDay.us(text)) }

/// A query for one model.
func query(_ provider: String, _ model: String, at text: String = "2026-11-29", tier: String? = nil) throws -> PriceQuery {
    var query = PriceQuery(provider: provider, models: [model], atUs: try at(text))
    query.setServiceTier(tier)
    return query
}

/// The price that a look-up finds for a class, in pico-dollars, or the reason why there is none.
func found(_ book: PriceBook, _ query: PriceQuery, _ kind: PriceClass = .input) -> String {
    switch book.look(up: query) {
    case .found(let hit): hit.row.rate(of: kind).map { "\($0.pico)" } ?? "no \(kind.name)"
    case .none(let reason): reason.rawValue
    }
}

/// An exchange's fact.
func fact(_ provider: String, _ model: String?, _ counts: [String: Int64], at text: String = "2026-11-29") throws -> ExchangeFact
{
    let id = ExchangeID(milliseconds: 1, random: (1, 1))
    var fact = ExchangeFact(
        head: ExchangeHead(id: id, node: "n", startedAtUs: try at(text), method: "POST", path: "/"),
        location: PayloadLocation(segment: "s", frame: 0, offset: 0))
    fact.head.provider = provider
    fact.reading.modelResponded = model
    fact.reading.usage = usage(counts).tokens
    fact.reading.usageSource = counts.isEmpty ? .absent : .reported
    return fact
}
