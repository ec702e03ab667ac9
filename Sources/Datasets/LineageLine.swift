// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// A line of `lineage.jsonl`: where a row stands, and where it comes from.
struct LineageLine {
    let row: PlannedRow
    /// Its line in the file that every data set has, from 1.
    let number: Int64
    /// Where it stands in the files of other formats, or why it does not.
    let places: [ExportPlace]
    /// The exchanges whose answers the row holds.
    let records: RowRecords
    /// The members that only the exchange knows, as one JSON object.
    let from: ArraySlice<UInt8>

    /// The line without its newline.
    var encoded: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("file", ExportChoice.chat.fileName(row.side.rawValue))
        json.key("row")
        json.value(number)
        if !places.isEmpty {
            json.key("formats")
            json.beginArray()
            for place in places { place.write(to: &json) }
            json.endArray()
        }
        if !row.reason.isEmpty { json.member("reason", row.reason) }
        json.member("stratum", row.offer.stratum)
        json.member("record", row.id.description)
        json.member("group", row.group.description)
        json.key("records")
        json.beginArray()
        for id in records.ids.sorted() { json.value(id.description) }
        json.endArray()
        json.key("repetitions")
        json.value(records.repetitions)
        json.key("from")
        json.raw(from)
        json.endObject()
        return json.bytes
    }

    /// What `from` is made of.
    static func from(_ head: ExchangeHead, model: String?) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let texts: [(String, String?)] = [
            ("task", head.attribution.task), ("environment", head.attribution.environment), ("provider", head.provider),
            ("api", head.api?.rawValue), ("model", model),
        ]
        for (key, text) in texts {
            json.key(key)
            json.value(text)
        }
        json.endObject()
        return json.bytes
    }
}

extension GateExclusion {
    /// A line of `excluded.jsonl`: a row that the gate kept out, with the eval row that it is too near to.
    var encoded: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, text) in [("record", id.description), ("rule", rule), ("eval_record", evalRow)] { json.member(key, text) }
        for (key, count) in [("shared", shared), ("train_size", trainSize), ("eval_size", evalSize)] {
            json.key(key)
            json.value(Int64(count))
        }
        json.endObject()
        return json.bytes
    }
}
