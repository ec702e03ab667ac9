// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Dispatch
import Foundation
import Synchronization
import Testing

@Suite struct LedgerCrashTests {
    private struct Stop: Error {}

    @Test func whatABodyThrowsUndoesAll() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        let head = try store.head(of: "default")
        #expect(throws: Stop.self) {
            try store.append(to: "default", expecting: head, recordedUs: 1) { appender in
                try appender.add(Sample.train(0..<100_000, items: 0..<10))
                throw Stop()
            }
        }
        #expect(try store.verify(ledger: "default") == LedgerVerification(entries: 8, head: head, fault: nil))
        #expect(throws: Stop.self) {
            try store.append(to: "new", expecting: LedgerHead.empty("new"), recordedUs: 1) { _ in throw Stop() }
        }
        #expect(try store.ledgers().map(\.name) == ["default"])
    }

    /// The files as they stand in the middle of an append are what a process leaves that is killed there.
    @Test func aDeathInTheMiddleLeavesTheOldHead() throws {
        let (scratch, left) = (try Scratch(), try Scratch())
        let store = try Sample.store(scratch)
        let head = try store.head(of: "default")
        // More than SQLite's cache holds: some of it is in the write-ahead log before the commit.
        let after = try store.append(to: "default", expecting: head, recordedUs: 1) { appender in
            try appender.add(Sample.train(0..<400_000, items: 0..<10))
            try LedgerCrashTests.copy(scratch, to: left)
        }.after
        let log = try FileManager.default.attributesOfItem(atPath: left.control + "-wal")[.size] as? Int ?? 0
        #expect(log > 2_000_000)
        let found = try ControlStore.open(path: left.control, mode: .readWrite)
        #expect(try found.verify(ledger: "default") == LedgerVerification(entries: 8, head: head, fault: nil))
        // Its end would take the log away that is copied next.
        try found.close()
        // Behind the commit the same files give the new head, though nothing was closed.
        try LedgerCrashTests.copy(scratch, to: left)
        let committed = try ControlStore.open(path: left.control, mode: .readWrite)
        #expect(try committed.verify(ledger: "default") == LedgerVerification(entries: 9, head: after, fault: nil))
    }

    private static func copy(_ scratch: Scratch, to left: Scratch) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: left.path) {
            try FileManager.default.removeItem(atPath: left.path + "/" + name)
        }
        // Not the index of the log: it is made anew by whoever opens first.
        for name in [ControlStore.fileName, ControlStore.fileName + "-wal"] {
            try FileManager.default.copyItem(atPath: scratch.path + "/" + name, toPath: left.path + "/" + name)
        }
    }

    @Test func theSecondOfTwoWritersIsTold() throws {
        let scratch = try Scratch()
        let one = try Sample.store(scratch)
        let other = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let head = try one.head(of: "default")
        let after = try one.append([Sample.eval(20)], to: "default", expecting: head, recordedUs: 1).after
        let error = #expect(throws: ControlStoreError.self) {
            try other.append([Sample.eval(21)], to: "default", expecting: head, recordedUs: 1)
        }
        #expect(error?.code == .headMoved && error?.exitCode == 3)
        #expect(error?.message.contains(after.description) == true && error?.message.contains(head.description) == true)
        #expect(try other.verify(ledger: "default") == LedgerVerification(entries: 9, head: after, fault: nil))
    }

    /// Eight threads with a connection each append to the same head at once: one of them wins every round.
    @Test func manyWritersAtOnceGiveOneChain() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        for round in 0..<5 {
            let head = try store.head(of: "default")
            let results = Mutex<[Result<LedgerHead, any Error>]>([])
            DispatchQueue.concurrentPerform(iterations: 8) { writer in
                let result = Result {
                    try ControlStore.open(path: scratch.control, mode: .readWrite)
                        .append([Sample.eval(1_000 + round * 8 + writer)], to: "default", expecting: head, recordedUs: 1).after
                }
                results.withLock { $0.append(result) }
            }
            let won = results.withLock { $0.compactMap { try? $0.get() } }
            let lost = results.withLock {
                $0.compactMap { if case .failure(let error) = $0 { error as? ControlStoreError } else { nil } }
            }
            #expect(won == [try store.head(of: "default")] && lost.count == 7 && lost.allSatisfy { $0.code == .headMoved })
        }
        #expect(try store.verify(ledger: "default").entries == 13)
    }
}
