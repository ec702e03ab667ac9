// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactStore
import Indexing
import Platform
import SegmentLog
import Synchronization
import Testing

/// What is told of exchanges that leave, for what else is kept about them.
@Suite struct ForgettingTests {
    /// What a keeper tells, and whether the facts were still there when it first did; of what nobody has any more it tells again.
    private final class Told: Sendable {
        private let state = Mutex<(ids: [ExchangeID], ever: Set<ExchangeID>, late: Int, refuses: Bool)>(([], [], 0, false))

        /// Takes what was told since the last time, each once and in order.
        func take() -> [ExchangeID] {
            state.withLock { held in
                defer { held.ids = [] }
                return Set(held.ids).sorted()
            }
        }

        var late: Int { state.withLock { $0.late } }
        func refuse(_ refuses: Bool) { state.withLock { $0.refuses = refuses } }

        func tell(_ ids: [ExchangeID], _ store: FactStore, known: Set<ExchangeID>) throws {
            let missing = try ids.filter { try known.contains($0) && store.fact($0) == nil }
            try state.withLock { held in
                held.late += Set(missing).subtracting(held.ever).count
                if held.refuses { throw IndexingError(code: .locked, message: "not now", path: "") }
                held.ids += ids
                held.ever.formUnion(ids)
            }
        }
    }

    private let traffic: Traffic
    private let told = Told()
    private let ids: [ExchangeID]

    init() throws {
        traffic = try Traffic()
        let records = Traffic.records(seed: 71, count: 30)
        ids = records.map(\.head.id)
        try traffic.write(records.map { $0 }, perBatch: 7)
        try traffic.index()
    }

    private func keeper() throws -> SegmentKeeper {
        let store = try traffic.store()
        let (told, known) = (self.told, Set(ids))
        return SegmentKeeper(store: store, directory: traffic.directory, lock: IndexLock(path: traffic.paths.lock)) {
            try told.tell($0, store, known: known)
        }
    }

    private func erase(_ ids: [ExchangeID]) throws -> KeepingReport {
        try keeper().erase(ids.map { Erasure(.exchange($0), atUs: Int64.max) })
    }

    private func isKnown(_ id: ExchangeID) throws -> Bool { try traffic.store().fact(id) != nil }

    /// An exchange that is held stays until the hold is lifted, and so does what is kept about it.
    @Test func nothingIsForgottenOfWhatIsHeld() throws {
        _ = try keeper().seal()
        #expect(told.take().isEmpty)
        let file = try #require(try traffic.segments().first)
        try traffic.directory.set(SegmentHold(reason: "case 7", atUs: 5), on: file.stem)
        #expect(try erase([ids[0], ids[1]]).held == [file.name])
        #expect(told.take().isEmpty)
        #expect(try isKnown(ids[0]))
        try traffic.directory.liftHold(on: file.stem)
        // What `--pending` does: nothing new is said.
        #expect(try keeper().erase().erased == 2)
        #expect(told.take() == [ids[0], ids[1]].sorted())
        #expect(try !isKnown(ids[0]) && told.late == 0)
    }

    /// A wish that was written down is done by whoever seals later: a gateway's background thread.
    @Test func sealingForgetsWhatWasAskedForBefore() throws {
        var erasures = Erasures()
        try erasures.append([Erasure(.exchange(ids[3]), atUs: Int64.max)], in: traffic.directory)
        #expect(try keeper().seal().erased == 1)
        #expect(told.take() == [ids[3]] && told.late == 0)
        #expect(try !isKnown(ids[3]))
    }

    /// Where what else is kept cannot be erased, the exchange stays: the next run does both.
    @Test func whatCannotBeForgottenStays() throws {
        _ = try keeper().seal()
        let before = try traffic.segments().map(\.name)
        told.refuse(true)
        let refused = try? erase([ids[5]])
        #expect(refused == nil || refused?.failures.count == 1)
        #expect(try isKnown(ids[5]))
        #expect(try traffic.segments().map(\.name) == before)
        told.refuse(false)
        #expect(try keeper().erase().erased == 1)
        #expect(told.take() == [ids[5]] && told.late == 0)
    }

    /// The process died between the publishing of the new file and the index: what was erased is told again, before its facts go.
    @Test func aDeathBehindTheNewFileIsMadeGood() throws {
        _ = try keeper().seal()
        let old = try #require(try traffic.segments().first)
        var erasures = Erasures()
        try erasures.append([Erasure(.exchange(ids[7]), atUs: Int64.max)], in: traffic.directory)
        let sealing = SegmentSealing(directory: traffic.directory, clock: SystemClock())
        let gone = Array(ids[7].textBytes)
        let draft = try #require(
            try sealing.draft(of: old) { line in
                line.array.firstRange(of: gone) == nil ? SegmentLineTraits(startedAtUs: 0, order: 0..<line.count) : nil
            })
        try draft.writeFacts({ nil }, sums: { ([:], nil) })
        try draft.publish()
        _ = try keeper().seal()
        #expect(told.take() == [ids[7]] && told.late == 0)
        #expect(try !isKnown(ids[7]))
    }

    /// Exchanges that nobody has any more go as far as something is kept about them, unless something is held that they may lie in.
    @Test func whatIsUnknownIsForgottenWhereNothingIsHeld() throws {
        _ = try keeper().seal()
        let stranger = Traffic.records(seed: 72, count: 1)[0].head.id
        let file = try #require(try traffic.segments().first)
        try traffic.directory.set(SegmentHold(reason: "case 7", atUs: 5), on: file.stem)
        _ = try erase([stranger])
        #expect(told.take().isEmpty)
        try traffic.directory.liftHold(on: file.stem)
        _ = try keeper().erase()
        #expect(told.take() == [stranger])
    }

    /// Facts that expire take along what is kept about their exchanges.
    @Test func expiredFactsAreTold() throws {
        _ = try keeper().seal()
        var policy = RetentionPolicy()
        (policy.ageUs, policy.factsAgeUs) = (0, 0)
        #expect(try keeper().retain(policy).forgotten == ids.count)
        #expect(told.take() == ids.sorted() && told.late == 0)
        #expect(try traffic.store().count() == 0)
    }

    /// Sidecars that are written anew for other reasons lose nothing.
    @Test func writingAnewForgetsNothing() throws {
        _ = try keeper().seal()
        _ = try keeper().repair()
        _ = try keeper().repriceFacts(sinceUs: nil, untilUs: nil)
        _ = try keeper().erase()
        #expect(told.take().isEmpty)
    }
}
