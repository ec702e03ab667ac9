// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactSamples
import Foundation
import GRDB
import Histograms
import Testing

@testable import FactStore

@Suite struct ColumnTests {
    private func unpacked(_ packed: PackedColumn, count: Int) -> [Int64]? {
        var values = [Int64](repeating: 7, count: count)
        let isWhole = values.withUnsafeMutableBufferPointer { target in
            packed.bytes.withUnsafeBytes {
                PackedColumn.unpack($0, low: packed.low, high: packed.high, width: packed.width, into: target)
            }
        }
        return isWhole ? values : nil
    }

    @Test func packedNumbersComeBack() {
        var samples = SampleFacts(seed: 8)
        for bits in 0...62 {
            let values = (0..<200).map { _ -> Int64 in
                if samples.next(5) == 0 { return PackedColumn.null }
                let wide = Int64(samples.next(1 << 31)) << 31 + Int64(samples.next(1 << 31))
                return (wide & ((1 << Int64(bits)) - 1)) - (samples.next(2) == 0 ? 0 : 1 << Int64(bits) / 2)
            }
            let packed = PackedColumn(values)
            #expect(unpacked(packed, count: values.count) == values)
            #expect(packed.width <= (bits + 2 + 7) / 8)
        }
        for values: [Int64] in [[], [5], [PackedColumn.null], [3, 3, 3], [3, PackedColumn.null], [1 << 62, -(1 << 62)]] {
            #expect(unpacked(PackedColumn(values), count: values.count) == values)
        }
        let packed = PackedColumn([1, 2, 300])
        #expect(unpacked(packed, count: 4) == nil, "more numbers than bytes")
    }

    /// The columns of all rows, by the reader and by SQL.
    private func scanned(_ store: FactStore) throws -> [[Int64]] {
        var rows: [[Int64]] = []
        try store.readColumns { reader in
            try reader.scan(ChunkColumn.allCases, measures: [], range: Int64.min..<Int64.max, group: { _ in 0 }) {
                [Int32](repeating: 0, count: $0.count)
            } _: { page in
                for i in 0..<page.count { rows.append(ChunkColumn.allCases.map { page.column($0)[i] }) }
            }
        }
        return rows.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func selected(_ store: FactStore) throws -> [[Int64]] {
        let names = ChunkColumn.allCases.map(\.rawValue).joined(separator: ", ")
        return try store.runQuery("SELECT \(names) FROM fact_entry").rows
            .map { $0.map { $0.integer ?? PackedColumn.null } }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func chunked(_ store: FactStore) throws -> Int64 {
        try store.runQuery("SELECT coalesce(sum(facts), 0) FROM chunk").rows[0][0].integer ?? 0
    }

    @Test func chunksEqualTheirRowsWhateverHappens() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        // 12,000 exchanges over more than three hours.
        var facts = RealisticFacts.facts(seed: 21, count: 12_000, stepUs: 2_000_000)
        facts[100].head.endedUs = Int64.max
        let last = try #require(facts.last).head.startedAtUs
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try chunked(store) == 0)
        let report = try store.build(horizonUs: last + 7_200_000_000)
        #expect(report.isComplete && report.chunks >= 1 && report.hours >= 3)
        #expect(try chunked(store) > 7_000)
        #expect(try scanned(store) == selected(store))
        try expectRollupsEqualFacts(store)
        #expect(try store.build(horizonUs: last + 7_200_000_000).chunks == 0, "nothing is built twice")

        // A late one, an erased one, and one that was there.
        var late = RealisticFacts.facts(seed: 22, count: 1, firstUs: facts[6_000].head.startedAtUs)
        late.append(facts[3])
        let result = try store.commit(facts: late, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 2))
        #expect(result.late == 1 && result.inserted == 1)
        #expect(try scanned(store) == selected(store))
        try store.erase([facts[9_000].head.id])
        #expect(try scanned(store) == selected(store))
        try expectRollupsEqualFacts(store)
        let again = try store.build(horizonUs: last + 7_200_000_000)
        #expect(again.chunks >= 1 && again.hours >= 1)
        #expect(try scanned(store) == selected(store))
        try expectRollupsEqualFacts(store)
        #expect(try chunked(store) > 7_000)
    }

    @Test func theYoungAndTheFutureStayRows() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.facts(seed: 23, count: 6_000, stepUs: 20_000)
        let last = try #require(facts.last).head.startedAtUs
        var future = RealisticFacts.facts(seed: 24, count: 10, firstUs: last + 999_000_000_000_000)
        future.append(contentsOf: facts)
        try store.commit(facts: future, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        _ = try store.build(horizonUs: last + 1)
        #expect(try chunked(store) == 0, "younger than an hour and no full chunk")
        _ = try store.build(horizonUs: last + 7_200_000_000)
        #expect(try chunked(store) == 6_000)
        #expect(try scanned(store) == selected(store))
        try expectRollupsEqualFacts(store)
    }

    @Test func sumsThatDoNotFitStayRows() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 25, count: 10, stepUs: 1_000)
        for i in 0..<2 { facts[i].cost.reportedNanousd = Int64.max }
        for i in 0..<2 { facts[i].head.attribution.task = facts[0].head.attribution.task }
        for i in 1..<2 {
            facts[i] = facts[0];
            facts[i].head.id = ExchangeID(milliseconds: UInt64(facts[0].head.startedAtUs / 1_000), random: (1, 2))
        }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        let horizon = facts[0].head.startedAtUs + 200_000_000_000
        #expect(try store.build(horizonUs: horizon).isComplete)
        #expect(try store.runQuery("SELECT exchanges FROM rolled_hour").rows == [[.integer(-1)]])
        #expect(try store.runQuery("SELECT exchanges FROM rolled_day").rows == [[.integer(-1)]])
        #expect(try store.runQuery("SELECT count(*) FROM rollup_hour").rows == [[.integer(0)]])
        try store.erase([facts[1].head.id])
        _ = try store.build(horizonUs: horizon)
        try expectRollupsEqualFacts(store)
        #expect(try store.runQuery("SELECT exchanges FROM rolled_day").rows == [[.integer(9)]])
    }

    /// Three days that are rolled up in parts, with exchanges that come late in between.
    @Test func lateExchangesLeaveNoHourOut() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let horizon = Self.dayUs * 20_703
        let facts = RealisticFacts.facts(seed: 31, count: 9_000, firstUs: Self.dayUs * 20_700, stepUs: 110_000_000)
            .filter { $0.head.startedAtUs < horizon - 7_200_000_000 }
        try #require(facts.count > 4_200 && facts.count < 9_000)
        let total = Int64(facts.count)
        let (late, last) = (facts[4_000], facts[facts.count - 1])
        let first = facts.filter { $0 != late && $0 != last }
        try store.commit(facts: first, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        var asked = 0
        let part = try store.build(horizonUs: horizon) {
            asked += 1
            return asked > 2
        }
        #expect(!part.isComplete && part.chunks == 1 && part.hours > 0 && part.hours < 20 && part.days == 0)
        // In a chunk, and behind the last hour that is rolled up.
        try store.commit(facts: [late], checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 2))
        #expect(try store.build(horizonUs: horizon).isComplete)
        try expectRollupsEqualFacts(store)
        let count = "SELECT count(DISTINCT (start + \(SchemaTwo.epochUs)) / 3600000000), count(*) FROM fact"
        #expect(
            try store.runQuery("SELECT count(*), sum(exchanges) FROM rolled_hour").rows == store.runQuery(count).rows)
        #expect(
            try store.runQuery("SELECT count(*), sum(exchanges) FROM rolled_day").rows == [[.integer(3), .integer(total - 1)]])
        // Behind the last hour that has one, in a day that is rolled up.
        var end = last
        end.head.startedAtUs = horizon - 1
        let result = try store.commit(facts: [end], checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 3))
        #expect(result.late == 1)
        #expect(try store.build(horizonUs: horizon).isComplete)
        try expectRollupsEqualFacts(store)
        #expect(try store.runQuery("SELECT sum(exchanges) FROM rolled_day").rows == [[.integer(total)]])
    }

    @Test func aRollupThatHoldsNoHistogramIsDamage() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.facts(seed: 33, count: 50)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        func read() throws -> Int64 {
            var (exchanges, histogram) = (Int64(0), Histogram())
            try store.readColumns { reader in
                try reader.rollups(Int64.min..<Int64.max, .times, coarsest: .hour) { cell in
                    exchanges += cell.exchanges
                    try cell.addDurations(to: &histogram)
                } gap: { _ in
                    Issue.record("all is rolled up")
                }
            }
            return exchanges
        }
        #expect(try read() == 50)
        try store.writing { db in try db.execute(sql: "UPDATE rollup_hour SET duration = x'01ff'") }
        #expect {
            try read()
        } throws: {
            ($0 as? FactStoreError)?.code == .damaged && "\($0)".contains("weir index --rebuild")
        }
    }

    @Test(arguments: [
        "UPDATE rolled_hour SET hour = 9223372036854775807", "UPDATE rolled_hour SET hour = hour + 1",
        "UPDATE rollup_hour SET exchanges = 9223372036854775807", "UPDATE rollup_hour SET exchanges = -1",
    ]) func aRollupThatIsNoneIsDamage(_ statement: String) throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.facts(seed: 34, count: 50)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        try store.writing { db in try db.execute(sql: statement) }
        #expect {
            try store.readColumns { reader in
                try reader.rollups(Int64.min..<Int64.max, .sums, coarsest: .hour, cell: { _ in }, gap: { _ in })
            }
        } throws: {
            ($0 as? FactStoreError)?.code == .damaged
        }
        if statement.contains("9223372036854775807"), statement.contains("rolled_hour") {
            #expect(throws: FactStoreError.self) { try store.build(horizonUs: Int64.max) }
        }
    }

    @Test func declaredMetadataTellsCellsApart() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 35, count: 3_000, stepUs: 5_000_000)
        for i in stride(from: 0, to: facts.count, by: 3) {
            facts[i].head.attribution.metadata = [("user", "u\(i)"), ("team", "t\(i % 5)")]
        }
        facts[7].head.attribution.metadata = [("team", "only-here")]
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        #expect(try store.runQuery("SELECT count(*) FROM declared").rows == [[.integer(0)]])
        let built = try store.build(horizonUs: Int64.max, declared: ["team"])
        #expect(built.hours >= 2 && built.days >= 1 && built.chunks == 0, "columns know all metadata already")
        #expect(try store.build(horizonUs: Int64.max, declared: ["team"]).hours == 0)
        for (unit, us) in RollupUnit.allCases.map({ ($0, $0.lengthUs) }) {
            let cells = try store.runQuery(
                """
                SELECT \(unit), object, sum(exchanges), sum(usage_output_total) FROM rollup_\(unit) LEFT JOIN declared USING (declared_id)
                GROUP BY 1, 2 ORDER BY 1, 2
                """)
            let wanted = try store.runQuery(
                """
                SELECT start - (start + \(SchemaTwo.epochUs)) % \(us),
                    iif(json_extract(metadata, '$.team') IS NULL, NULL, json_object('team', json_extract(metadata, '$.team'))),
                    count(*), sum(usage_output_total)
                FROM fact_entry GROUP BY 1, 2 ORDER BY 1, 2
                """)
            #expect(cells.rows == wanted.rows && cells.rows.count > 5)
        }
        // What only an erased exchange had set is nowhere any more.
        let only = "SELECT count(*) FROM declared WHERE object LIKE '%only-here%'"
        #expect(try store.runQuery(only).rows == [[.integer(1)]])
        try store.erase([facts[7].head.id])
        #expect(try store.runQuery(only).rows == [[.integer(0)]])
        #expect(try store.build(horizonUs: Int64.max, declared: []).hours >= 2)
        #expect(try store.runQuery("SELECT count(*) FROM declared").rows == [[.integer(0)]])
        try expectRollupsEqualFacts(store)
    }

    /// What an hour had declared that could not be rolled up is gone with it: the next hour must not count on it.
    @Test func anHourThatCannotBeRolledUpLeavesNothingBehind() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 37, count: 4, stepUs: 1)
        for i in facts.indices {
            facts[i].head.startedAtUs = Self.dayUs * 20_700 + Int64(i / 2) * RollupUnit.hour.lengthUs + Int64(i)
            facts[i].head.id = ExchangeID(milliseconds: UInt64(facts[i].head.startedAtUs / 1_000), random: (UInt64(i), 7))
            (facts[i].head.attribution.task, facts[i].head.attribution.metadata) = ("same", [("team", "a")])
        }
        facts[1] = {
            var copy = facts[0]
            copy.head.id = ExchangeID(milliseconds: UInt64(copy.head.startedAtUs / 1_000), random: (9, 9))
            return copy
        }()
        for i in 0..<2 { facts[i].cost.reportedNanousd = Int64.max }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: Int64.max, declared: ["team"]).isComplete)
        #expect(try store.runQuery("SELECT exchanges FROM rolled_hour ORDER BY hour").rows == [[.integer(-1)], [.integer(2)]])
        let cells = "SELECT object, sum(exchanges) FROM rollup_hour LEFT JOIN declared USING (declared_id) GROUP BY 1"
        #expect(try store.runQuery(cells).rows == [[.text(#"{"team":"a"}"#), .integer(2)]])
    }

    @Test func anHourWithTooManyCellsStaysRows() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 36, count: FactStoreLimits.cellsAnHour + 1, stepUs: 1_000)
        for i in facts.indices { facts[i].head.attribution.metadata = [("user", "u\(i)")] }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: Int64.max, declared: ["user"]).isComplete)
        #expect(try store.runQuery("SELECT count(*) FROM rollup_hour").rows == [[.integer(0)]])
        #expect(try store.runQuery("SELECT exchanges FROM rolled_hour").rows == [[.integer(RollupBuilding.impossible)]])
    }

    private static let dayUs: Int64 = 86_400_000_000
}

/// Every sum and every percentile of every hour, day and week that is rolled up, against the facts in it.
func expectRollupsEqualFacts(_ store: FactStore) throws {
    for (unit, us) in RollupUnit.allCases.map({ ($0, $0.lengthUs) }) {
        let sums = [
            "usage_input_total", "usage_input_uncached", "usage_output_total", "cost_total_nanousd", "response_body_bytes",
        ]
        let cells = try store.runQuery(
            """
            SELECT \(unit), dimension_id, exchanges, streams, \(sums.joined(separator: ", ")) FROM rollup_\(unit)
            ORDER BY 1, 2
            """)
        let facts = try store.runQuery(
            """
            SELECT start - (start + \(SchemaTwo.epochUs)) % \(us) AS begin, dimension_id, count(*), sum(response_stream),
                \(sums.map { "sum(\($0))" }.joined(separator: ", "))
            FROM fact_entry WHERE begin IN (SELECT \(unit) FROM rolled_\(unit) WHERE exchanges >= 0) GROUP BY 1, 2 ORDER BY 1, 2
            """)
        #expect(cells.rows == facts.rows)
        for row in try store.runQuery("SELECT \(unit), dimension_id, duration FROM rollup_\(unit)").rows.prefix(20) {
            let times = try store.runQuery(
                "SELECT ended_us FROM fact_entry WHERE start >= \(row[0].integer ?? 0) AND start < \((row[0].integer ?? 0) + us) "
                    + "AND dimension_id = \(row[1].integer ?? 0) AND ended_us IS NOT NULL ORDER BY 1"
            ).rows.compactMap { $0[0].integer }
            let histogram = try Histogram(blob: row[2].blob ?? [])
            #expect(histogram.count == UInt64(times.count))
            let median = times[(500 * times.count + 999) / 1_000 - 1]
            let found = try #require(histogram.percentile(permille: 500))
            #expect(abs(found - median) * 250 <= median + 250)
        }
    }
}
