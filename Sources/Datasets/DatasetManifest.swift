// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Crypto

/// `manifest.json`: what was built from what; one JSON object in the canonical form of RFC 8785, no time of day, no path.
struct DatasetManifest {
    static let format = "weir-dataset"
    static let formatVersion: Int64 = 2

    let recipe: DatasetRecipe
    let tool: String
    let plan: DatasetPlan
    let files: [FileSeal]
    let report: DatasetReport
    /// The ledger's head behind this build.
    let head: LedgerHead

    /// The file's bytes.
    ///
    /// - Throws: `DatasetError` `.badRecipe` where the recipe holds a number that no double has.
    func encoded() throws(DatasetError) -> [UInt8] {
        guard let bytes = CanonicalJSON.form(of: written()) else {
            throw DatasetError(.badRecipe, "The recipe has no canonical JSON: take out what no JSON can hold.")
        }
        return bytes
    }

    private func written() -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        writeFiles(to: &json)
        write([("format", DatasetManifest.format)], to: &json)
        json.key("format_version")
        json.value(DatasetManifest.formatVersion)
        writeFormats(to: &json)
        writeFunnel(to: &json)
        let groups = [
            ("eval", report.evalGroups), ("largest_rows", report.largestGroup), ("total", report.groups),
            ("train", report.trainGroups),
        ]
        writeCounts(named: "groups", groups, to: &json)
        writeInputs(to: &json)
        json.key("ledger")
        json.beginObject()
        write([("head", head.description), ("name", recipe.ledger)], to: &json)
        json.endObject()
        write([("name", recipe.name)], to: &json)
        writeNeighbours(to: &json)
        writeQuality(to: &json)
        json.key("recipe")
        recipe.write(to: &json)
        write([("recipe_sha256", recipe.sha256)], to: &json)
        json.key("redaction")
        report.redactions.write(to: &json, keyID: report.redactionKey)
        write([("tool", tool)], to: &json)
        json.key("warnings")
        json.beginArray()
        for warning in report.warnings { json.value(warning) }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    private func write(_ texts: [(String, String)], to json: inout JSONWriter) {
        for (key, text) in texts {
            json.key(key)
            json.value(text)
        }
    }

    private func writeCounts(named name: String, _ counts: [(String, Int64)], to json: inout JSONWriter) {
        json.key(name)
        json.beginObject()
        for (key, count) in counts {
            json.key(key)
            json.value(count)
        }
        json.endObject()
    }

    private func writeFiles(to json: inout JSONWriter) {
        json.key("files")
        json.beginArray()
        for file in files {
            json.beginObject()
            json.key("bytes")
            json.value(file.bytes)
            write([("name", file.name)], to: &json)
            json.key("rows")
            json.value(file.rows)
            write([("sha256", file.sha256)], to: &json)
            json.endObject()
        }
        json.endArray()
    }

    /// Each file of rows: `rows` and the sum of `refused` are the rows of its side, or the pairs.
    private func writeFormats(to json: inout JSONWriter) {
        json.key("formats")
        json.beginArray()
        for figure in report.files {
            json.beginObject()
            writeCounts(named: "changes", figure.changes.map { ($0.label, $0.count) }, to: &json)
            write([("file", figure.file), ("format", figure.choice.format.rawValue)], to: &json)
            json.key("pairs")
            json.value(figure.choice.isOfPairs)
            write([("profile", figure.choice.profile.rawValue)], to: &json)
            writeCounts(named: "refused", figure.refused.map { ($0.label, $0.count) }, to: &json)
            json.key("rows")
            json.value(figure.rows)
            write([("side", figure.side.rawValue)], to: &json)
            json.endObject()
        }
        json.endArray()
    }

    /// `seen` + `carried_rows` = `eval_rows` + `train_rows` + the sum of `dropped`.
    private func writeFunnel(to json: inout JSONWriter) {
        json.key("funnel")
        json.beginObject()
        json.key("carried_rows")
        json.value(report.carriedRows)
        json.key("conversations")
        json.value(report.conversations)
        writeCounts(named: "dropped", report.drops.map { ($0.reason.rawValue, $0.count) }, to: &json)
        for (key, count) in [
            ("eval_rows", report.evalRows), ("kept", report.kept), ("seen", report.seen), ("train_rows", report.trainRows),
        ] {
            json.key(key)
            json.value(count)
        }
        json.endObject()
    }

    /// Rows that are flagged, what each filter alone would drop, and keywords of schemas that were not looked at.
    private func writeQuality(to json: inout JSONWriter) {
        json.key("quality")
        json.beginObject()
        func sorted(_ counts: [DropReason: Int64]) -> [(String, Int64)] {
            counts.map { ($0.key.rawValue, $0.value) }.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        }
        let flags = Dictionary(report.flags.map { ($0.reason, $0.rows) }, uniquingKeysWith: +)
        writeCounts(named: "flagged_rows", sorted(flags), to: &json)
        let keywords = plan.quality.ignoredKeywords.map { ($0.key, $0.value) }
        writeCounts(
            named: "ignored_keywords", keywords.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }, to: &json)
        writeCounts(named: "violated", sorted(plan.quality.violated), to: &json)
        json.endObject()
    }

    /// Eval rows by how near the nearest training row is; see `NeighbourFigure`.
    private func writeNeighbours(to json: inout JSONWriter) {
        json.key("neighbours")
        json.beginArray()
        for bar in plan.figures.neighbours {
            json.beginObject()
            for (key, count) in [("jaccard", bar.other), ("share", bar.count)] {
                json.key(key)
                json.value(count)
            }
            write([("shared", bar.label)], to: &json)
            json.endObject()
        }
        json.endArray()
    }

    private func writeInputs(to json: inout JSONWriter) {
        json.key("inputs")
        json.beginObject()
        json.key("feedback")
        json.value(plan.feedbackPieces)
        write([("feedback_sha256", plan.feedbackInputs)], to: &json)
        json.key("history_records")
        json.value(plan.historyRecords)
        json.key("records")
        json.value(report.seen)
        write([("records_sha256", plan.inputs)], to: &json)
        json.endObject()
    }
}
