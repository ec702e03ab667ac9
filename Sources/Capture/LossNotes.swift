// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Synchronization

/// Exchanges of one arena that were lost for one reason and that no gap covers yet.
struct LossRun: Equatable {
    let reason: CaptureDropReason
    let count: UInt64
    /// When the first and the last of them began; the first may be earlier than told where its note was lost.
    let firstAtUs: Int64
    let lastAtUs: Int64
    /// Nil where it is not known.
    let firstID: ExchangeID?
    let lastID: ExchangeID
}

/// The notes on the losses of one kind in an arena's header (`notebooks-docs/formats/arena.md`): written as an exchange is lost, so
/// that a gap can say when and which, also after the process died.
///
/// One side writes losses (loop or thread), the thread reads them and writes what gaps cover. A loss is written to one of two
/// places in turn, then counted: the latest counted one is never being written over while its count stands.
struct LossNotes {
    private let memory: ArenaMemory
    private let loss: ArenaFormat.Loss

    /// Words of the first loss that no gap covered: its number, when, id; then of the latest two: when, id.
    private enum Place {
        static let firstNumber = 0
        static let firstAtUs = 8
        static let firstHigh = 16
        static let firstLow = 24
        static let latest = 32
        static let latestBytes = 24
    }

    /// Words of the coverage: losses that gaps in the log cover; how many the gap on its way will cover, and its last id.
    private enum Coverage {
        static let covered = 0
        static let promised = 8
        static let promisedHigh = 16
        static let promisedLow = 24
        static let promisedEpoch = 32
    }

    init(_ memory: ArenaMemory, _ loss: ArenaFormat.Loss) {
        self.memory = memory
        self.loss = loss
    }

    private func load(_ offset: Int) -> UInt64 {
        unsafe memory.word(at: loss.rawValue + offset).pointee.load(ordering: .relaxed)
    }

    private func store(_ offset: Int, _ value: UInt64) {
        unsafe memory.word(at: loss.rawValue + offset).pointee.store(value, ordering: .relaxed)
    }

    private func coverage(_ offset: Int) -> UInt64 {
        unsafe memory.word(at: loss.coverage + offset).pointee.load(ordering: .acquiring)
    }

    private func setCoverage(_ offset: Int, _ value: UInt64) {
        unsafe memory.word(at: loss.coverage + offset).pointee.store(value, ordering: .releasing)
    }

    // MARK: The side that loses

    /// Counts a loss.
    func note(_ id: ExchangeID, startedAtUs: Int64) {
        let counter = unsafe memory.word(at: loss.counter.rawValue)
        let number = unsafe counter.pointee.load(ordering: .relaxed)
        if number == coverage(Coverage.covered) {
            store(Place.firstAtUs, UInt64(bitPattern: startedAtUs))
            store(Place.firstHigh, id.high)
            store(Place.firstLow, id.low)
            store(Place.firstNumber, number)
        }
        let place = Place.latest + Int(number & 1) * Place.latestBytes
        // The latest count is seen before what is written over the note before the last: a reader that meets the new note sees that
        // the count has moved. On arm64 the release of the count alone does not hold later stores back.
        atomicMemoryFence(ordering: .releasing)
        store(place, UInt64(bitPattern: startedAtUs))
        store(place + 8, id.high)
        store(place + 16, id.low)
        unsafe counter.pointee.store(number &+ 1, ordering: .releasing)
    }

    // MARK: The thread

    /// Losses so far.
    var count: UInt64 { unsafe memory.word(at: loss.counter.rawValue).pointee.load(ordering: .acquiring) }

    /// How many of them gaps in the log cover.
    var covered: UInt64 { coverage(Coverage.covered) }

    /// How many will be covered once the gap on its way is in the log; equal to `covered` where none is.
    var promised: UInt64 { max(covered, coverage(Coverage.promised)) }

    /// The last id of the gap that was on its way.
    var promisedID: ExchangeID { ExchangeID(high: coverage(Coverage.promisedHigh), low: coverage(Coverage.promisedLow)) }

    /// The epoch of the writer that it was given to.
    var promisedEpoch: UInt64 { coverage(Coverage.promisedEpoch) }

    /// The losses that no gap covers, or nil where there are none.
    func uncovered(_ reason: CaptureDropReason) -> LossRun? {
        for _ in 0..<1_000 {
            let (count, covered) = (count, covered)
            guard count > covered else { return nil }
            let place = Place.latest + Int((count &- 1) & 1) * Place.latestBytes
            let lastAtUs = Int64(bitPattern: load(place))
            let lastID = ExchangeID(high: load(place + 8), low: load(place + 16))
            let isFirstKnown = load(Place.firstNumber) == covered
            let firstAtUs = isFirstKnown ? Int64(bitPattern: load(Place.firstAtUs)) : lastAtUs
            let firstID = isFirstKnown ? ExchangeID(high: load(Place.firstHigh), low: load(Place.firstLow)) : nil
            atomicMemoryFence(ordering: .acquiring)
            // Another loss was counted meanwhile: what was read may be torn.
            guard self.count == count else { continue }
            return LossRun(
                reason: reason, count: count - covered, firstAtUs: min(firstAtUs, lastAtUs), lastAtUs: lastAtUs,
                firstID: count - covered == 1 ? lastID : firstID, lastID: lastID)
        }
        return nil
    }

    /// Says that some of those that no gap covers are no losses: their records have reached a segment.
    func cover(_ more: UInt64) { setCoverage(Coverage.covered, min(count, covered + more)) }

    /// Says which gap is about to be written, before it is.
    func promise(_ run: LossRun, epoch: UInt64) {
        // Id before number: a number that stands has its id.
        setCoverage(Coverage.promisedEpoch, epoch)
        setCoverage(Coverage.promisedHigh, run.lastID.high)
        setCoverage(Coverage.promisedLow, run.lastID.low)
        setCoverage(Coverage.promised, covered + run.count)
    }

    /// Takes the promise back: the log refused the gap.
    func withdraw() { setCoverage(Coverage.promised, covered) }

    /// The promised gap is in the log.
    func keepPromise() { setCoverage(Coverage.covered, promised) }
}
