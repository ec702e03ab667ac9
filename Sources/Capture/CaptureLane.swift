// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform

/// Where the taps of one event loop come from.
///
/// World: loop.
package final class CaptureLane {
    let clock: any Clock
    let limits: CaptureLimits
    let counters: CaptureCounters
    /// Nil where capture is off.
    private let arena: CaptureArena?
    private let signal: CaptureSignal
    private let sharePages: Int
    private var random: LaneRandom
    private var facts = ByteStore(capacity: 2_048)

    init(clock: any Clock, limits: CaptureLimits, counters: CaptureCounters, arena: CaptureArena?, signal: CaptureSignal) {
        self.clock = clock
        self.limits = limits
        self.counters = counters
        self.arena = arena
        self.signal = signal
        sharePages = max(1, limits.arenaShareBytes / ArenaFormat.pageBytes)
        random = LaneRandom(seed: SystemRandom.bits128())
    }

    /// Begins an exchange: its id and its clocks start here.
    ///
    /// One that finds no slot is lost from the beginning and counted now: should the process die, every admitted exchange is
    /// counted or in a slot.
    package func begin() -> CaptureTap {
        let wallUs = clock.wallUs
        let id = ExchangeID(milliseconds: UInt64(clamping: wallUs / 1_000), random: (random.next(), random.next()))
        arena?.memory.add(.admitted)
        let writer = arena?.take(id: id, startedAtUs: wallUs)
        if writer == nil { arena?.lost(signal.isClosed ? .stopped : .full, id, startedAtUs: wallUs) }
        return CaptureTap(lane: self, id: id, wallUs: wallUs, monotonicUs: clock.monotonicUs, writer: writer)
    }

    func append(_ run: ByteRun, kind: UInt8, timeUs: Int64, to place: inout ArenaWriter, isPayload: Bool) -> Int {
        guard let arena else { return 0 }
        let count = arena.append(run, kind: kind, timeUs: timeUs, writer: &place, pages: isPayload ? sharePages : nil)
        if isPayload { arena.memory.add(.payloadBytes, UInt64(count)) }
        return count
    }

    /// Writes the facts; false where there was no room for all of them.
    func writeFacts(_ exchange: borrowing CapturedExchange, isFinal: Bool, to place: inout ArenaWriter) -> Bool {
        facts.writeFacts(exchange, isFinal: isFinal)
        let run = facts.run
        return append(run, kind: ArenaFormat.Kind.facts, timeUs: 0, to: &place, isPayload: false) == run.count
    }

    func noteSpill(_ slot: UInt32, _ spill: SpillBuffer, kinds: UInt64) { arena?.noteSpill(slot, spill, kinds: kinds) }

    func forEachEntry(_ slot: UInt32, _ body: (ArenaEntry) -> Void) {
        _ = arena?.memory.forEachEntry(slot, body)
    }

    /// How an exchange ended for its slot.
    struct End {
        /// All of the facts and heads found room.
        let isWhole: Bool
        let reduction: BodyReduction
        let nowUs: Int64
    }

    /// Hands a slot to the capture thread; one whose facts found no room, or that comes after the end, is dropped and counted.
    func handOver(_ slot: UInt32, _ exchange: borrowing CapturedExchange, _ end: End) {
        guard let arena else { return }
        guard end.isWhole, !signal.isClosed else {
            // Counted before the slot is free: should the process die in between, the exchange is in both, not in neither.
            arena.lost(end.isWhole ? .stopped : .full, exchange.id, startedAtUs: exchange.startedAtUs)
            if let spill = arena.spill(slot) { counters.releaseSpill(spill.heldBytes) }
            return arena.abandon(slot)
        }
        arena.commit(slot, reduction: end.reduction, nowUs: end.nowUs)
        signal.wakeIfAsleep()
    }
}

/// xoshiro256**, seeded once by the system: ids need 74 unpredictable-enough bits without a system call each.
struct LaneRandom {
    private var s: (UInt64, UInt64, UInt64, UInt64)

    init(seed: (high: UInt64, low: UInt64)) {
        s = (seed.high | 1, seed.low, seed.high ^ 0x9E37_79B9_7F4A_7C15, seed.low ^ 0xBF58_476D_1CE4_E5B9)
        for _ in 0..<16 { _ = next() }
    }

    mutating func next() -> UInt64 {
        let result = rotl(s.1 &* 5, 7) &* 9
        let t = s.1 << 17
        s.2 ^= s.0
        s.3 ^= s.1
        s.1 ^= s.2
        s.0 ^= s.3
        s.2 ^= t
        s.3 = rotl(s.3, 45)
        return result
    }

    private func rotl(_ x: UInt64, _ k: UInt64) -> UInt64 { x << k | x >> (64 - k) }
}
