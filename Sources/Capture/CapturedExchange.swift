// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// What the Gateway knows of one exchange beside its bytes; filled in on the loop, written into the arena at the commit.
///
/// It belongs to its tap and is never copied: that would be a dozen references for each look at it.
package struct CapturedExchange: ~Copyable, Sendable {
    /// The exchange's id.
    package let id: ExchangeID
    /// When the request head came, since the Unix epoch.
    package let startedAtUs: Int64
    /// Catalogue name or host.
    package var provider = ""
    /// API family by route; nil is opaque.
    package var api: APIFamily?
    /// With routing; nil without.
    package var deployment: String?
    /// Scheme, host, port, path.
    package var upstreamURL: String?
    /// Id of the gateway key; nil leaves the name to a keyed hash of the caller's credential, an empty one gives none: a
    /// gateway key was asked for, and no known one came.
    package var keyID: String?
    /// Task and environment named by the path; a header beats them.
    package var pathAttribution = Attribution()
    /// Status sent to the caller.
    package var status: Int?
    /// How it ended.
    package var outcome = Outcome.gatewayFailed
    /// Who caused an error.
    package var errorSource: ErrorSource?
    /// Weir's own code for it.
    package var errorCode: String?
    /// Request body complete.
    package var requestReceivedUs: Int64?
    /// Last request byte written upstream.
    package var upstreamSentUs: Int64?
    /// Answer head received.
    package var firstByteUs: Int64?
    /// Last answer byte received.
    package var lastByteUs: Int64?
    /// All done.
    package var endedUs: Int64?
    /// The answer came as a stream.
    package var responseStream = false
    /// Every send to a provider, in order; the last one may be running.
    package var attempts: [Attempt] = []
    var requestBody = BodyTally()
    var responseBody = BodyTally()

    init(id: ExchangeID, startedAtUs: Int64) {
        self.id = id
        self.startedAtUs = startedAtUs
    }

    /// Notes something of the latest attempt, where there is one.
    package mutating func withLastAttempt(_ change: (inout Attempt) -> Void) {
        guard !attempts.isEmpty else { return }
        change(&attempts[attempts.count - 1])
    }
}

/// How much of one body passed, and how much of it is held.
struct BodyTally: Sendable {
    /// Payload bytes that passed, kept or not.
    var wireCount: Int64 = 0
    /// Of those, bytes in the arena or beside it: always the first ones.
    var heldCount = 0
    var kept = BodyKept.full
    /// Hex SHA-256 of the whole, where only its beginning is kept.
    var sha256: String?
}

/// When which bytes of an answer came; bounded by joining neighbours once it is full.
struct ArrivalLog: Sendable {
    private(set) var items: [ChunkArrival] = []
    /// The first arrivals are never joined: time to first token is read off them.
    private static let exactPrefix = 64

    mutating func note(offset: Int64, timeUs: Int64) {
        if items.count >= ExchangeRecord.chunkLimit { halve() }
        items.append(ChunkArrival(offset: offset, timeUs: timeUs))
    }

    /// Joins pairs: the joined run begins where the first began and is there when the second was.
    private mutating func halve() {
        var joined = Array(items[..<ArrivalLog.exactPrefix])
        var i = ArrivalLog.exactPrefix
        while i < items.count {
            let time = i + 1 < items.count ? items[i + 1].timeUs : items[i].timeUs
            joined.append(ChunkArrival(offset: items[i].offset, timeUs: time))
            i += 2
        }
        items = joined
    }

    /// Forgets everything, for the next exchange.
    mutating func reset() { items.removeAll(keepingCapacity: true) }

    /// Forgets arrivals of bytes that are not stored.
    mutating func cut(at count: Int) { items.removeAll { $0.offset >= Int64(count) } }

    /// Keeps the arrivals of a head and of a tail that now begins where the head ends.
    ///
    /// - Parameters:
    ///   - head: bytes of the head.
    ///   - tail: bytes of the tail; 0 where there is none.
    ///   - count: bytes of the body before it was cut.
    mutating func cut(head: Int, tail: Int, of count: Int) {
        guard tail > 0 else { return cut(at: head) }
        let tailStart = Int64(count - tail)
        let moved = tailStart - Int64(head)
        var kept = items.filter { $0.offset < Int64(head) }
        if let first = items.last(where: { $0.offset <= tailStart }) {
            kept.append(ChunkArrival(offset: Int64(head), timeUs: first.timeUs))
        }
        for item in items where item.offset > tailStart {
            kept.append(ChunkArrival(offset: item.offset - moved, timeUs: item.timeUs))
        }
        items = kept
    }

    /// Moves every arrival to where its byte is now.
    mutating func move(_ moved: (Int) -> Int) {
        for index in items.indices {
            let item = items[index]
            items[index] = ChunkArrival(offset: Int64(moved(Int(clamping: item.offset))), timeUs: item.timeUs)
        }
    }

    mutating func replace(_ arrivals: [ChunkArrival]) { items = arrivals }
}
