// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactSamples
import Foundation
import GRDB
import Testing

@testable import FactStore

/// Weeks are to days what days are to hours.
@Suite struct WeekTests {
    private static let weekUs = RollupUnit.week.lengthUs
    private static let dayUs = RollupUnit.day.lengthUs
    /// The begin of a week.
    private static let firstUs = weekUs * 2_960

    /// Five weeks and some days, begun in the middle of a day.
    private func facts(seed: UInt64, count: Int = 1_000) -> [ExchangeFact] {
        let firstUs = Self.firstUs + 2 * Self.dayUs + 5_000_000_123
        let facts = RealisticFacts.facts(seed: seed, count: count, firstUs: firstUs, stepUs: 2_147_483_648)
        return facts.enumerated().map { i, fact in
            moved(fact, to: firstUs + (fact.head.startedAtUs - firstUs) * 3, number: UInt64(i) + 1_000)
        }
    }

    private func commit(_ facts: [ExchangeFact], to store: FactStore, _ offset: Int64 = 1) throws {
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: offset))
    }

    /// A fact like another that began at another time.
    private func moved(_ fact: ExchangeFact, to startedAtUs: Int64, number: UInt64) -> ExchangeFact {
        var copy = fact
        copy.head.startedAtUs = startedAtUs
        copy.head.id = ExchangeID(milliseconds: UInt64(startedAtUs / 1_000), random: (number, number))
        return copy
    }

    private func cells(_ store: FactStore) throws -> [[SQLValue]] {
        var cells: [[SQLValue]] = []
        try store.forEachRollup { cells.append($1) }
        return cells
    }

    /// The `exchanges` of every period of a unit, in order; nil where it is marked.
    private func rolled(_ unit: RollupUnit, _ store: FactStore) throws -> [Int64?] {
        try store.runQuery("SELECT exchanges FROM rolled_\(unit) ORDER BY \(unit)").rows.map(\.[0].integer)
    }

    @Test func unitsFollowFromOneAnother() {
        #expect(RollupUnit.allCases == RollupUnit.allCases.sorted() && RollupUnit.hour.below == nil)
        for unit in RollupUnit.allCases {
            if let below = unit.below { #expect(below < unit && unit.lengthUs.isMultiple(of: below.lengthUs)) }
            for at in [0, 1, unit.lengthUs - 1, -1, -unit.lengthUs, Self.firstUs + 12_345] {
                let begin = unit.begin(of: at &- SchemaTwo.epochUs) &+ SchemaTwo.epochUs
                #expect(begin <= at && at - begin < unit.lengthUs && begin.isMultiple(of: unit.lengthUs))
            }
        }
    }

    @Test func weeksEqualTheirRowsWhateverHappens() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = facts(seed: 51)
        let late = facts[470]
        try commit(facts.filter { $0 != late }, to: store)
        // The horizon cuts the fourth week at its last microsecond: it is not over yet.
        let part = try store.build(horizonUs: Self.firstUs + 4 * Self.weekUs - 1)
        #expect(part.isComplete && part.weeks == 3 && part.days == 25)
        try expectRollupsEqualFacts(store)
        #expect(try store.build(horizonUs: Self.firstUs + 4 * Self.weekUs).weeks == 1)
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        #expect(try rolled(.week, store).count >= 5)
        try expectRollupsEqualFacts(store)

        try commit([late], to: store, 2)
        #expect(try rolled(.week, store).count { $0 == nil } == 1)
        try expectRollupsEqualFacts(store)
        var again = try store.build(horizonUs: Int64.max)
        #expect(again.hours == 1 && again.days == 1 && again.weeks == 1)
        try expectRollupsEqualFacts(store)
        let whole = try cells(store)
        #expect(whole.contains { $0[0] == .text("week") })
        let other = try ScratchDirectory()
        let anew = try FactStore.open(path: other.index, mode: .readWrite)
        try commit(facts.reversed(), to: anew)
        #expect(try anew.build(horizonUs: Int64.max).isComplete)
        #expect(try cells(anew) == whole, "a week follows from its rows")

        // Erased: two of one week and one of another; then priced anew from the third week on.
        try store.erase([facts[10].head.id, facts[11].head.id, facts[570].head.id])
        #expect(try rolled(.week, store).count { $0 == nil } == 2)
        try expectRollupsEqualFacts(store)
        again = try store.build(horizonUs: Int64.max)
        #expect(again.weeks == 2)
        let repriced = try store.reprice(sinceUs: Self.firstUs + 2 * Self.weekUs, untilUs: nil) { fact in
            var cost = fact.cost
            cost.inputNanousd = 1 + (cost.inputNanousd ?? 0)
            cost.totalNanousd = 1 + (cost.totalNanousd ?? 0)
            return FactPrice(cost: cost, version: "later")
        }
        #expect(repriced.changed > 100)
        #expect(try rolled(.week, store).prefix(2).allSatisfy { $0 != nil })
        #expect(try rolled(.week, store).dropFirst(2).allSatisfy { $0 == nil })
        try expectRollupsEqualFacts(store)
        #expect(try store.build(horizonUs: Int64.max).weeks == again.weeks + 2)
        try expectRollupsEqualFacts(store)
    }

    @Test func aWeekOfFewDaysKnowsWhatComesBehindThem() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let sample = facts(seed: 52, count: 1)[0]
        // Monday alone has traffic in the first week; the second has none; the third has some on two days.
        let days: [Int64] = [4, 4, 15, 20]
        let facts = days.enumerated().map { i, day in
            moved(sample, to: Self.firstUs + day * Self.dayUs + Int64(i) * 3_600_000_000, number: UInt64(i))
        }
        try commit(facts, to: store)
        #expect(try store.build(horizonUs: Self.firstUs + 3 * Self.weekUs).weeks == 2)
        #expect(try rolled(.week, store) == [2, 2])
        // Behind the last day that has one, in a week that is rolled up; and in the one without any.
        let end = moved(sample, to: Self.firstUs + 3 * Self.weekUs - 1, number: 8)
        let between = moved(sample, to: Self.firstUs + Self.weekUs, number: 9)
        try commit([end, between], to: store, 2)
        #expect(try rolled(.week, store) == [2, nil, nil])
        #expect(try store.build(horizonUs: Self.firstUs + 3 * Self.weekUs).weeks == 2)
        #expect(try rolled(.week, store) == [2, 1, 3])
        try expectRollupsEqualFacts(store)
        // A week all of whose exchanges are gone has none.
        try store.erase([between.head.id])
        #expect(try store.build(horizonUs: Self.firstUs + 3 * Self.weekUs).weeks == 1)
        #expect(try rolled(.week, store) == [2, 0, 3])
        try expectRollupsEqualFacts(store)
    }

    @Test func aDayThatCannotBeRolledUpLeavesItsWeekToTheOthers() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = facts(seed: 53)
        let day = facts.indices.filter { facts[$0].head.startedAtUs / Self.dayUs == Self.firstUs / Self.dayUs + 16 }
        try #require(day.count > 5)
        let twin = moved(facts[day[0]], to: facts[day[0]].head.startedAtUs + 1, number: 1)
        facts[day[0]].cost.reportedNanousd = Int64.max
        var second = twin
        second.cost.reportedNanousd = 1
        facts.append(second)
        try commit(facts, to: store)
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        #expect(try rolled(.week, store).map { ($0 ?? 0) < 0 } == [false, false, true, false, false, false])
        #expect(try rolled(.day, store).count { $0 == RollupBuilding.impossible } == 1)
        #expect(try store.runQuery("SELECT count(DISTINCT week) FROM rollup_week").rows == [[.integer(5)]])
        try expectRollupsEqualFacts(store)
        try expectEachOnce(store, facts, Int64.min..<Int64.max)
        try store.erase([second.head.id])
        #expect(try store.build(horizonUs: Int64.max).weeks == 1)
        #expect(try rolled(.week, store).allSatisfy { ($0 ?? -1) > 0 })
        try expectRollupsEqualFacts(store)
    }

    /// Each exchange of a range is in one cell or one gap, whatever unit is the coarsest.
    private func expectEachOnce(_ store: FactStore, _ facts: [ExchangeFact], _ range: Range<Int64>) throws {
        let starts = facts.map { FactStore.columnStart($0.head.startedAtUs) }.filter(range.contains).sorted()
        for coarsest in RollupUnit.allCases {
            var (found, cells): ([Int64], [Int64]) = ([], [])
            try store.readColumns { reader in
                try reader.rollups(range, .sums, coarsest: coarsest) { cell in
                    cells.append(cell.exchanges)
                } gap: { gap in
                    found += starts.filter(gap.contains)
                }
            }
            #expect(cells.reduce(0, +) + Int64(found.count) == Int64(starts.count), "\(coarsest) over \(range)")
            #expect(Set(found).count == found.count)
        }
    }

    @Test func anyRangeIsCutIntoPeriodsAndGaps() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = facts(seed: 54)
        try commit(facts, to: store)
        // The last days are not over, a late one has made a hole in the second week.
        #expect(try store.build(horizonUs: Self.firstUs + 5 * Self.weekUs + 3 * Self.dayUs + 7_000_000_000).weeks == 5)
        let late = moved(facts[0], to: Self.firstUs + 10 * Self.dayUs + 1, number: 3)
        try commit([late], to: store, 2)
        let all = facts + [late]
        var samples = SampleFacts(seed: 55)
        try expectEachOnce(store, all, Int64.min..<Int64.max)
        for round in 0..<30 {
            func point() -> Int64 {
                let at = Self.firstUs - Self.dayUs + Int64(samples.next(UInt64(6 * Self.weekUs)))
                let unit = RollupUnit.allCases[Int(samples.next(3))]
                // Every second one lies at the begin of a period, or beside it.
                let point = round % 2 == 0 ? at : at - at % unit.lengthUs + Int64(samples.next(3)) - 1
                return FactStore.columnStart(point)
            }
            let (a, b) = (point(), point())
            try expectEachOnce(store, all, min(a, b)..<max(a, b))
            try expectEachOnce(store, all, min(a, b)..<Int64.max)
        }
    }

    @Test func anIndexOfVersion3GetsItsWeeks() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try commit(facts(seed: 56), to: store)
        #expect(try store.build(horizonUs: Int64.max).weeks >= 5)
        let whole = try cells(store)
        // What version 4 and 5 added is taken away again.
        try store.writing { db in
            try db.execute(
                sql: """
                    DROP TABLE rollup_week; DROP TABLE rolled_week; ALTER TABLE chunk DROP COLUMN runs;
                    DELETE FROM grdb_migrations WHERE identifier >= '0004'; PRAGMA user_version = 3
                    """)
        }
        try store.close()
        #expect { _ = try FactStore.open(path: scratch.index, mode: .readOnly) } throws: {
            ($0 as? FactStoreError)?.code == .olderVersion && "\($0)".contains("weir index")
        }
        let migrated = try FactStore.open(path: scratch.index, mode: .readWrite)
        #expect(try cells(migrated) == whole.filter { $0[0] != .text("week") })
        let built = try migrated.build(horizonUs: Int64.max)
        #expect(built.hours == 0 && built.days == 0 && built.weeks >= 5)
        #expect(try cells(migrated) == whole)
        #expect(try FactStore.open(path: scratch.index, mode: .readOnly).runQuery("PRAGMA user_version").rows == [[.integer(5)]])
    }
}
