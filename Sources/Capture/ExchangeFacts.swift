// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// The facts of an exchange as runs of the bytes they were written to; good as long as those are.
struct ExchangeFacts {
    var requestReceivedUs: Int64?
    var upstreamSentUs: Int64?
    var firstByteUs: Int64?
    var lastByteUs: Int64?
    var endedUs: Int64?
    var status: Int64?
    var requestWireCount: Int64 = 0
    var responseWireCount: Int64 = 0
    var outcome = Outcome.gatewayFailed
    var errorSource: ErrorSource?
    var requestKept = BodyKept.full
    var responseKept = BodyKept.full
    var responseStream = false
    /// Written at the commit, not before.
    var isFinal = false
    var upstreamURL: ByteRun?
    var provider = ByteRun.empty
    var api: ByteRun?
    var deployment: ByteRun?
    var errorCode: ByteRun?
    var keyID: ByteRun?
    var requestSHA256: ByteRun?
    var responseSHA256: ByteRun?
    var environment: ByteRun?
    var task: ByteRun?
    var metadata: [(name: ByteRun, value: ByteRun)] = []
    var attempts: [AttemptFacts] = []

    struct AttemptFacts {
        var n: Int64 = 0
        var startedUs: Int64 = 0
        var connectedUs: Int64?
        var requestSentUs: Int64?
        var firstByteUs: Int64?
        var endedUs: Int64?
        var status: Int64?
        var outcome: Outcome?
        var deployment: ByteRun?
        var upstreamURL: ByteRun?
        var retryReason: ByteRun?
    }

    /// Reads facts over the old ones, their arrays used again; false where the bytes are not whole facts.
    mutating func read(_ run: ByteRun) -> Bool {
        var reader = FactsReader(run: run)
        metadata.removeAll(keepingCapacity: true)
        attempts.removeAll(keepingCapacity: true)
        (requestReceivedUs, upstreamSentUs, firstByteUs) = (reader.time(), reader.time(), reader.time())
        (lastByteUs, endedUs, status) = (reader.time(), reader.time(), reader.time())
        requestWireCount = reader.integer()
        responseWireCount = reader.integer()
        let codes = UInt64(bitPattern: reader.integer())
        func code(_ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: codes >> (index * 8)) }
        guard let outcome = Outcome(code: code(0)), let requestKept = BodyKept(code: code(2)),
            let responseKept = BodyKept(code: code(3)), !reader.hasFailed
        else { return false }
        self.outcome = outcome
        errorSource = ErrorSource?(code: code(1))
        self.requestKept = requestKept
        self.responseKept = responseKept
        responseStream = code(4) == 1
        isFinal = code(5) == 1
        upstreamURL = reader.text()
        provider = reader.text() ?? .empty
        api = reader.text()
        deployment = reader.text()
        errorCode = reader.text()
        keyID = reader.text()
        requestSHA256 = reader.text()
        responseSHA256 = reader.text()
        environment = reader.text()
        task = reader.text()
        let items = reader.integer()
        guard items >= 0, items <= Int64(FactsFormat.metadataLimit) else { return false }
        for _ in 0..<items { metadata.append((reader.text() ?? .empty, reader.text() ?? .empty)) }
        for _ in 0..<min(Int(code(6)), FactsFormat.attemptLimit) { attempts.append(readAttempt(&reader)) }
        return !reader.hasFailed && reader.isAtEnd
    }

    private func readAttempt(_ reader: inout FactsReader) -> AttemptFacts {
        var attempt = AttemptFacts()
        attempt.n = reader.integer()
        attempt.startedUs = reader.integer()
        (attempt.connectedUs, attempt.requestSentUs, attempt.firstByteUs) = (reader.time(), reader.time(), reader.time())
        (attempt.endedUs, attempt.status) = (reader.time(), reader.time())
        attempt.outcome = Outcome(code: UInt8(truncatingIfNeeded: reader.integer()))
        attempt.deployment = reader.text()
        attempt.upstreamURL = reader.text(same: upstreamURL)
        attempt.retryReason = reader.text()
        return attempt
    }
}

/// Takes facts apart, never beyond their end.
private struct FactsReader {
    let run: ByteRun
    private var at = 0
    private(set) var hasFailed = false

    init(run: ByteRun) { self.run = run }

    var isAtEnd: Bool { at == run.count }

    mutating func integer() -> Int64 {
        guard !hasFailed, run.count - at >= 8 else {
            hasFailed = true
            return 0
        }
        defer { at += 8 }
        return unsafe run.base.loadUnaligned(fromByteOffset: at, as: Int64.self)
    }

    mutating func time() -> Int64? {
        let value = integer()
        return value == FactsFormat.absentTime ? nil : value
    }

    mutating func text(same: ByteRun? = nil) -> ByteRun? {
        guard !hasFailed, run.count - at >= 4 else {
            hasFailed = true
            return nil
        }
        let length = unsafe run.base.loadUnaligned(fromByteOffset: at, as: UInt32.self)
        at += 4
        if length == FactsFormat.absentText { return nil }
        if length == FactsFormat.sameText { return same }
        guard Int(length) <= run.count - at else {
            hasFailed = true
            return nil
        }
        defer { at += Int(length) }
        return run.slice(at, at + Int(length))
    }
}
