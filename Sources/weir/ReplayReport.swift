// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import ExchangeModel

/// What a replay found, as text and as JSON.
struct ReplayReport {
    let tally: ReplayTally
    let plan: ReplayPlan
    let elapsedUs: Int64
    let pace: ReplayPace
    let concurrency: Int
    let rounds: Int
    let wasStopped: Bool

    /// Exchanges left out of one round, by reason.
    private var skipped: [(name: String, count: Int)] {
        ReplaySkip.allCases.compactMap { reason in plan.skipped[reason].map { (reason.rawValue, $0) } }
    }

    private var measures: [(name: String, measure: ReplayMeasure)] {
        [("duration", tally.duration), ("first byte", tally.firstByte), ("ttft", tally.ttft)]
    }

    private static let percentiles = [(500, "p50"), (900, "p90"), (990, "p99"), (1_000, "max")]

    // MARK: Text

    var lines: [String] {
        let left = skipped.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        var lines = [
            "sent \(tally.sent) of \(plan.entries.count * rounds) in \(HumanUnits.duration(us: elapsedUs)), "
                + "\(concurrency) at a time, pace \(pace.words)" + (rounds > 1 ? ", \(rounds) rounds" : "")
                + (wasStopped ? "; stopped early" : ""),
            "answered \(tally.answered): " + ReplayReport.counts(tally.statuses.map { ("\($0.key)", $0.value) }),
        ]
        if !tally.errors.isEmpty { lines.append("no answer: " + ReplayReport.counts(tally.errors.map { ($0.key, $0.value) })) }
        if !left.isEmpty { lines.append("left out: \(left)") }
        if plan.decoded > 0 { lines.append("\(plan.decoded) bodies went without the content coding they were recorded with") }
        if tally.late > 0 {
            lines.append(
                "\(tally.late) were late, up to \(HumanUnits.duration(us: tally.latestUs)): no sender was free, or this machine is too slow"
            )
        }
        if tally.unsent > 0 { lines.append("\(tally.unsent) could not be read again: \(tally.unsentReason ?? "")") }
        lines.append("")
        lines += table
        for (name, measure) in [("input tokens", tally.inputTokens), ("output tokens", tally.outputTokens)]
        where !measure.now.isEmpty {
            let (then, now) = (measure.then.reduce(0, &+), measure.now.reduce(0, &+))
            lines.append(
                "\(name): \(HumanUnits.grouped(then)) then, \(HumanUnits.grouped(now)) now, in \(measure.now.count) answers")
        }
        if !tally.changes.isEmpty { lines += ["", "status, then and now:"] + changes.map { "  \($0.words): \($0.count)" } }
        for (id, change) in tally.named.prefix(10) { lines.append("  \(id)  \(ReplayReport.words(change))") }
        if tally.differing > 10 { lines.append("  and \(tally.differing - 10) more whose status is of another class") }
        return lines
    }

    /// Measures then and now; nothing where no answer has one.
    private var table: [String] {
        let shown = measures.filter { !$0.measure.now.isEmpty }
        guard !shown.isEmpty else { return [] }
        let rows = shown.flatMap { name, measure in
            [("\(name) then", measure.then), ("\(name) now", measure.now)].map { title, values in
                let sorted = values.sorted()
                return [title, "\(values.count)"]
                    + ReplayReport.percentiles.map { perMille, _ in
                        ReplayMeasure.percentile(perMille, of: sorted).map { HumanUnits.duration(us: $0) } ?? "-"
                    }
            }
        }
        let all = [["", "answers"] + ReplayReport.percentiles.map(\.1)] + rows
        let widths = all[0].indices.map { column in all.reduce(0) { max($0, $1[column].count) } }
        return all.map { row in
            row.enumerated().map { i, cell in
                let gap = String(repeating: " ", count: widths[i] - cell.count)
                return i == 0 ? cell + gap : gap + cell
            }.joined(separator: "  ")
        }
    }

    private var changes: [(words: String, count: Int)] {
        tally.changes.map { (ReplayReport.words($0.key), $0.value) }.sorted { ($1.count, $0.words) < ($0.count, $1.words) }
    }

    private static func words(_ change: ReplayChange) -> String {
        "\(change.then.map(String.init) ?? "none") -> \(change.now.map(String.init) ?? "no answer")"
    }

    private static func counts(_ pairs: [(String, Int)]) -> String {
        pairs.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map { "\($0.1) x \($0.0)" }.joined(separator: ", ")
    }

    // MARK: JSON

    var json: [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        let numbers: [(String, Int)] = [
            ("sent", tally.sent), ("answered", tally.answered), ("differing", tally.differing), ("late", tally.late),
            ("unsent", tally.unsent), ("held_back", tally.heldBack), ("selected", plan.entries.count), ("rounds", rounds),
            ("concurrency", concurrency), ("without_content_coding", plan.decoded), ("unreadable", plan.unreadable),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(Int64(value))
        }
        json.key("elapsed_us")
        json.value(elapsedUs)
        json.key("pace")
        json.value(pace.words)
        json.key("stopped")
        json.value(wasStopped)
        write("skipped", skipped.map { ($0.name, $0.count) }, to: &json)
        write("statuses", tally.statuses.map { ("\($0.key)", $0.value) }.sorted { $0.0 < $1.0 }, to: &json)
        write("errors", tally.errors.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }, to: &json)
        writeChanges(to: &json)
        for (name, measure) in measures { write(name.replacing(" ", with: "_") + "_us", measure, to: &json) }
        for (name, measure) in [("input_tokens", tally.inputTokens), ("output_tokens", tally.outputTokens)] {
            json.key(name)
            json.beginObject()
            let known = !measure.now.isEmpty
            for (key, value) in [
                ("answers", Int64(measure.now.count)), ("then", known ? measure.then.reduce(0, &+) : nil),
                ("now", known ? measure.now.reduce(0, &+) : nil),
            ] {
                json.key(key)
                json.value(value)
            }
            json.endObject()
        }
        json.endObject()
        json.newline()
        return json.bytes
    }

    private func write(_ name: String, _ counts: [(String, Int)], to json: inout JSONWriter) {
        json.key(name)
        json.beginObject()
        for (key, count) in counts {
            json.key(key)
            json.value(Int64(count))
        }
        json.endObject()
    }

    private func write(_ name: String, _ measure: ReplayMeasure, to json: inout JSONWriter) {
        json.key(name)
        json.beginObject()
        json.key("answers")
        json.value(Int64(measure.now.count))
        for (side, values) in [("then", measure.then.sorted()), ("now", measure.now.sorted())] {
            json.key(side)
            json.beginObject()
            for (perMille, title) in ReplayReport.percentiles {
                json.key(title)
                json.value(ReplayMeasure.percentile(perMille, of: values))
            }
            json.endObject()
        }
        json.endObject()
    }

    private func writeChanges(to json: inout JSONWriter) {
        json.key("changes")
        json.beginArray()
        for (change, count) in tally.changes.sorted(by: { ($1.value, $0.key.then ?? 0) < ($0.value, $1.key.then ?? 0) }) {
            write(change, to: &json) {
                $0.key("count")
                $0.value(Int64(count))
            }
        }
        json.endArray()
        json.key("differences")
        json.beginArray()
        for (id, change) in tally.named {
            write(change, to: &json) {
                $0.key("id")
                $0.value(id.description)
            }
        }
        json.endArray()
    }

    private func write(_ change: ReplayChange, to json: inout JSONWriter, _ more: (inout JSONWriter) -> Void) {
        json.beginObject()
        more(&json)
        json.key("then")
        json.value(change.then.map(Int64.init))
        json.key("now")
        json.value(change.now.map(Int64.init))
        json.endObject()
    }
}
