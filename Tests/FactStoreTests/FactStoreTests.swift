// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import GRDB
import Platform
import Synchronization
import Testing

@Suite struct FactStoreTests {
    private func keys(_ facts: [ExchangeFact]) -> [ExchangeID] { facts.map(\.head.id) }

    private func all(_ store: FactStore, _ filter: FactFilter = FactFilter()) throws -> [ExchangeFact] {
        var found: [ExchangeFact] = []
        try store.forEachFact(filter) { found.append($0) }
        return found
    }

    @Test func givesBackEveryMemberOfEveryFact() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 1, count: 1_500)
        let result = try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 7))
        #expect(result.inserted == 1_500)
        let expected = facts.sorted { ($0.head.startedAtUs, $0.head.id) < ($1.head.startedAtUs, $1.head.id) }
        #expect(try all(store) == expected)
        #expect(try store.fact(facts[3].head.id) == facts[3])
        #expect(try store.newestFacts(limit: 5) == Array(expected.reversed().prefix(5)))
        #expect(try store.checkpoints() == [Checkpoint(segment: "a.hot", offset: 7), Checkpoint(segment: "b.hot", offset: 0)])
    }

    @Test func filtersLikeAReaderWithoutSQL() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 2, count: 700)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        for filter in ExchangeFact.filters {
            let expected = facts.filter { $0.passes(filter) }
            #expect(try store.count(filter) == Int64(expected.count))
            #expect(try Set(keys(all(store, filter))) == Set(keys(expected)))
        }
    }

    @Test func committingABatchTwiceChangesNothing() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 3, count: 50)
        let loss = Loss(segment: "a.hot", kind: .undecodable, frame: 0, offset: 12, byteCount: 5, reason: "notJSON")
        let damage = Loss(segment: "a.hot", kind: .damage, frame: 400, offset: 0, byteCount: 77, reason: "checksum")
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 900), losses: [loss, damage])
        var changed = facts
        changed[0].head.outcome = .gatewayCrashed
        changed[0].location.segment = "z.hot"
        let again = try store.commit(
            facts: changed, checkpoint: Checkpoint(segment: "a.hot", offset: 500), losses: [loss, damage])
        #expect(again.inserted == 0 && again.duplicates == 50)
        #expect(try store.count() == 50)
        #expect(try store.fact(facts[0].head.id) == facts[0])
        #expect(try store.checkpoints().first == Checkpoint(segment: "a.hot", offset: 900))
        let count = try store.lossCount()
        #expect(count.damagedRanges == 1 && count.damagedBytes == 77 && count.undecodableLines == 1)
        #expect(try store.losses(limit: 10) == [loss, damage])
    }

    @Test func viewHasEveryKeyOfTheFactFlattened() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 4, count: 40)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        let result = try store.runQuery("SELECT * FROM facts ORDER BY id")
        #expect(result.rows.count == 40)
        for (row, fact) in zip(result.rows, facts.sorted { $0.head.id < $1.head.id }) {
            var json = JSONWriter()
            fact.write(to: &json)
            #expect(
                try flattened(JSONDocument(json.bytes).root) == Array(zip(result.columns, row)).map { Pair(name: $0, value: $1) })
        }
    }

    private struct Pair: Equatable {
        let name: String
        let value: SQLValue
    }

    private func flattened(_ root: JSONNode) -> [Pair] {
        var pairs: [Pair] = []
        for (key, node) in root.members {
            let name = key.string ?? ""
            if name == "usage" || name == "cost" {
                for (inner, value) in node.members {
                    pairs.append(Pair(name: "\(name)_\(inner.string ?? "")", value: scalar(value)))
                }
            } else {
                pairs.append(Pair(name: name, value: scalar(node)))
            }
        }
        return pairs
    }

    private func scalar(_ node: JSONNode) -> SQLValue {
        switch node.kind {
        case .null: .null
        case .bool: .integer(node.bool == true ? 1 : 0)
        case .number: node.int.map(SQLValue.integer) ?? SQLValue(node.double)
        case .string: SQLValue(node.string)
        case .array, .object: .text(String(decoding: node.lexeme, as: UTF8.self))
        }
    }

    @Test func walkEndsThoughFactsAreStoredMeanwhile() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 5, count: 1_200)
        try store.commit(facts: Array(facts.prefix(600)), checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        let newest = facts.prefix(600).map(\.head.startedAtUs).max()
        var later = SampleFacts.facts(seed: 9, count: 700)
        for i in 600..<700 { later[i].head.startedAtUs += 1_000_000_000_000 }
        var seen: [ExchangeID] = []
        try store.forEachFact { fact in
            if seen.isEmpty {
                try store.commit(facts: Array(facts.suffix(600)), checkpoint: Checkpoint(segment: "a.hot", offset: 2))
                try store.commit(facts: Array(later.suffix(100)), checkpoint: Checkpoint(segment: "a.hot", offset: 3))
            }
            #expect(fact.head.startedAtUs <= newest ?? 0)
            seen.append(fact.head.id)
        }
        #expect(Set(seen).count == seen.count)
        #expect(Set(seen).isSuperset(of: keys(Array(facts.prefix(600)))))
        #expect(try all(store).count == 1_300)
    }

    @Test func walkSortsNothing() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: SampleFacts.facts(seed: 6, count: 500), checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        let plan = try store.runQuery(
            """
            EXPLAIN QUERY PLAN SELECT * FROM fact CROSS JOIN shape USING (shape_id) CROSS JOIN dimension USING (dimension_id)
            WHERE provider = 'openai' ORDER BY fact.start, fact.tail LIMIT 10
            """)
        #expect(!plan.rows.contains { $0.last?.text?.contains("TEMP B-TREE") == true })
    }
}

@Suite struct FactStoreOpeningTests {
    private func code(_ body: () throws -> Void) -> FactStoreError.Code? {
        do { try body() } catch { return (error as? FactStoreError)?.code }
        return nil
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    @Test func readerSaysWhatToDoWhereThereIsNoIndex() throws {
        let scratch = try ScratchDirectory()
        #expect(code { _ = try FactStore.open(path: scratch.index, mode: .readOnly) } == .notFound)
        #expect(!FileManager.default.fileExists(atPath: scratch.index))
        #expect(code { _ = try FactStore.open(path: scratch.path + "/no/index.sqlite", mode: .readWrite) } == .cannotOpen)
    }

    @Test func nobodyElseMayReadIt() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        for end in ["", "-wal", "-shm"] {
            let mode = try FileManager.default.attributesOfItem(atPath: scratch.index + end)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(end)")
        }
        try store.close()
    }

    @Test(arguments: 0..<6) func ofManyFirstOpeningsOneMakesIt(_ round: Int) throws {
        let scratch = try ScratchDirectory()
        let path = scratch.index
        let faults = Mutex<[String]>([])
        let threads = try (0..<8).map { number in
            try OwnedThread(name: "opening-\(number)") {
                do { try FactStore.open(path: path, mode: .readWrite).close() } catch {
                    faults.withLock { $0.append("\(error)") }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(faults.withLock { $0 } == [])
        #expect(try FactStore.open(path: path, mode: .readOnly).count() == 0)
    }

    @Test func whatCannotBeReadIsNotMissing() throws {
        let scratch = try ScratchDirectory()
        try FileManager.default.createDirectory(atPath: scratch.index, withIntermediateDirectories: false)
        for mode in [FactStoreMode.readOnly, .readWrite] {
            #expect(code { _ = try FactStore.open(path: scratch.index, mode: mode) } == .cannotOpen)
        }
    }

    @Test func emptyFileIsNoIndexYet() throws {
        let scratch = try ScratchDirectory()
        try Data().write(to: URL(fileURLWithPath: scratch.index))
        #expect(code { _ = try FactStore.open(path: scratch.index, mode: .readOnly) } == .notFound)
        #expect(try FactStore.open(path: scratch.index, mode: .readWrite).count() == 0)
    }

    @Test func whatADeathLeftOfMakingTheIndexIsNoIndexYet() throws {
        // A process killed behind the first of GRDB's transactions left just this.
        let scratch = try ScratchDirectory()
        let queue = try DatabaseQueue(path: scratch.index)
        try queue.write { try $0.execute(sql: "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)") }
        try queue.close()
        #expect(code { _ = try FactStore.open(path: scratch.index, mode: .readOnly) } == .notFound)
        #expect(try FactStore.open(path: scratch.index, mode: .readWrite).count() == 0)
        #expect(try FactStore.open(path: scratch.index, mode: .readOnly).count() == 0)
    }

    @Test func newerDatabaseIsRefusedAndNotTouched() throws {
        let scratch = try ScratchDirectory()
        try FactStore.open(path: scratch.index, mode: .readWrite).close()
        let queue = try DatabaseQueue(path: scratch.index)
        try queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
        try queue.close()
        let before = try bytes(scratch.index)
        for mode in [FactStoreMode.readOnly, .readWrite] {
            let error = #expect(throws: FactStoreError.self) { try FactStore.open(path: scratch.index, mode: mode) }
            #expect(error?.code == .newerVersion && error?.exitCode == 2)
            #expect(error?.message.contains("99") == true)
        }
        #expect(try bytes(scratch.index) == before)
    }

    @Test func unknownMigrationIsANewerVersionToo() throws {
        let scratch = try ScratchDirectory()
        try FactStore.open(path: scratch.index, mode: .readWrite).close()
        let queue = try DatabaseQueue(path: scratch.index)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9999 of the future')") }
        try queue.close()
        #expect(code { _ = try FactStore.open(path: scratch.index, mode: .readWrite) } == .newerVersion)
    }

    @Test func anotherProgramsDatabaseIsRefused() throws {
        let scratch = try ScratchDirectory()
        let queue = try DatabaseQueue(path: scratch.index)
        try queue.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
        try queue.close()
        let before = try bytes(scratch.index)
        #expect(code { _ = try FactStore.open(path: scratch.index, mode: .readWrite) } == .notAnIndex)
        #expect(try bytes(scratch.index) == before)
    }

    @Test func fileThatIsNoDatabaseIsDamaged() throws {
        let scratch = try ScratchDirectory()
        try Data(repeating: 0x5A, count: 8_192).write(to: URL(fileURLWithPath: scratch.index))
        for mode in [FactStoreMode.readOnly, .readWrite] {
            #expect(code { _ = try FactStore.open(path: scratch.index, mode: mode) } == .damaged)
        }
    }

    @Test func damagedPagesAreAnErrorAndNeverATrap() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: SampleFacts.facts(seed: 7, count: 800), checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        try store.close()
        let whole = try bytes(scratch.index)
        var samples = SampleFacts(seed: 8)
        var refusals = 0
        for round in 0..<60 {
            var copy = whole
            for _ in 0..<(1 + round * 4) {
                copy[100 + Int(samples.next(UInt64(whole.count - 100)))] ^= UInt8(1 + samples.next(255))
            }
            if round % 3 == 0 { copy = copy.prefix(1_000 + Int(samples.next(UInt64(whole.count - 1_000)))) }
            try copy.write(to: URL(fileURLWithPath: scratch.index))
            do {
                let store = try FactStore.open(path: scratch.index, mode: .readOnly)
                try store.forEachFact { _ in }
                _ = try store.runQuery("SELECT * FROM facts")
                _ = try store.checkpoints()
                _ = try store.losses(limit: 10)
            } catch is FactStoreError { refusals += 1 }
        }
        #expect(refusals > 0)
    }

    @Test func questionsCannotWriteAndSayWhatIsWrong() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        #expect(code { _ = try store.runQuery("DELETE FROM fact") } != nil)
        #expect(code { _ = try store.runQuery("SELECT nothing FROM facts") } == .badQuery)
        #expect(code { _ = try store.runQuery("SELECT :a", parameters: [:]) } == .badQuery)
        #expect(code { _ = try store.runQuery("SELECT 1; SELECT 2") } == .badQuery)
        #expect(try store.runQuery("-- a comment\nSELECT :a AS a;\n", parameters: ["a": .integer(4)]).rows == [[.integer(4)]])
        let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        #expect(code { _ = try store.runQuery(many) } == .tooManyRows)
    }
}
