// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Sums over facts for a manifest, by which a copy that was loaded elsewhere is checked; what is unknown adds nothing.
struct FactSums {
    /// By key of the fact.
    private(set) var values: [String: Int64] = [:]
    /// From when to when their exchanges began; nil without facts.
    private(set) var startedAtUs: ClosedRange<Int64>?

    mutating func add(_ fact: ExchangeFact) {
        let at = fact.head.startedAtUs
        startedAtUs = startedAtUs.map { min($0.lowerBound, at)...max($0.upperBound, at) } ?? at...at
        add("request_body_bytes", fact.requestBodyBytes)
        add("response_body_bytes", fact.responseBodyBytes)
        add("duration_us", fact.head.endedUs)
        add("ttft_us", fact.reading.ttftUs)
        add("usage.input_total", fact.reading.usage.inputTotal)
        add("usage.output_total", fact.reading.usage.outputTotal)
        add("cost.total_nanousd", fact.cost.totalNanousd)
    }

    private mutating func add(_ key: String, _ value: Int64?) {
        let sum = values[key, default: 0]
        values[key] = sum.addingReportingOverflow(value ?? 0).overflow ? Int64.max : sum + (value ?? 0)
    }
}

extension ExchangeFact {
    /// The fact as one line with its newline.
    func encodedLine() -> [UInt8] {
        var json = JSONWriter(capacity: 2_048)
        write(to: &json)
        json.newline()
        return json.bytes
    }
}
