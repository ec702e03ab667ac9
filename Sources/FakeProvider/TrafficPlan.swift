// SPDX-License-Identifier: Apache-2.0

/// What a traffic driver sends, and where to.
package struct TrafficPlan: Sendable {
    /// Name or address of the machine to talk to.
    package var host: String
    /// Its port; plain HTTP.
    package var port: Int
    /// Put before every path; empty, or like `/prefix` without a slash at the end.
    package var basePath = ""
    /// Exchanges to send in all.
    package var exchanges: Int
    /// Connections, and so exchanges, at a time.
    package var concurrency: Int
    /// Everything drawn follows from this.
    package var seed: UInt64
    /// Share of streams that the client breaks off after a few events.
    package var cancelFraction = 0.04
    /// Share of chat streams that ask for usage.
    package var streamUsageFraction = 0.8
    /// Sent as `Authorization: Bearer ...`.
    package var projectKey = "demo-project-key"
    /// Sent as `x-inference-provider-api-key` to OpenAI's APIs; never a real key.
    package var openAIKey = "sk-demo-openai-0123456789abcdef"
    /// Sent as `x-inference-provider-api-key` to Anthropic's API; never a real key.
    package var anthropicKey = "sk-demo-ant-0123456789abcdef"
    /// Further header lines for every request.
    package var extraHeaders: [SeenHeader] = []

    /// A plan; the rest is set on the value.
    ///
    /// - Parameters:
    ///   - host: machine to talk to.
    ///   - port: its port.
    ///   - exchanges: how many exchanges in all.
    ///   - concurrency: how many at a time.
    ///   - seed: source of everything drawn.
    package init(host: String = "127.0.0.1", port: Int, exchanges: Int, concurrency: Int = 16, seed: UInt64 = 1) {
        self.host = host
        self.port = port
        self.exchanges = exchanges
        self.concurrency = concurrency
        self.seed = seed
    }
}

/// How far a drive has come.
package struct TrafficProgress: Sendable, Equatable {
    /// Exchanges that have ended.
    package var done: Int
    /// Exchanges in all.
    package var total: Int
    /// Ended exchanges that neither succeeded nor were cancelled on purpose.
    package var errors: Int
}

/// How one exchange ended, as the client saw it.
package enum TrafficOutcome: String, Sendable, CaseIterable {
    /// A whole answer with a status below 400.
    case answered
    /// A whole answer with a status of 400 or more.
    case refused
    /// Broken off by the client on purpose.
    case cancelled
    /// The connection ended before the answer did.
    case cut
    /// No connection, or it ended before a status came.
    case unreachable
    /// No end within the driver's limit of time or bytes.
    case overdue
}

/// What came back in a whole drive.
package struct TrafficResult: Sendable, Equatable {
    /// Exchanges that have ended; fewer than planned only where the drive was stopped.
    package var exchanges = 0
    /// Conversations begun.
    package var conversations = 0
    /// Exchanges by HTTP status; those without one are not in it.
    package var byStatus: [Int: Int] = [:]
    /// Exchanges by outcome.
    package var byOutcome: [TrafficOutcome: Int] = [:]
    /// Exchanges by kind: `chat`, `chat-stream`, `responses`, `responses-stream`, `messages`, `messages-stream`, `embeddings`.
    package var byKind: [String: Int] = [:]
    /// Answer body bytes received.
    package var receivedBytes = 0
    /// Milliseconds from the first request to the last end.
    package var elapsedMilliseconds: Int64 = 0

    /// Exchanges that neither succeeded nor were cancelled on purpose.
    package var errors: Int { exchanges - (byOutcome[.answered] ?? 0) - (byOutcome[.cancelled] ?? 0) }
}
