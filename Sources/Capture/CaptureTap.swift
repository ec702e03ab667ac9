// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import ExchangeModel
import Platform

/// The tap on one exchange: bytes are copied into the arena as they pass, and handed over once the exchange has ended.
///
/// World: loop; made by a `CaptureLane`, used on its loop only. Nothing here waits, throws, takes a lock or makes a system call. This
/// type is the whole border between the hot path and capture: what lies behind it may change. Order of calls: `requestHead`, then
/// the rest as it comes, `commit` before the caller can know that its answer is whole.
package final class CaptureTap {
    /// What the Gateway knows of the exchange; it fills this in as it learns it.
    package var exchange: CapturedExchange
    private let lane: CaptureLane
    private let startedMonotonicUs: Int64
    /// Nil where nothing is captured: capture is off, or the arena was full.
    private var writer: ArenaWriter?
    private var spill: SpillBuffer?
    /// A bit for each kind of entry that went beside the arena.
    private var spilledKinds: UInt64 = 0
    private var lastArrivalUs: Int64?
    private var isCommitted = false
    /// The arena had no page for all of a head: half a head would pass for a whole one.
    private var headIsShort = false
    private var requestDigest: SHA256?
    private var responseDigest: SHA256?
    /// The ends of bodies that are not kept whole.
    private var requestTail: TailRing?
    private var responseTail: TailRing?
    /// A body was cut because there was no room, and not because it was too long.
    private var lacksRoom = false

    init(lane: CaptureLane, id: ExchangeID, wallUs: Int64, monotonicUs: Int64, writer: ArenaWriter?) {
        self.lane = lane
        self.writer = writer
        startedMonotonicUs = monotonicUs
        exchange = CapturedExchange(id: id, startedAtUs: wallUs)
    }

    deinit {
        // A tap that was let go of without an end is a fault of ours, and still an exchange that was admitted.
        if !isCommitted { commit(.gatewayFailed) }
    }

    /// The exchange's id.
    package var id: ExchangeID { exchange.id }

    /// Microseconds since the exchange began, on one monotonic clock.
    package func nowUs() -> Int64 { lane.clock.monotonicUs - startedMonotonicUs }

    /// Copies the caller's head as it came, start line to closing empty line; several runs are joined.
    package func requestHead(_ bytes: UnsafeRawBufferPointer) {
        unsafe head(bytes, kind: ArenaFormat.Kind.requestHead, timeUs: 0)
    }

    /// Copies the provider's head as it came; several runs are joined.
    package func responseHead(_ bytes: UnsafeRawBufferPointer) {
        unsafe head(bytes, kind: ArenaFormat.Kind.responseHead, timeUs: exchange.firstByteUs ?? nowUs())
    }

    /// Copies a run of the request's payload.
    package func requestBytes(_ bytes: UnsafeRawBufferPointer) {
        keep(
            unsafe ByteRun(bytes), kind: ArenaFormat.Kind.requestBody, timeUs: 0, in: &exchange.requestBody, &requestDigest,
            &requestTail)
    }

    /// Copies a run of the answer's payload and notes when it came: `now` of `nowUs`.
    package func responseBytes(_ bytes: UnsafeRawBufferPointer, at now: Int64) {
        lastArrivalUs = now
        keep(
            unsafe ByteRun(bytes), kind: ArenaFormat.Kind.responseBody, timeUs: now, in: &exchange.responseBody, &responseDigest,
            &responseTail)
    }

    /// Writes what is known so far into the arena, for the record that is made should the process die; optional.
    package func checkpoint() {
        guard writer != nil, !isCommitted else { return }
        _ = writeFacts(isFinal: false)
    }

    /// Ends the exchange and hands it over; only the first of several calls counts.
    ///
    /// Called before the caller can know that its answer is whole.
    /// - Parameters:
    ///   - outcome: how it ended.
    ///   - endedUs: when, of `nowUs`; nil: now.
    package func commit(_ outcome: Outcome, at endedUs: Int64? = nil) {
        guard !isCommitted else { return }
        isCommitted = true
        let now = endedUs ?? nowUs()
        exchange.outcome = outcome
        exchange.endedUs = now
        if exchange.lastByteUs == nil { exchange.lastByteUs = lastArrivalUs }
        guard let writer else { return }
        if let digest = requestDigest, exchange.requestBody.kept != .full {
            exchange.requestBody.sha256 = BodyDigest.hex(digest)
        }
        if let digest = responseDigest, exchange.responseBody.kept != .full {
            exchange.responseBody.sha256 = BodyDigest.hex(digest)
        }
        let isReduced = exchange.requestBody.kept != .full || exchange.responseBody.kept != .full
        if isReduced { handTailsOver(writer.slot) }
        let isWhole = writeFacts(isFinal: true) && !headIsShort
        let end = CaptureLane.End(
            isWhole: isWhole, reduction: isReduced ? (lacksRoom ? .room : .limit) : .nothing, nowUs: now + startedMonotonicUs)
        lane.handOver(writer.slot, exchange, end)
        self.writer = nil
        spill = nil
    }

    /// The ends of bodies lie in plain memory: like all that does, they do not survive the process.
    private func handTailsOver(_ slot: UInt32) {
        guard requestTail != nil || responseTail != nil else { return }
        let spill = spill ?? SpillBuffer()
        spill.requestTail = requestTail
        spill.responseTail = responseTail
        lane.noteSpill(slot, spill, kinds: spilledKinds)
    }

    private func writeFacts(isFinal: Bool) -> Bool {
        guard var place = writer else { return false }
        defer { writer = place }
        return lane.writeFacts(exchange, isFinal: isFinal, to: &place)
    }

    private func head(_ bytes: UnsafeRawBufferPointer, kind: UInt8, timeUs: Int64) {
        guard var place = writer, !isCommitted, bytes.count > 0 else { return }
        let held = lane.append(unsafe ByteRun(bytes), kind: kind, timeUs: timeUs, to: &place, isPayload: false)
        if held < bytes.count { headIsShort = true }
        writer = place
    }

    private func keep(
        _ run: ByteRun, kind: UInt8, timeUs: Int64, in body: inout BodyTally, _ digest: inout SHA256?, _ tail: inout TailRing?
    ) {
        guard !isCommitted, !run.isEmpty else { return }
        body.wireCount += Int64(run.count)
        guard writer != nil else { return }
        var kept = 0
        if body.kept == .full {
            kept = store(run.slice(0, min(run.count, lane.limits.bodyBytes - body.heldCount)), kind: kind, timeUs: timeUs)
        }
        // From here on a digest of the whole may be asked for: begun late, so that small bodies cost none.
        if digest == nil, kept < run.count || body.heldCount + kept > lane.limits.digestFromBytes {
            digest = digestHeld(kind: kind, count: body.heldCount)
        }
        unsafe digest?.update(bufferPointer: UnsafeRawBufferPointer(start: run.base, count: run.count))
        body.heldCount += kept
        guard kept < run.count else { return }
        if body.kept == .full {
            body.kept = body.heldCount > 0 ? .headTail : .none
            if body.heldCount < lane.limits.bodyBytes { lacksRoom = true }
        }
        keepTail(run.slice(kept, run.count), in: body, &tail)
    }

    /// What is not held goes through a ring, so that the end is there: of an answer it tells the usage.
    private func keepTail(_ run: ByteRun, in body: BodyTally, _ tail: inout TailRing?) {
        if tail == nil {
            // Without a head there is nothing that a tail could belong to.
            guard body.heldCount > 0,
                lane.counters.reserveSpill(
                    TailRing.bytes, limit: lane.limits.spillBytes + CaptureLimits.tailsBytes)
            else { return }
            tail = TailRing()
        }
        tail?.append(run)
    }

    private func store(_ run: ByteRun, kind: UInt8, timeUs: Int64) -> Int {
        guard !run.isEmpty, var place = writer else { return 0 }
        var done = 0
        if spill == nil {
            done = lane.append(run, kind: kind, timeUs: timeUs, to: &place, isPayload: true)
            writer = place
            guard done < run.count else { return done }
            spill = SpillBuffer()
        }
        if spilledKinds >> UInt64(kind) & 1 == 0, let spill {
            spilledKinds |= 1 << UInt64(kind)
            lane.noteSpill(place.slot, spill, kinds: spilledKinds)
        }
        let rest = run.slice(done, run.count)
        let counters = lane.counters
        let limit = lane.limits.spillBytes
        return done
            + (spill?.append(rest, kind: kind, timeUs: timeUs, isContinued: done > 0) {
                counters.reserveSpill($0, limit: limit)
            } ?? 0)
    }

    /// The digest of the first bytes of a body, read back from where they are held; bounded by `digestFromBytes` and one run.
    private func digestHeld(kind: UInt8, count: Int) -> SHA256 {
        var digest = SHA256()
        var left = count
        let add: (ArenaEntry) -> Void = { entry in
            guard entry.kind == kind, left > 0 else { return }
            let part = min(left, entry.bytes.count)
            unsafe digest.update(bufferPointer: UnsafeRawBufferPointer(start: entry.bytes.base, count: part))
            left -= part
        }
        if let slot = writer?.slot { lane.forEachEntry(slot, add) }
        spill?.forEachEntry(add)
        return digest
    }
}
