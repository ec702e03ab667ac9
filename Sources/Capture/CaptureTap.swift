// SPDX-License-Identifier: Apache-2.0
import Crypto
package import ExchangeModel
import Platform

/// The tap on one exchange: bytes are copied as they pass, and handed over once the exchange has ended.
///
/// World: loop; made by a `CaptureLane`, used on its loop only. Nothing here waits, throws, makes a system call or takes a lock but
/// the mailbox's. This type is the whole border between the hot path and capture: what lies behind it may change.
package final class CaptureTap {
    /// What the Gateway knows of the exchange; it fills this in as it learns it.
    package var exchange: CapturedExchange
    private let lane: CaptureLane
    private let startedMonotonicUs: Int64
    private var heldBytes = 0
    private var isCommitted = false
    private var requestDigest: SHA256?
    private var responseDigest: SHA256?

    init(lane: CaptureLane, id: ExchangeID, wallUs: Int64, monotonicUs: Int64) {
        self.lane = lane
        startedMonotonicUs = monotonicUs
        exchange = CapturedExchange(id: id, startedAtUs: wallUs)
    }

    deinit {
        lane.counters.releaseInFlight(heldBytes)
    }

    /// The exchange's id.
    package var id: ExchangeID { exchange.id }

    /// Microseconds since the exchange began, on one monotonic clock.
    package func nowUs() -> Int64 { lane.clock.monotonicUs - startedMonotonicUs }

    /// Copies a run of the request's payload.
    package func requestBytes(_ bytes: UnsafeRawBufferPointer) {
        unsafe keep(bytes, in: \.requestBody, digest: &requestDigest)
    }

    /// Copies a run of the answer's payload and notes when it came.
    package func responseBytes(_ bytes: UnsafeRawBufferPointer) {
        exchange.arrivals.note(offset: exchange.responseBody.wireCount, timeUs: nowUs())
        unsafe keep(bytes, in: \.responseBody, digest: &responseDigest)
    }

    /// Ends the exchange and hands it over; only the first of several calls counts.
    ///
    /// Called before the caller can know that its answer is whole.
    /// - Parameter outcome: how it ended.
    package func commit(_ outcome: Outcome) {
        guard !isCommitted else { return }
        isCommitted = true
        exchange.outcome = outcome
        exchange.endedUs = nowUs()
        if exchange.lastByteUs == nil { exchange.lastByteUs = exchange.arrivals.lastTimeUs }
        if let digest = requestDigest { exchange.requestBody.sha256 = BodyDigest.hex(digest) }
        if let digest = responseDigest { exchange.responseBody.sha256 = BodyDigest.hex(digest) }
        lane.handOver(&exchange)
        lane.counters.releaseInFlight(heldBytes)
        heldBytes = 0
    }

    private func keep(
        _ bytes: UnsafeRawBufferPointer, in path: WritableKeyPath<CapturedExchange, CapturedBody>, digest: inout SHA256?
    ) {
        guard !isCommitted else { return }
        let count = bytes.count
        exchange[keyPath: path].wireCount += Int64(count)
        guard exchange[keyPath: path].kept == .full else {
            unsafe digest?.update(bufferPointer: bytes)
            return
        }
        let held = exchange[keyPath: path].bytes.count
        let kept = min(count, lane.limits.bodyBytes - held)
        let isReserved = lane.counters.reserveInFlight(kept, limit: lane.limits.inFlightBytes)
        if kept < count || !isReserved {
            digest = SHA256()
            digest?.update(data: exchange[keyPath: path].bytes)
            unsafe digest?.update(bufferPointer: bytes)
        }
        guard isReserved else {
            lane.counters.releaseInFlight(held)
            heldBytes -= held
            return exchange[keyPath: path].drop()
        }
        heldBytes += kept
        unsafe exchange[keyPath: path].bytes.append(contentsOf: bytes.prefix(kept))
        if kept < count { exchange[keyPath: path].kept = .headTail }
    }
}

/// Where the taps of one event loop come from.
///
/// World: loop.
package final class CaptureLane {
    let clock: any Clock
    let limits: CaptureLimits
    let counters: CaptureCounters
    private let mailbox: Mailbox<CapturedExchange>
    private var random: LaneRandom

    init(clock: any Clock, limits: CaptureLimits, counters: CaptureCounters, mailbox: Mailbox<CapturedExchange>) {
        self.clock = clock
        self.limits = limits
        self.counters = counters
        self.mailbox = mailbox
        random = LaneRandom(seed: SystemRandom.bits128())
    }

    /// Begins an exchange: its id and its clocks start here.
    package func begin() -> CaptureTap {
        counters.admit()
        let wallUs = clock.wallUs
        let id = ExchangeID(milliseconds: UInt64(clamping: wallUs / 1_000), random: (random.next(), random.next()))
        return CaptureTap(lane: self, id: id, wallUs: wallUs, monotonicUs: clock.monotonicUs)
    }

    /// Full, the queue takes exchanges without their bodies; fuller still, it drops the newest, and both are counted.
    func handOver(_ exchange: inout CapturedExchange) {
        let isWithin = mailbox.heldWeight + exchange.weight <= limits.reducedFromBytes
        if isWithin, mailbox.offer(exchange, weight: exchange.weight) {
            if exchange.isReduced { counters.reduce() }
            return
        }
        exchange.dropBodies()
        guard mailbox.offer(exchange, weight: exchange.weight) else { return counters.drop() }
        if exchange.isReduced { counters.reduce() }
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
