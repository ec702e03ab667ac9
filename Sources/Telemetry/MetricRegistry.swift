// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The metrics of the program: layouts with the shards that count for them, and sources that are asked at each scrape.
///
/// Its lock is held at start and while scraping; whoever counts never touches it.
package final class MetricRegistry: Sendable {
    /// Something that is measured elsewhere and written at each scrape; called on the scraping thread.
    package typealias Source = @Sendable (inout PrometheusText) -> Void

    private struct State {
        var groups: [(layout: MetricLayout, shards: [MetricShard])] = []
        var sources: [Source] = []
    }
    private let state = Mutex(State())

    /// A registry without metrics.
    package init() {}

    /// Makes the shards of a layout.
    ///
    /// - Parameters:
    ///   - layout: complete; what is added to it later is not seen.
    ///   - count: one for each writer.
    /// - Returns: the shards, each for one loop or thread.
    package func makeShards(_ layout: MetricLayout, count: Int) -> [MetricShard] {
        let shards = (0..<max(0, count)).map { _ in MetricShard(count: layout.cellCount) }
        state.withLock { $0.groups.append((layout, shards)) }
        return shards
    }

    /// Adds a source of metrics measured elsewhere.
    package func addSource(_ source: @escaping Source) { state.withLock { $0.sources.append(source) } }

    /// All metrics in Prometheus' text format 0.0.4.
    ///
    /// Takes as long as there are series: not for an event loop. Series with labels that were never counted are left out.
    package func text() -> [UInt8] {
        let now = state.withLock { $0 }
        var out = PrometheusText()
        for (layout, shards) in now.groups {
            for (family, base) in layout.families { MetricRegistry.write(family, base: base, shards, to: &out) }
        }
        for source in now.sources { source(&out) }
        return out.bytes
    }

    private static func write(_ family: MetricFamily, base: Int, _ shards: [MetricShard], to out: inout PrometheusText) {
        out.begin(family.name, type: family.typeWord, help: family.help)
        func sum(_ cell: Int) -> Int { shards.reduce(0) { $0 &+ $1.value(cell) } }
        for number in 0..<family.seriesCount {
            let cell = base + number * family.cellsPerSeries
            guard case .histogram(let bounds) = family.kind else {
                let value = sum(cell)
                guard value != 0 || family.labels.isEmpty else { continue }
                out.sample(family.name, family.labelValues(ofSeries: number), value, unit: family.unit)
                continue
            }
            let counts = (0...bounds.count).map { sum(cell + $0) }
            guard family.labels.isEmpty || counts.contains(where: { $0 != 0 }) else { continue }
            let total = sum(cell + bounds.count + 1)
            let labels = family.labelValues(ofSeries: number)
            out.histogram(family.name, labels, bounds: bounds, counts: counts, sum: total, unit: family.unit)
        }
    }
}

extension MetricFamily {
    var typeWord: StaticString {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
