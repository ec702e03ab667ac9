// SPDX-License-Identifier: Apache-2.0

/// Where a metric's cells lie in every shard: made once at start, then only added up with integers.
package struct MetricHandle: Sendable {
    /// How far apart the values of one label lie, and how many there are.
    struct Step: Sendable {
        var stride = 0
        var size = 1

        /// What is outside of the set counts as its last value.
        func offset(_ index: Int) -> Int { (index >= 0 && index < size ? index : size - 1) * stride }
    }

    let base: Int
    let bounds: [Int64]
    /// Of the labels in their order; kept apart, so that the hot path follows no pointer.
    private let steps: (Step, Step, Step, Step)
    private let labelCount: Int

    init(base: Int, bounds: [Int64], steps: [Step]) {
        self.base = base
        self.bounds = bounds
        func step(_ index: Int) -> Step { index < steps.count ? steps[index] : Step() }
        self.steps = (step(0), step(1), step(2), step(3))
        labelCount = steps.count
    }

    /// The place of the series without labels.
    package var series: MetricSeries { MetricSeries(cell: base) }

    /// The place of a series by the index of its label's value.
    ///
    /// An index outside of its set counts as its last value: by custom that is `other`.
    package func series(_ first: Int) -> MetricSeries {
        precondition(labelCount == 1, "one index per label")
        return MetricSeries(cell: base + steps.0.offset(first))
    }

    /// The place of a series of four labels, in their order.
    package func series(_ first: Int, _ second: Int, _ third: Int, _ fourth: Int) -> MetricSeries {
        precondition(labelCount == 4, "one index per label")
        return MetricSeries(
            cell: base + steps.0.offset(first) + steps.1.offset(second) + steps.2.offset(third) + steps.3.offset(fourth))
    }
}

/// The place of one series in every shard.
package struct MetricSeries: Sendable {
    let cell: Int
}

/// All metrics of a part of the program, with the cell of each series.
package struct MetricLayout: Sendable {
    /// Series that one layout may hold: what is more would make the scrape useless and the shards large.
    package static let seriesLimit = 65_536

    private(set) var families: [(family: MetricFamily, base: Int)] = []
    private(set) var cellCount = 0
    private var seriesCount = 0

    /// A layout without metrics.
    package init() {}

    /// Adds a metric.
    ///
    /// - Parameter family: its name must be new here.
    /// - Returns: what the hot path counts with.
    /// - Throws: `TelemetryError` for a bad name, a label without values, bounds that do not rise, or too many series.
    package mutating func add(_ family: MetricFamily) throws(TelemetryError) -> MetricHandle {
        try MetricLayout.check(family)
        guard family.labels.count <= 4 else { throw TelemetryError(.badLabel, "\(family.name): at most four labels") }
        guard !families.contains(where: { $0.family.name == family.name }) else {
            throw TelemetryError(.duplicateName, "\(family.name) is there already; give each metric a name of its own")
        }
        var strides: [Int] = []
        var series = 1
        for label in family.labels.reversed() {
            strides.append(series * family.cellsPerSeries)
            let (product, isOver) = series.multipliedReportingOverflow(by: label.values.count)
            guard !isOver, product <= MetricLayout.seriesLimit else { throw MetricLayout.tooMany(family) }
            series = product
        }
        guard seriesCount + series <= MetricLayout.seriesLimit else { throw MetricLayout.tooMany(family) }
        var bounds: [Int64] = []
        if case .histogram(let given) = family.kind { bounds = given }
        let steps = zip(strides.reversed(), family.labels).map { MetricHandle.Step(stride: $0, size: $1.values.count) }
        let handle = MetricHandle(base: cellCount, bounds: bounds, steps: steps)
        families.append((family, cellCount))
        seriesCount += series
        cellCount += series * family.cellsPerSeries
        return handle
    }

    private static func tooMany(_ family: MetricFamily) -> TelemetryError {
        TelemetryError(.tooManySeries, "\(family.name) would make more than \(seriesLimit) series; use smaller label sets")
    }

    private static func check(_ family: MetricFamily) throws(TelemetryError) {
        guard PrometheusText.isName(family.name), family.labels.allSatisfy({ PrometheusText.isName($0.name) && $0.name != "le" })
        else { throw TelemetryError(.badName, "\(family.name): names are letters, digits and underscores") }
        guard family.labels.allSatisfy({ !$0.values.isEmpty && Set($0.values).count == $0.values.count }) else {
            throw TelemetryError(.badLabel, "\(family.name): a label needs values, each once")
        }
        if case .histogram(let bounds) = family.kind {
            guard bounds.count <= 64, zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw TelemetryError(.badBounds, "\(family.name): at most 64 bounds, each above the one before")
            }
        }
    }
}
