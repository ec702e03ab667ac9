// SPDX-License-Identifier: Apache-2.0

/// What callers say about an exchange by control headers.
package struct Attribution: Equatable, Sendable {
    /// `production`, `staging`, ...; nil when absent.
    package var environment: String?
    /// Logical task; `default` when absent.
    package var task: String = "default"
    /// Names lower-cased, prefix stripped, sorted by name, each once.
    package var metadata: [(name: String, value: String)] = []

    /// Nothing said.
    package init() {}

    /// Equal when all that was said is equal, metadata in order.
    package static func == (a: Attribution, b: Attribution) -> Bool {
        a.environment == b.environment && a.task == b.task && a.metadata.elementsEqual(b.metadata) { $0 == $1 }
    }
}

/// The scalar keys of a record, shared by records and facts.
///
/// Times are integer microseconds (`record.md`).
package struct ExchangeHead: Equatable, Sendable {
    /// The exchange's id.
    package var id: ExchangeID
    /// Name of the gateway process's node.
    package var node: String
    /// Request head received, since the Unix epoch.
    package var startedAtUs: Int64
    /// Environment, task, metadata.
    package var attribution = Attribution()
    /// Id of the gateway key, or a short keyed hash of the credential; never the credential.
    package var keyID: String?
    /// From `traceparent`.
    package var traceID: String?
    /// From `traceparent`.
    package var parentSpanID: String?
    /// From `x-request-id`.
    package var clientRequestID: String?
    /// Catalogue name, or the host of a bare URL; empty where the exchange was refused before a provider was known.
    package var provider: String = ""
    /// With routing; nil without.
    package var deployment: String?
    /// Nil means opaque.
    package var api: APIFamily?
    /// As received.
    package var method: String
    /// As received, without the query.
    package var path: String
    /// Redacted; empty when there is none.
    package var query: String = ""
    /// Scheme, host, port, path; no query.
    package var upstreamURL: String?
    /// Status sent to the caller.
    package var status: Int?
    /// How it ended.
    package var outcome: Outcome = .gatewayFailed
    /// Who caused an error; nil without one.
    package var errorSource: ErrorSource?
    /// Weir's own code for it, or nil.
    package var errorCode: String?
    /// Since the start of the exchange: request body complete.
    package var requestReceivedUs: Int64?
    /// Last request byte written upstream.
    package var upstreamSentUs: Int64?
    /// Answer head.
    package var firstByteUs: Int64?
    /// Last answer byte.
    package var lastByteUs: Int64?
    /// All done.
    package var endedUs: Int64?
    /// The answer came as a stream.
    package var responseStream: Bool = false

    /// An exchange that has just begun.
    package init(id: ExchangeID, node: String, startedAtUs: Int64, method: String, path: String) {
        self.id = id
        self.node = node
        self.startedAtUs = startedAtUs
        self.method = method
        self.path = path
    }
}

/// One send to one deployment within an exchange.
///
/// Times since the start of the exchange.
package struct Attempt: Equatable, Sendable {
    /// 1 for the first.
    package var n: Int
    /// With routing; nil without.
    package var deployment: String?
    /// Scheme, host, port, path; no query.
    package var upstreamURL: String?
    /// When the attempt began.
    package var startedUs: Int64
    /// When a connection was there.
    package var connectedUs: Int64?
    /// When the last request byte was written.
    package var requestSentUs: Int64?
    /// When the answer's head came.
    package var firstByteUs: Int64?
    /// When the attempt was over.
    package var endedUs: Int64?
    /// The provider's status, or nil where none came.
    package var status: Int?
    /// How the attempt ended.
    package var outcome: Outcome?
    /// Why there was this attempt after another.
    package var retryReason: String?

    /// An attempt that has just begun.
    package init(n: Int, startedUs: Int64) {
        self.n = n
        self.startedUs = startedUs
    }
}
