// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactSamples
import Foundation
import GRDB
import Testing

@testable import FactStore

/// Parts of chunks, read where they lie.
@Suite struct ChunkScanTests {
    private static let columns: [ChunkColumn] = [.start, .shape, .metadata]
    private static let measures: [ChunkColumn] = [.duration, .ttft, .outputTotal, .cost]

    /// 9,000 exchanges in one chunk and 800 rows behind it, of some 400 dimensions.
    private func store(_ scratch: ScratchDirectory) throws -> FactStore {
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.facts(seed: 51, count: 9_800, stepUs: 2_000_000)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: facts[9_000].head.startedAtUs).chunks == 1)
        return store
    }

    /// What a scan gives of the exchanges that are wanted: their groups and numbers, those outside the range left out.
    private func scanned(
        _ store: FactStore, _ range: Range<Int64>, _ group: (Int64) -> Int32, where isWanted: (Int64) -> Bool = { _ in true }
    ) throws -> [[Int64]] {
        var rows: [[Int64]] = []
        try store.readColumns { reader in
            var selected: [Int32] = []
            try reader.scan(Self.columns, measures: Self.measures, range: range, group: group) { page in
                let start = page.column(.start)
                selected = (0..<page.count).map { range.contains(start[$0]) && isWanted(start[$0]) ? page.groups[$0] : -1 }
                return selected
            } _: { page in
                for i in 0..<page.count where selected[i] >= 0 {
                    rows.append([Int64(page.groups[i])] + (Self.columns + Self.measures).map { page.column($0)[i] })
                }
            }
        }
        return rows.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func wanted(
        _ store: FactStore, _ range: Range<Int64>, _ group: (Int64) -> Int32, where isWanted: (Int64) -> Bool = { _ in true }
    ) throws -> [[Int64]] {
        let names = (Self.columns + Self.measures).map(\.rawValue).joined(separator: ", ")
        return try store.runQuery("SELECT dimension_id, \(names) FROM fact_entry").rows
            .map { $0.map { $0.integer ?? PackedColumn.null } }
            .filter { group($0[0]) >= 0 && range.contains($0[1]) && isWanted($0[1]) }
            .map { [Int64(group($0[0]))] + $0.dropFirst() }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Many and few dimensions, next to each other and scattered: parts of a blob are read one by one, and as one with gaps.
    @Test(arguments: [1, 2, 3, 7, 40, 150, 1_000]) func givesWhatOneInSoManyDimensionsHas(_ share: Int64) throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        let all = Int64.min..<Int64.max
        let starts = try wanted(store, all, { _ in 0 }).map { $0[1] }.sorted()
        let groups: [(Int64) -> Int32] = [
            { $0 % share == 0 ? Int32($0 % 5) : -1 }, { $0 <= 400 / share ? Int32($0) : -1 }, { $0 > 60 * share ? 3 : -1 },
        ]
        for group in groups {
            #expect(try scanned(store, all, group) == wanted(store, all, group))
            let cut = starts[1_234]..<starts[8_765]
            #expect(try scanned(store, cut, group) == wanted(store, cut, group))
            #expect(try scanned(store, cut, group) { $0 % 50 == 0 } == wanted(store, cut, group) { $0 % 50 == 0 })
        }
    }

    @Test func theRowsOfADimensionStandTogetherAsTheyBegan() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        var found: [[Int64]] = []
        try store.readColumns { reader in
            let end = try Int64.fetchOne(reader.db, sql: "SELECT last_start FROM chunk").map { $0 + 1 } ?? 0
            try reader.scan([.start], measures: [], range: Int64.min..<end, group: { Int32(clamping: $0) }) { page in
                for i in 0..<page.count { found.append([Int64(page.groups[i]), page.column(.start)[i]]) }
                return []
            } _: { _ in
            }
        }
        #expect(found.count == 9_000)
        #expect(found == found.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test func runsComeBackAsTheyWere() {
        let runs = ChunkRuns([7, 7, 7, 1 << 40, 9, 9])
        #expect(runs.runs.map(\.dimension) == [7, 1 << 40, 9] && runs.runs.map(\.count) == [3, 1, 2])
        #expect(ChunkRuns(blob: runs.blob, rows: 6) == runs)
        #expect(ChunkRuns(blob: runs.blob, rows: 5) == nil)
        #expect(ChunkRuns(blob: Array(runs.blob.dropLast()), rows: 6) == nil)
        #expect(ChunkRuns([]).runs.isEmpty)
        let most = [UInt8](repeating: 7, count: 8) + [UInt8](repeating: 255, count: 4)
        #expect(ChunkRuns(blob: most, rows: 9) == nil)
        let none = [UInt8](repeating: 7, count: 8) + [0, 0, 0, 0]
        #expect(ChunkRuns(blob: none + runs.blob, rows: 6)?.runs.count == 4)
    }

    @Test(arguments: [
        "UPDATE chunk_column SET packed = substr(packed, 1, 100) WHERE width > 0", "UPDATE chunk_column SET width = 9",
        "UPDATE chunk_column SET width = -1", "UPDATE chunk SET runs = x''", "UPDATE chunk SET runs = substr(runs, 2)",
        "UPDATE chunk SET last_start = 9223372036854775807", "UPDATE chunk SET facts = facts - 1",
        "UPDATE chunk_column SET packed = substr(packed, 1, length(packed) - 1) WHERE width > 0",
        "DELETE FROM chunk_column WHERE name = 'ended_us'", "UPDATE chunk_column SET packed = 7 WHERE width > 0",
    ]) func aChunkThatIsNoneIsDamage(_ statement: String) throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        try store.writing { db in try db.execute(sql: statement) }
        #expect {
            try scanned(store, Int64.min..<Int64.max) { $0 % 3 == 0 ? 1 : -1 }
        } throws: {
            ($0 as? FactStoreError)?.code == .damaged && "\($0)".contains("weir index --rebuild")
        }
    }

    /// A process of an older program that is in the middle of its pass must not write what it no longer understands.
    @Test func anIndexThatANewerProgramHasTakenOverIsNotWrittenTo() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.writing { db in try db.execute(sql: "PRAGMA user_version = \(Schema.version + 1)") }
        let facts = RealisticFacts.facts(seed: 52, count: 2)
        #expect {
            try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        } throws: {
            ($0 as? FactStoreError)?.code == .newerVersion
        }
        #expect(throws: FactStoreError.self) { try store.build(horizonUs: Int64.max) }
        #expect(try store.count() == 0)
    }

    @Test func chunksOfAnOlderIndexArePackedAnew() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        let before = try store.runQuery("SELECT chunk_id, name, low, high, width, packed FROM chunk_column ORDER BY 1, 2").rows
        try store.writing { db in
            try db.execute(
                sql: """
                    UPDATE chunk_column SET packed = x''; ALTER TABLE chunk DROP COLUMN runs;
                    DELETE FROM grdb_migrations WHERE identifier >= '0005'; PRAGMA user_version = 4
                    """)
        }
        try store.close()
        let migrated = try FactStore.open(path: scratch.index, mode: .readWrite)
        #expect(try migrated.runQuery("SELECT count(*) FROM chunk").rows == [[.integer(0)]])
        let all = Int64.min..<Int64.max
        #expect(try scanned(migrated, all) { _ in 1 } == wanted(migrated, all) { _ in 1 })
        let last = try migrated.runQuery("SELECT start FROM fact ORDER BY start LIMIT 1 OFFSET 9000").rows[0][0].integer ?? 0
        #expect(try migrated.build(horizonUs: FactStore.startedAtUs(last)).chunks == 1)
        #expect(
            try migrated.runQuery("SELECT chunk_id, name, low, high, width, packed FROM chunk_column ORDER BY 1, 2").rows
                == before)
    }
}
