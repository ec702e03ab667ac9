// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// One exchange as it lies in an arena and beside it: heads, bodies, arrivals and facts, copied only where a body is in pieces.
///
/// World: thread; used again for one exchange after the other. What it gives out is good until the next `read`, and as long as the
/// slot is not given back.
final class ExchangeView {
    private(set) var id = ExchangeID(high: 0, low: 0)
    private(set) var startedAtUs: Int64 = 0
    private(set) var facts = ExchangeFacts()
    private(set) var hasFacts = false
    /// Bytes that the facts' texts are parts of.
    private(set) var factByteCount = 0
    private(set) var requestHead = ByteRun.empty
    private(set) var responseHead = ByteRun.empty
    private(set) var requestBody = ByteRun.empty
    private(set) var responseBody = ByteRun.empty
    /// The last bytes of bodies whose middle is not held; empty where all is held that ever will be.
    private(set) var requestTail = ByteRun.empty
    private(set) var responseTail = ByteRun.empty
    private(set) var responseHeadUs: Int64?
    private(set) var lastArrivalUs: Int64?
    /// What is to be stored of the bodies; set anew for each exchange.
    var treatment = BodyTreatment.whole
    /// What replaces personal data; set anew for each exchange.
    var redactor: DataRedactor?
    private var entries = GatheredEntries()

    var arrivals: ArrivalLog { entries.arrivals }

    /// Whether the end of a body came: with a process that died only that of a request may have.
    var hasRequestEnd: Bool { facts.outcome != .gatewayCrashed || facts.requestReceivedUs != nil }
    var hasResponseEnd: Bool { facts.outcome != .gatewayCrashed }
    /// Whether a whole body is held, so that its digest can be told.
    var holdsWholeRequest: Bool { facts.requestKept == .full && hasRequestEnd }
    var holdsWholeResponse: Bool { facts.responseKept == .full && hasResponseEnd }

    /// Reads a slot; false where its chain cannot be true.
    ///
    /// Where that is so, what was read up to the fault is there.
    func read(_ memory: ArenaMemory, slot: UInt32, spill: SpillBuffer?) -> Bool {
        id = memory.id(slot)
        startedAtUs = memory.startedAtUs(slot)
        let (isSound, runs) = entries.read(memory, slot: slot, spill: spill)
        (requestHead, responseHead) = (runs.requestHead, runs.responseHead)
        (requestBody, responseBody) = (runs.requestBody, runs.responseBody)
        (requestTail, responseTail) = (runs.requestTail, runs.responseTail)
        treatment = .whole
        redactor = nil
        (responseHeadUs, lastArrivalUs) = (runs.responseHeadUs, runs.lastArrivalUs)
        factByteCount = runs.facts.count
        hasFacts = facts.read(runs.facts)
        if !hasFacts { facts = ExchangeFacts() }
        settle(spilledKinds: memory.slotWord(slot, ArenaFormat.Slot.spilled))
        return isSound
    }

    /// Says what is held where the facts do not: of an exchange cut short, or whose payload beside the arena died with its process.
    private func settle(spilledKinds: UInt64) {
        let isFinal = facts.isFinal
        func settled(_ held: Int, _ wire: Int64, _ said: BodyKept, kind: UInt8) -> (wire: Int64, kept: BodyKept) {
            let isPart = isFinal ? wire > Int64(held) : spilledKinds >> UInt64(kind) & 1 == 1
            let count = isFinal ? max(wire, Int64(held)) : Int64(held)
            guard said == .full, isPart else { return (count, said) }
            return (count, held > 0 ? .headTail : .none)
        }
        let request = settled(
            requestBody.count, facts.requestWireCount, facts.requestKept, kind: ArenaFormat.Kind.requestBody)
        let response = settled(
            responseBody.count, facts.responseWireCount, facts.responseKept, kind: ArenaFormat.Kind.responseBody)
        (facts.requestWireCount, facts.requestKept) = request
        (facts.responseWireCount, facts.responseKept) = response
    }

    /// Makes it the exchange of a process that died: what had been seen, and no end.
    func markCrashed() {
        facts.outcome = .gatewayCrashed
        facts.errorSource = .gateway
        facts.errorCode = nil
        facts.endedUs = nil
        if facts.firstByteUs == nil { facts.firstByteUs = responseHeadUs }
        facts.lastByteUs = lastArrivalUs
        if facts.status == nil, responseHead.count > 12 {
            facts.status = ASCIIInteger.parse(responseHead.slice(9, 12).array)
        }
    }
}

/// The entries of a slot, put together by kind; a value, so that filling it is not guarded access by access.
private struct GatheredEntries: ~Copyable {
    /// What `read` puts together.
    struct Runs {
        let requestHead: ByteRun
        let responseHead: ByteRun
        let requestBody: ByteRun
        let responseBody: ByteRun
        let requestTail: ByteRun
        let responseTail: ByteRun
        let facts: ByteRun
        let responseHeadUs: Int64?
        let lastArrivalUs: Int64?
    }

    private(set) var arrivals = ArrivalLog()
    private var responseHeadUs: Int64?
    private var lastArrivalUs: Int64?
    private var requestHead = GatheredBytes()
    private var responseHead = GatheredBytes()
    private var requestBody = GatheredBytes()
    private var responseBody = GatheredBytes()
    private var facts = GatheredBytes()
    private var requestTail = ByteStore(capacity: 64)
    private var responseTail = ByteStore(capacity: 64)

    mutating func read(_ memory: ArenaMemory, slot: UInt32, spill: SpillBuffer?) -> (isSound: Bool, runs: Runs) {
        arrivals.reset()
        (responseHeadUs, lastArrivalUs) = (nil, nil)
        requestHead.reset()
        responseHead.reset()
        requestBody.reset()
        responseBody.reset()
        facts.reset()
        let isSound = memory.forEachEntry(slot) { add($0) }
        spill?.forEachEntry { add($0) }
        if let spill { readTails(spill) }
        let hasTails = spill?.hasTails ?? false
        return (
            isSound,
            Runs(
                requestHead: requestHead.run, responseHead: responseHead.run, requestBody: requestBody.run,
                responseBody: responseBody.run, requestTail: hasTails ? requestTail.run : .empty,
                responseTail: hasTails ? responseTail.run : .empty, facts: facts.run, responseHeadUs: responseHeadUs,
                lastArrivalUs: lastArrivalUs)
        )
    }

    private mutating func readTails(_ spill: SpillBuffer) {
        requestTail.reset(keeping: 64)
        responseTail.reset(keeping: 64)
        spill.requestTail?.copy(to: &requestTail)
        spill.responseTail?.copy(to: &responseTail)
    }

    private mutating func add(_ entry: ArenaEntry) {
        switch entry.kind {
        case ArenaFormat.Kind.requestHead: requestHead.add(entry.bytes)
        case ArenaFormat.Kind.requestBody: requestBody.add(entry.bytes)
        case ArenaFormat.Kind.responseHead:
            if responseHeadUs == nil { responseHeadUs = entry.timeUs }
            responseHead.add(entry.bytes)
        case ArenaFormat.Kind.responseBody:
            if !entry.isContinued { arrivals.note(offset: Int64(responseBody.count), timeUs: entry.timeUs) }
            lastArrivalUs = entry.timeUs
            responseBody.add(entry.bytes)
        case ArenaFormat.Kind.facts:
            if !entry.isContinued { facts.reset() }
            facts.add(entry.bytes)
        default: break
        }
    }
}

/// Bytes that came in pieces, as one run: the first piece is not copied, unless there is a second.
private struct GatheredBytes: ~Copyable {
    /// Memory kept from one exchange to the next, bytes.
    private static let keptBytes = 1 << 20
    private var only = ByteRun.empty
    private var isCopied = false
    private var store = ByteStore(capacity: 1_024)

    var run: ByteRun { isCopied ? store.run : only }
    var count: Int { isCopied ? store.count : only.count }

    mutating func reset() {
        only = .empty
        if isCopied { store.reset(keeping: GatheredBytes.keptBytes) }
        isCopied = false
    }

    mutating func add(_ piece: ByteRun) {
        guard !only.isEmpty || isCopied else { return only = piece }
        if !isCopied {
            store.append(only)
            isCopied = true
        }
        store.append(piece)
    }
}
