// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Crypto

/// `manifest.json`: what was built from what; one JSON object, keys sorted, no time of day, no path.
struct DatasetManifest {
    static let format = "weir-dataset"
    static let formatVersion: Int64 = 1
    static let profile = "openai-chat-strict"

    let recipe: DatasetRecipe
    let tool: String
    let plan: DatasetPlan
    let files: [FileSeal]
    let report: DatasetReport
    /// The ledger's head behind this build.
    let head: LedgerHead

    /// The file's bytes.
    func encoded() -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        writeCounts(named: "changes", report.changes.map { ($0.name, $0.rows) }, to: &json)
        writeFiles(to: &json)
        write([("format", DatasetManifest.format)], to: &json)
        json.key("format_version")
        json.value(DatasetManifest.formatVersion)
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
        write([("name", recipe.name), ("profile", DatasetManifest.profile)], to: &json)
        json.key("recipe")
        recipe.write(to: &json)
        write([("recipe_sha256", recipe.sha256), ("tool", tool)], to: &json)
        json.key("warnings")
        json.beginArray()
        for warning in plan.warnings { json.value(warning) }
        json.endArray()
        json.endObject()
        json.newline()
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

    /// `seen` = `eval_rows` + `train_rows` + the sum of `dropped`.
    private func writeFunnel(to json: inout JSONWriter) {
        json.key("funnel")
        json.beginObject()
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

    private func writeInputs(to json: inout JSONWriter) {
        json.key("inputs")
        json.beginObject()
        json.key("records")
        json.value(report.seen)
        write([("records_sha256", plan.inputs)], to: &json)
        json.endObject()
    }
}
