// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// One body as it passed on the wire, content coding and all.
struct CapturedBody: Sendable {
    var bytes: [UInt8] = []
    /// Payload bytes that passed, kept or not.
    var wireCount: Int64 = 0
    var kept = BodyKept.full
    /// Hex SHA-256 of the whole, where only its beginning is kept.
    var sha256: String?

    /// Lets the bytes go; a body that never came stays whole.
    mutating func drop() {
        guard wireCount > 0 else { return }
        bytes = []
        kept = .none
    }
}

/// One finished exchange on its way from a loop to the capture thread: what the loop knows, nothing decoded yet.
///
/// Moved once, owned by one side at a time.
package struct CapturedExchange: Sendable {
    /// The exchange's id.
    package let id: ExchangeID
    /// When the request head came, since the Unix epoch.
    package let startedAtUs: Int64
    /// The caller's head as it came, empty where none could be read.
    package var requestHead: [UInt8] = []
    /// The provider's head as it came, empty where none came.
    package var responseHead: [UInt8] = []
    /// Catalogue name or host.
    package var provider = ""
    /// API family by route; nil is opaque.
    package var api: APIFamily?
    /// With routing; nil without.
    package var deployment: String?
    /// Scheme, host, port, path.
    package var upstreamURL: String?
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
    /// Every send to a provider, in order.
    package var attempts: [Attempt] = []
    var requestBody = CapturedBody()
    var responseBody = CapturedBody()
    var arrivals = ArrivalLog()

    init(id: ExchangeID, startedAtUs: Int64) {
        self.id = id
        self.startedAtUs = startedAtUs
    }

    /// Bytes this holds, for the bounds of the hand-off.
    var weight: Int {
        requestHead.count + responseHead.count + requestBody.bytes.count + responseBody.bytes.count + arrivals.items.count * 16
            + 512
    }

    /// Lets the bodies go, so that at least the rest is recorded.
    mutating func dropBodies() {
        requestBody.drop()
        responseBody.drop()
        arrivals = ArrivalLog()
    }

    /// Whether less than both whole bodies is held.
    var isReduced: Bool { requestBody.kept != .full || responseBody.kept != .full }
}

/// When which bytes of an answer came; bounded by joining neighbours once it is full.
struct ArrivalLog: Sendable {
    private(set) var items: [ChunkArrival] = []
    /// The first arrivals are never joined: time to first token is read off them.
    private static let exactPrefix = 64

    /// When the last bytes came, or nil.
    var lastTimeUs: Int64? { items.last?.timeUs }

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

    /// Forgets arrivals of bytes that are not stored.
    mutating func cut(at count: Int) { items.removeAll { $0.offset >= Int64(count) } }

    mutating func replace(_ arrivals: [ChunkArrival]) { items = arrivals }
}
