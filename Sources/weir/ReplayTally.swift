// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import Outbound

/// What is compared of an exchange, then and now.
struct ReplayFigures: Sendable, Equatable {
    var durationUs: Int64?
    var firstByteUs: Int64?
    var ttftUs: Int64?
    var inputTokens: Int64?
    var outputTokens: Int64?

    init() {}

    init(_ record: ExchangeRecord) {
        let reading = ExchangeReader.read(record)
        durationUs = record.head.endedUs
        firstByteUs = record.head.firstByteUs
        ttftUs = reading.ttftUs
        inputTokens = reading.usage.inputTotal
        outputTokens = reading.usage.outputTotal
    }
}

/// One exchange that was sent again.
struct ReplayResult: Sendable {
    let id: ExchangeID
    let recordedStatus: Int?
    let recorded: ReplayFigures
    let lateUs: Int64
    /// Nil where no answer came.
    var status: Int?
    var now = ReplayFigures()
    /// Why no answer came.
    var error: OutboundError.Code?

    init(_ record: ExchangeRecord, lateUs: Int64) {
        id = record.head.id
        recordedStatus = record.head.status
        recorded = ReplayFigures(record)
        self.lateUs = lateUs
    }

    /// Whether the class of the status is another; no answer is a difference, a recording without a status is none.
    var differs: Bool {
        guard let status else { return true }
        return recordedStatus.map { $0 / 100 != status / 100 } ?? false
    }
}

/// A measure then and now, of the exchanges that have it on both sides.
struct ReplayMeasure: Sendable {
    private(set) var then: [Int64] = []
    private(set) var now: [Int64] = []

    mutating func add(_ a: Int64?, _ b: Int64?) {
        guard let a, let b else { return }
        then.append(a)
        now.append(b)
    }

    /// The value at a rank, nearest rank with p in per-mille (`record.md`); the values are sorted.
    static func percentile(_ perMille: Int, of sorted: [Int64]) -> Int64? {
        guard !sorted.isEmpty else { return nil }
        return sorted[max(0, (perMille * sorted.count + 999) / 1_000 - 1)]
    }
}

/// A change of status.
struct ReplayChange: Hashable, Sendable {
    /// Nil where the recording has none.
    let then: Int?
    /// Nil where no answer came.
    let now: Int?
}

/// What a replay has done so far.
struct ReplayTally: Sendable {
    /// Differing exchanges that are named.
    static let namedMax = 100

    private(set) var sent = 0
    private(set) var answered = 0
    private(set) var differing = 0
    /// Sent later than due because every thread was busy.
    private(set) var late = 0
    private(set) var latestUs: Int64 = 0
    /// Records that could not be read again, with the first reason.
    private(set) var unsent = 0
    private(set) var unsentReason: String?
    /// Taken, but held back when the replay was stopped.
    private(set) var heldBack = 0
    private(set) var statuses: [Int: Int] = [:]
    private(set) var errors: [String: Int] = [:]
    private(set) var changes: [ReplayChange: Int] = [:]
    private(set) var named: [(id: ExchangeID, change: ReplayChange)] = []
    private(set) var duration = ReplayMeasure()
    private(set) var firstByte = ReplayMeasure()
    private(set) var ttft = ReplayMeasure()
    private(set) var inputTokens = ReplayMeasure()
    private(set) var outputTokens = ReplayMeasure()

    mutating func note(_ result: ReplayResult) {
        sent += 1
        if result.lateUs > 0 {
            late += 1
            latestUs = max(latestUs, result.lateUs)
        }
        if let status = result.status {
            answered += 1
            statuses[status, default: 0] += 1
            duration.add(result.recorded.durationUs, result.now.durationUs)
            firstByte.add(result.recorded.firstByteUs, result.now.firstByteUs)
            ttft.add(result.recorded.ttftUs, result.now.ttftUs)
            inputTokens.add(result.recorded.inputTokens, result.now.inputTokens)
            outputTokens.add(result.recorded.outputTokens, result.now.outputTokens)
        }
        if let error = result.error { errors[error.rawValue, default: 0] += 1 }
        let change = ReplayChange(then: result.recordedStatus, now: result.status)
        if change.then != change.now { changes[change, default: 0] += 1 }
        guard result.differs else { return }
        differing += 1
        if named.count < ReplayTally.namedMax { named.append((result.id, change)) }
    }

    mutating func noteUnsent(_ reason: String) {
        unsent += 1
        if unsentReason == nil { unsentReason = reason }
    }

    mutating func noteHeldBack() { heldBack += 1 }
}
