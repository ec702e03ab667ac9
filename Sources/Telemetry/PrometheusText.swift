// SPDX-License-Identifier: Apache-2.0

/// Writes Prometheus' text exposition format, version 0.0.4.
///
/// Source: prometheus.io, Exposition formats. A family is begun once and followed by all of its samples.
package struct PrometheusText: Sendable {
    /// The media type of the text.
    package static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// What was written so far; ends in a line feed.
    package private(set) var bytes: [UInt8] = []

    /// Nothing written.
    package init() {}

    /// Whether text is a name of a metric or a label; colons are for rules, not for programs.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
    }

    /// Begins a family.
    ///
    /// - Parameters:
    ///   - name: of the metric.
    ///   - type: `counter`, `gauge` or `histogram`.
    ///   - help: one sentence.
    package mutating func begin(_ name: String, type: StaticString, help: String) {
        write("# HELP \(name) ")
        for byte in help.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): write("\\\\")
            case UInt8(ascii: "\n"): write("\\n")
            default: bytes.append(byte)
            }
        }
        write("\n# TYPE \(name) \(type)\n")
    }

    /// Writes one sample.
    ///
    /// - Parameters:
    ///   - name: of the family.
    ///   - labels: names and values; values may hold anything.
    ///   - value: in the unit given.
    ///   - unit: how the integer is written.
    package mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int, unit: MetricUnit = .plain) {
        write(name)
        write(labels)
        write(" ")
        number(Int64(value), unit)
        write("\n")
    }

    /// Writes a histogram's samples: buckets that add up, sum and count.
    ///
    /// - Parameters:
    ///   - name: of the family.
    ///   - labels: names and values.
    ///   - bounds: inclusive upper ends, rising.
    ///   - counts: of each bound's own bucket, then of what is above all bounds.
    ///   - sum: of all values.
    ///   - unit: of bounds and sum.
    package mutating func histogram(
        _ name: String, _ labels: [(String, String)], bounds: [Int64], counts: [Int], sum: Int, unit: MetricUnit
    ) {
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen &+= count
            var upper = PrometheusText()
            if index < bounds.count { upper.number(bounds[index], unit) } else { upper.write("+Inf") }
            sample("\(name)_bucket", labels + [("le", String(decoding: upper.bytes, as: UTF8.self))], seen)
        }
        sample("\(name)_sum", labels, sum, unit: unit)
        sample("\(name)_count", labels, seen)
    }

    private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func write(_ labels: [(String, String)]) {
        guard !labels.isEmpty else { return }
        for (index, label) in labels.enumerated() {
            write(index == 0 ? "{" : ",")
            write("\(label.0)=\"")
            for byte in label.1.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): write("\\\\")
                case UInt8(ascii: "\""): write("\\\"")
                case UInt8(ascii: "\n"): write("\\n")
                default: bytes.append(byte)
                }
            }
            write("\"")
        }
        write("}")
    }

    private mutating func number(_ value: Int64, _ unit: MetricUnit) {
        guard unit == .microseconds else { return write(String(value)) }
        let magnitude = value.magnitude
        write((value < 0 ? "-" : "") + String(magnitude / 1_000_000))
        var fraction = magnitude % 1_000_000
        guard fraction > 0 else { return }
        var digits = 6
        while fraction % 10 == 0 {
            fraction /= 10
            digits -= 1
        }
        let text = String(fraction)
        write("." + String(repeating: "0", count: digits - text.utf8.count) + text)
    }
}
