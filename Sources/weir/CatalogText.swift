// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import Datasets
import FactStore
import Platform

/// Data sets and their differences for people and for programs.
enum CatalogText {
    static func table(_ entries: [CatalogEntry]) -> String {
        AnswerTable(
            QueryResult(
                columns: ["name", "train_rows", "eval_rows", "seen", "recipe", "manifest", "directory"],
                rows: entries.map {
                    [
                        .text($0.name), .integer($0.trainRows), .integer($0.evalRows), .integer($0.seen),
                        .text(String($0.recipeSHA256.prefix(12))), .text(String($0.manifestSHA256.prefix(12))),
                        .text(PathText.name(of: $0.directory)),
                    ]
                })
        ).terminalText()
    }

    /// The verdict on a data set's files.
    static func json(_ entry: CatalogEntry, _ faults: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, text) in [
            ("name", entry.name), ("directory", entry.directory), ("manifest_sha256", entry.manifestSHA256),
        ] {
            json.key(key)
            json.value(text)
        }
        for (key, count) in [
            ("files", Int64(entry.files.count)), ("train_rows", entry.trainRows), ("eval_rows", entry.evalRows),
        ] {
            json.key(key)
            json.value(count)
        }
        json.key("faults")
        json.beginArray()
        for fault in faults { json.value(fault) }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }

    static func page(_ entry: CatalogEntry) -> String {
        var out = "\(entry.name), in \(entry.directory)\n"
        out += "  \(entry.trainRows) training rows, \(entry.evalRows) eval rows, from \(entry.seen) exchanges\n"
        out += "  built by \(entry.tool); manifest \(entry.manifestSHA256)\n"
        for drop in entry.dropped { out += "  not a row: \(HumanUnits.grouped(drop.count)) \(drop.reason)\n" }
        for file in entry.files {
            out += "  \(file.name): \(HumanUnits.grouped(file.rows)) lines, \(HumanUnits.bytes(file.bytes))\n"
        }
        return out
    }

    static func json(_ entry: CatalogEntry) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, text) in [
            ("name", entry.name), ("directory", entry.directory), ("tool", entry.tool), ("recipe_sha256", entry.recipeSHA256),
            ("manifest_sha256", entry.manifestSHA256),
        ] {
            json.key(key)
            json.value(text)
        }
        for (key, count) in [("train_rows", entry.trainRows), ("eval_rows", entry.evalRows), ("seen", entry.seen)] {
            json.key(key)
            json.value(count)
        }
        json.key("dropped")
        json.beginObject()
        for drop in entry.dropped {
            json.key(drop.reason)
            json.value(drop.count)
        }
        json.endObject()
        json.endObject()
        json.newline()
        return json.bytes
    }

    static func page(_ difference: DatasetDifference, _ a: CatalogEntry, _ b: CatalogEntry) -> String {
        let rows = DatasetSide.allCases.compactMap { side in
            difference.counts[side].map {
                [SQLValue.text(side.rawValue), .integer($0.both), .integer($0.onlyFirst), .integer($0.onlySecond)]
            }
        }
        let table = AnswerTable(QueryResult(columns: ["side", "in_both", "only_in_first", "only_in_second"], rows: rows))
        var out = "first: \(a.name) (\(a.directory)), second: \(b.name) (\(b.directory))\n" + table.terminalText()
        for record in difference.moved { out += "changed sides: \(record)\n" }
        return out
    }

    static func json(_ difference: DatasetDifference) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for side in DatasetSide.allCases {
            let counts = difference.counts[side] ?? DatasetDifference.Counts()
            json.key(side.rawValue)
            json.beginObject()
            for (key, count) in [("both", counts.both), ("only_first", counts.onlyFirst), ("only_second", counts.onlySecond)] {
                json.key(key)
                json.value(count)
            }
            json.endObject()
        }
        json.key("moved")
        json.value(difference.movedCount)
        json.key("moved_exchanges")
        json.beginArray()
        for record in difference.moved { json.value(record) }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }
}
