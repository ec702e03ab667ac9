// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Telemetry

@Suite struct TelemetryTests {
    private func text(_ registry: MetricRegistry) -> String { String(decoding: registry.text(), as: UTF8.self) }

    @Test func writesTheTextFormatExactly() throws {
        var layout = MetricLayout()
        let plain = try layout.add(MetricFamily("weir_a_total", .counter, help: "Things, with a \\ and\na line feed."))
        let labelled = try layout.add(
            MetricFamily(
                "weir_b", .gauge, labels: [MetricLabel("kind", ["x\"y", "back\\slash", "line\nfeed", "never"])], help: "By kind.")
        )
        let timed = try layout.add(
            MetricFamily("weir_c_seconds", .histogram(bounds: [100, 1_000, 2_500_000]), unit: .microseconds, help: "Times."))
        let registry = MetricRegistry()
        let shards = registry.makeShards(layout, count: 2)
        shards[0].add(2, to: plain.series)
        shards[1].add(3, to: plain.series)
        shards[0].set(-4, at: labelled.series(0))
        shards[1].set(5, at: labelled.series(1))
        shards[1].add(6, to: labelled.series(2))
        for value: Int64 in [0, 100, 101, 1_000, 2_500_000, 2_500_001, -7] {
            shards[0].observe(value, in: timed, at: timed.series)
        }
        shards[1].observe(50, in: timed, at: timed.series)
        registry.addSource {
            $0.begin("weir_d", type: "gauge", help: "Measured elsewhere.")
            $0.sample("weir_d", [], 1_500_000, unit: .microseconds)
        }
        #expect(
            text(registry) == #"""
                # HELP weir_a_total Things, with a \\ and\na line feed.
                # TYPE weir_a_total counter
                weir_a_total 5
                # HELP weir_b By kind.
                # TYPE weir_b gauge
                weir_b{kind="x\"y"} -4
                weir_b{kind="back\\slash"} 5
                weir_b{kind="line\nfeed"} 6
                # HELP weir_c_seconds Times.
                # TYPE weir_c_seconds histogram
                weir_c_seconds_bucket{le="0.0001"} 4
                weir_c_seconds_bucket{le="0.001"} 6
                weir_c_seconds_bucket{le="2.5"} 7
                weir_c_seconds_bucket{le="+Inf"} 8
                weir_c_seconds_sum 5.001252
                weir_c_seconds_count 8
                # HELP weir_d Measured elsewhere.
                # TYPE weir_d gauge
                weir_d 1.5

                """#)
    }

    @Test func everySeriesHasItsOwnCell() throws {
        var layout = MetricLayout()
        _ = try layout.add(MetricFamily("weir_before", .gauge, help: "x."))
        let labels = [("p", 3), ("a", 4), ("s", 2), ("o", 5)].map { name, count in
            MetricLabel(name, (0..<count).map { "\(name)\($0)" })
        }
        let handle = try layout.add(MetricFamily("weir_many", .gauge, labels: labels, help: "x."))
        _ = try layout.add(MetricFamily("weir_after", .gauge, help: "x."))
        let registry = MetricRegistry()
        let shard = registry.makeShards(layout, count: 1)[0]
        var expected: [String] = []
        for p in 0..<3 {
            for a in 0..<4 {
                for s in 0..<2 {
                    for o in 0..<5 {
                        let value = 1 + o + 10 * s + 100 * a + 1_000 * p
                        shard.set(value, at: handle.series(p, a, s, o))
                        expected.append("weir_many{p=\"p\(p)\",a=\"a\(a)\",s=\"s\(s)\",o=\"o\(o)\"} \(value)")
                    }
                }
            }
        }
        #expect(text(registry).split(separator: "\n").filter { $0.hasPrefix("weir_many{") }.map(String.init) == expected)
        #expect(text(registry).contains("weir_before 0\n") && text(registry).contains("weir_after 0\n"))
        // What is outside of a set counts as its last value.
        shard.set(0, at: handle.series(-1, 99, -1, 5))
        #expect(!text(registry).contains("weir_many{p=\"p2\",a=\"a3\",s=\"s1\",o=\"o4\"}"))
    }

    @Test func refusesWhatCannotBeWritten() throws {
        func code(_ families: MetricFamily...) -> TelemetryError.Code? {
            var layout = MetricLayout()
            do throws(TelemetryError) { for family in families { _ = try layout.add(family) } } catch { return error.code }
            return nil
        }
        let fine = MetricFamily("weir_x", .gauge, help: "x.")
        #expect(code(fine) == nil)
        #expect(code(fine, fine) == .duplicateName)
        for name in ["", "9x", "a-b", "a b", "ä"] { #expect(code(MetricFamily(name, .gauge, help: "x.")) == .badName) }
        #expect(code(MetricFamily("x", .gauge, labels: [MetricLabel("le", ["1"])], help: "x.")) == .badName)
        #expect(code(MetricFamily("x", .gauge, labels: [MetricLabel("l", [])], help: "x.")) == .badLabel)
        #expect(code(MetricFamily("x", .gauge, labels: [MetricLabel("l", ["a", "a"])], help: "x.")) == .badLabel)
        #expect(code(MetricFamily("x", .histogram(bounds: [1, 1]), help: "x.")) == .badBounds)
        let wide = (0..<4).map { MetricLabel("l\($0)", (0..<300).map(String.init)) }
        #expect(code(MetricFamily("x", .gauge, labels: wide, help: "x.")) == .tooManySeries)
        let five = (0..<5).map { MetricLabel("l\($0)", ["a"]) }
        #expect(code(MetricFamily("x", .gauge, labels: five, help: "x.")) == .badLabel)
        let half = [MetricLabel("l", (0..<40_000).map(String.init))]
        #expect(
            code(MetricFamily("x", .gauge, labels: half, help: "x."), MetricFamily("y", .gauge, labels: half, help: "x."))
                == .tooManySeries)
    }

    /// One writer each, scraped all the while: no sum is ever above what was counted, and the last is exact.
    @Test func shardsAddUpWhileTheyAreWritten() async throws {
        var layout = MetricLayout()
        let counter = try layout.add(MetricFamily("weir_n_total", .counter, help: "x."))
        let registry = MetricRegistry()
        let shards = registry.makeShards(layout, count: 4)
        let total = 50_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for shard in shards {
                group.addTask { for _ in 0..<total { shard.add(1, to: counter.series) } }
            }
            group.addTask {
                var last = 0
                for _ in 0..<200 {
                    let line = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n").last ?? ""
                    let now = try #require(Int(line.split(separator: " ").last ?? ""))
                    #expect(now >= last && now <= 4 * total)
                    last = now
                }
            }
            try await group.waitForAll()
        }
        #expect(text(registry).contains("weir_n_total \(4 * total)\n"))
    }
}
