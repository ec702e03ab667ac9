// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
package import ExchangeModel

/// Sums over records, by outcome, provider and status.
package struct RecordTotals: Sendable, Equatable {
    /// Records taken.
    package private(set) var records: Int64 = 0
    /// Bytes of request bodies on the wire.
    package private(set) var requestBodyBytes: Int64 = 0
    /// Bytes of answer bodies on the wire.
    package private(set) var responseBodyBytes: Int64 = 0
    /// Records whose bodies are not both kept whole.
    package private(set) var reduced: Int64 = 0
    /// Sum of `ended_us`.
    package private(set) var durationUs: Int64 = 0
    /// The earliest start, or nil where there is no record.
    package private(set) var earliestUs: Int64?
    /// The latest start, or nil where there is no record.
    package private(set) var latestUs: Int64?
    /// Records by outcome.
    package private(set) var outcomes: [String: Int64] = [:]
    /// Records by provider.
    package private(set) var providers: [String: Int64] = [:]
    /// Records by status; `none` where the caller got none.
    package private(set) var statuses: [String: Int64] = [:]

    /// Nothing taken.
    package init() {}

    /// Counts a record.
    package mutating func add(_ record: ExchangeRecord) {
        let head = record.head
        records += 1
        requestBodyBytes &+= record.requestBody.wireByteCount
        responseBodyBytes &+= record.responseBody.wireByteCount
        if record.requestBody.kept != .full || record.responseBody.kept != .full { reduced += 1 }
        durationUs &+= head.endedUs ?? 0
        earliestUs = min(earliestUs ?? Int64.max, head.startedAtUs)
        latestUs = max(latestUs ?? Int64.min, head.startedAtUs)
        outcomes[head.outcome.rawValue, default: 0] += 1
        providers[head.provider, default: 0] += 1
        statuses[head.status.map(String.init) ?? "none", default: 0] += 1
    }

    /// Lines for a terminal.
    package var lines: [String] {
        var lines = ["records         \(HumanUnits.grouped(records))"]
        if let earliestUs, let latestUs {
            lines.append("time            \(CalendarTime.text(us: earliestUs)) to \(CalendarTime.text(us: latestUs))")
        }
        lines.append(
            "bodies          \(HumanUnits.bytes(requestBodyBytes)) asked, \(HumanUnits.bytes(responseBodyBytes)) answered"
                + (reduced > 0 ? "; \(HumanUnits.grouped(reduced)) records without all of them" : ""))
        for (title, counts) in groups {
            for (i, count) in RecordTotals.sorted(counts).enumerated() {
                let name = TerminalCell.shown(count.key)
                lines.append(RecordTotals.padded(i == 0 ? title : "") + "\(HumanUnits.grouped(count.value))  \(name)")
            }
        }
        return lines
    }

    /// Writes the sums as members of the object that is open.
    package func writeMembers(to json: inout JSONWriter) {
        let numbers: [(String, Int64?)] = [
            ("records", records), ("reduced", reduced), ("request_body_bytes", requestBodyBytes),
            ("response_body_bytes", responseBodyBytes), ("duration_us", durationUs), ("min_started_at_us", earliestUs),
            ("max_started_at_us", latestUs),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        for (title, counts) in groups {
            json.key("by_" + title)
            json.beginObject()
            for count in RecordTotals.sorted(counts) {
                json.key(count.key)
                json.value(count.value)
            }
            json.endObject()
        }
    }

    private var groups: [(String, [String: Int64])] { [("outcome", outcomes), ("provider", providers), ("status", statuses)] }

    private static func sorted(_ counts: [String: Int64]) -> [(key: String, value: Int64)] {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    }

    private static func padded(_ title: String) -> String {
        title + String(repeating: " ", count: max(1, 16 - title.count))
    }
}
