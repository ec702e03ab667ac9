// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Platform
import Redaction
import SegmentLog
import Synchronization
import TestSupport
import Testing

@testable import Capture

@Suite struct LossNoteTests {
    private static func id(_ number: Int) -> ExchangeID { ExchangeID(high: UInt64(number), low: UInt64(number) &* 7) }

    @Test func tellsCountTimesAndIDsOfWhatNoGapCovers() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let notes = LossNotes(lone.arena.memory, .full)
        #expect(notes.uncovered(.arenaFull) == nil && GapKeeper.isSettled(lone.arena.memory))
        for number in 1...5 { notes.note(Self.id(number), startedAtUs: Int64(number) * 10) }
        let run = try #require(notes.uncovered(.arenaFull))
        #expect(run.count == 5 && run.firstAtUs == 10 && run.lastAtUs == 50)
        #expect(run.firstID == Self.id(1) && run.lastID == Self.id(5))
        notes.promise(run, epoch: 3)
        #expect(notes.covered == 0 && notes.promised == 5 && notes.promisedID == Self.id(5) && notes.promisedEpoch == 3)
        // One that comes between the promise and its settling belongs to the next gap.
        notes.note(Self.id(6), startedAtUs: 60)
        notes.keepPromise()
        #expect(notes.covered == 5)
        let next = try #require(notes.uncovered(.arenaFull))
        #expect(next.count == 1 && next.firstID == Self.id(6) && next.lastID == Self.id(6) && next.lastAtUs == 60)
        notes.promise(next, epoch: 3)
        notes.withdraw()
        #expect(notes.promised == notes.covered && notes.uncovered(.arenaFull)?.count == 1)
        #expect(!GapKeeper.isSettled(lone.arena.memory))
    }

    /// One side loses, the other covers: every loss is in one run, and no note is torn.
    @Test func losesAndCoversAtTheSameTime() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let notes = LossNotes(lone.arena.memory, .full)
        let total: UInt64 = 200_000
        let memory = lone.arena.memory
        // Both sides touch atomics of the mapping alone.
        nonisolated(unsafe) let shared = memory
        let tally = Tally()
        let reader = try OwnedThread(name: "coverer") {
            let notes = LossNotes(shared, .full)
            while notes.covered < total {
                guard let run = notes.uncovered(.arenaFull) else { continue }
                let isWhole = run.lastID.low == run.lastID.high &* 7 && run.lastAtUs == Int64(run.lastID.high) * 10
                if !isWhole || run.lastID.high != notes.covered + run.count { tally.torn.wrappingAdd(1, ordering: .relaxed) }
                tally.covered.wrappingAdd(Int(run.count), ordering: .relaxed)
                notes.promise(run, epoch: 1)
                notes.keepPromise()
            }
        }
        for number in 1...Int(total) { notes.note(Self.id(number), startedAtUs: Int64(number) * 10) }
        reader.join()
        #expect(tally.covered.load(ordering: .relaxed) == Int(total) && tally.torn.load(ordering: .relaxed) == 0)
    }
}

private final class Tally: Sendable {
    let covered = Atomic<Int>(0)
    let torn = Atomic<Int>(0)
}
