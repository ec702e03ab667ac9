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

    package static func == (a: Attribution, b: Attribution) -> Bool {
        a.environment == b.environment && a.task == b.task && a.metadata.elementsEqual(b.metadata) { $0 == $1 }
    }
}

/// The scalar keys of a record, shared by records and facts. Times are integer microseconds (`record.md`).
package struct ExchangeHead: Equatable, Sendable {
    package var id: ExchangeID
    /// Name of the gateway process's node.
    package var node: String
    /// Request head received, since the Unix epoch.
    package var startedAtUs: Int64
    package var attribution = Attribution()
    /// Id of the gateway key, or a short keyed hash of the credential; never the credential.
    package var keyID: String?
    package var traceID: String?
    package var parentSpanID: String?
    package var clientRequestID: String?
    /// Catalogue name, or the host of a bare URL; empty where the exchange was refused before a provider was known.
    package var provider: String = ""
    package var deployment: String?
    /// Nil means opaque.
    package var api: APIFamily?
    package var method: String
    package var path: String
    /// Redacted; empty when there is none.
    package var query: String = ""
    /// Scheme, host, port, path; no query.
    package var upstreamURL: String?
    /// Status sent to the caller.
    package var status: Int?
    package var outcome: Outcome = .gatewayFailed
    package var errorSource: ErrorSource?
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

/// One send to one deployment within an exchange. Times since the start of the exchange.
package struct Attempt: Equatable, Sendable {
    /// 1 for the first.
    package var n: Int
    package var deployment: String?
    package var upstreamURL: String?
    package var startedUs: Int64
    package var connectedUs: Int64?
    package var requestSentUs: Int64?
    package var firstByteUs: Int64?
    package var endedUs: Int64?
    package var status: Int?
    package var outcome: Outcome?
    package var retryReason: String?

    /// An attempt that has just begun.
    package init(n: Int, startedUs: Int64) {
        self.n = n
        self.startedUs = startedUs
    }
}
