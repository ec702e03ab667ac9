// SPDX-License-Identifier: Apache-2.0

/// A label and all the values it may ever have.
///
/// The set is closed: what a caller sends never becomes a label's value.
package struct MetricLabel: Sendable, Equatable {
    /// The label's name.
    package let name: String
    /// The values, by the index that the hot path uses.
    package let values: [String]

    /// A label with its values.
    package init(_ name: String, _ values: [String]) {
        self.name = name
        self.values = values
    }
}

/// What the integers of a family mean, and how they are written.
package enum MetricUnit: Sendable, Equatable {
    /// A number of things, or of bytes.
    case plain
    /// Microseconds, written as seconds.
    case microseconds
}

/// One metric: its name, what it means, its labels.
package struct MetricFamily: Sendable, Equatable {
    /// What kind of metric it is.
    package enum Kind: Sendable, Equatable {
        /// Only grows; its name ends in `_total`.
        case counter
        /// Goes up and down.
        case gauge
        /// Values counted in buckets; the bounds are inclusive upper ends in the family's unit, rising.
        case histogram(bounds: [Int64])
    }

    /// `weir_ROOM_THING_UNIT`, with `_total` for a counter.
    package let name: String
    /// One sentence for whoever reads the scrape.
    package let help: String
    /// What kind of metric it is.
    package let kind: Kind
    /// What its integers mean.
    package let unit: MetricUnit
    /// The labels, each a closed set.
    package let labels: [MetricLabel]

    /// Describes a metric.
    package init(_ name: String, _ kind: Kind, unit: MetricUnit = .plain, labels: [MetricLabel] = [], help: String) {
        self.name = name
        self.help = help
        self.kind = kind
        self.unit = unit
        self.labels = labels
    }

    /// Combinations of label values.
    var seriesCount: Int { labels.reduce(1) { $0 * max(0, $1.values.count) } }

    /// Cells that one series takes: a histogram has one per bucket, one for what is above, and one for the sum.
    var cellsPerSeries: Int {
        if case .histogram(let bounds) = kind { bounds.count + 2 } else { 1 }
    }

    /// The label values of a series by its number; the last label runs fastest.
    func labelValues(ofSeries number: Int) -> [(String, String)] {
        var left = number
        var pairs: [(String, String)] = []
        for label in labels.reversed() {
            pairs.append((label.name, label.values[left % label.values.count]))
            left /= label.values.count
        }
        return pairs.reversed()
    }
}
