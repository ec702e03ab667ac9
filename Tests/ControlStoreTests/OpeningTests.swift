// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Testing

@testable import ControlStore

@Suite struct OpeningTests {
    @Test func refusesANewerSchemaAndLeavesItAlone() throws {
        let scratch = try Scratch()
        try Sample.store(scratch).close()
        try scratch.byHand { try $0.execute(sql: "PRAGMA user_version = 99; CREATE TABLE future (x)") }
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.control))
        for mode in [ControlStoreMode.readOnly, .readWrite] {
            let error = #expect(throws: ControlStoreError.self) { try ControlStore.open(path: scratch.control, mode: mode) }
            #expect(error?.code == .newerVersion && error?.exitCode == 2 && error?.message.contains("99") == true)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.control)) == before)
    }

    @Test func aStoreThatWasMigratedUnderneathWritesNothing() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        try scratch.byHand { try $0.execute(sql: "PRAGMA user_version = 99") }
        let error = #expect(throws: ControlStoreError.self) {
            try store.append([Sample.eval(9)], to: "default", expecting: store.head(of: "default"), recordedUs: 1)
        }
        #expect(error?.code == .newerVersion)
    }

    @Test func refusesAnotherProgramsDatabase() throws {
        let scratch = try Scratch()
        try scratch.byHand { try $0.execute(sql: "CREATE TABLE theirs (x); PRAGMA application_id = 5") }
        let error = #expect(throws: ControlStoreError.self) { try ControlStore.open(path: scratch.control, mode: .readWrite) }
        #expect(error?.code == .notControl)
        #expect(try scratch.byHand { try String.fetchAll($0, sql: "SELECT name FROM sqlite_master") } == ["theirs"])
    }

    @Test func tellsOfADamagedFile() throws {
        let scratch = try Scratch()
        try Data("this is no database, but long enough to be looked at as one".utf8).write(
            to: URL(fileURLWithPath: scratch.control))
        let error = #expect(throws: ControlStoreError.self) { try ControlStore.open(path: scratch.control, mode: .readWrite) }
        #expect(error?.code == .damaged && error?.exitCode == 1 && error?.message.contains(scratch.control) == true)
    }

    /// Pages in the middle overwritten: a clear error or a named fault, never a trap and never "as it was".
    @Test func damagedPagesAreFound() throws {
        for seed in 0..<8 {
            let scratch = try Scratch()
            try Sample.store(scratch).close()
            let handle = try #require(FileHandle(forUpdatingAtPath: scratch.control))
            let pages = Int(try handle.seekToEnd()) / 4_096
            // Behind the tables' definitions, which SQLite reads at once.
            for step in 0..<12 {
                try handle.seek(toOffset: UInt64((20 + (seed * 31 + step * 17) % (pages - 20)) * 4_096))
                try handle.write(contentsOf: Data(repeating: UInt8(0xA5 &+ seed), count: 4_096))
            }
            try handle.close()
            do {
                let store = try ControlStore.open(path: scratch.control, mode: .readOnly)
                #expect(try store.verify(ledger: "default").fault != nil, "seed \(seed)")
            } catch let error as ControlStoreError {
                #expect(error.code == .damaged, "seed \(seed): \(error)")
            }
        }
    }

    @Test func readingNeedsADatabaseAndMakesNone() throws {
        let scratch = try Scratch()
        let error = #expect(throws: ControlStoreError.self) { try ControlStore.open(path: scratch.control, mode: .readOnly) }
        #expect(error?.code == .notFound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
        let nowhere = #expect(throws: ControlStoreError.self) {
            try ControlStore.open(path: scratch.path + "/no/such/control.sqlite", mode: .readWrite)
        }
        #expect(nowhere?.code == .cannotOpen)
    }

    @Test func readersWriteNothing() throws {
        let scratch = try Scratch()
        let head = try Sample.store(scratch).head(of: "default")
        let reader = try ControlStore.open(path: scratch.control, mode: .readOnly)
        let error = #expect(throws: ControlStoreError.self) {
            try reader.append([Sample.eval(9)], to: "default", expecting: head, recordedUs: 1)
        }
        #expect(error?.code == .cannotOpen)
    }

    @Test func commitsAreOnTheDisk() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        let settings = try store.queue.writeWithoutTransaction { db in
            try ["synchronous", "secure_delete"].map { try Int.fetchOne(db, sql: "PRAGMA \($0)") ?? -1 }
        }
        #expect(settings == [2, 1])
        #expect(try store.queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
    }

    /// A database of version 1, before feedback, is brought up to date and keeps what it holds.
    @Test func bringsAnOlderOneUpToDate() throws {
        let scratch = try Scratch()
        let head = try Sample.store(scratch).head(of: "default")
        try scratch.byHand { db in
            try db.execute(
                sql:
                    "DROP TABLE feedback; DROP TABLE feedback_size; PRAGMA user_version = 1; DELETE FROM grdb_migrations WHERE identifier > '0002'"
            )
        }
        let older = #expect(throws: ControlStoreError.self) { try ControlStore.open(path: scratch.control, mode: .readOnly) }
        #expect(older?.code == .olderVersion && older?.exitCode == 2 && older?.message.contains("schema version 1") == true)
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        #expect(try store.verify(ledger: "default") == LedgerVerification(entries: 8, head: head, fault: nil))
        #expect(try store.feedbackCount() == 0)
    }
}
