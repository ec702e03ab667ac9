// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Telemetry
import Upstream

/// Why a caller's connection was not taken.
enum ConnectionRefusal: Int, CaseIterable {
    /// Too many connections are open on this loop.
    case limit
    /// Too many connections from this address.
    case addressLimit
    /// The TLS handshake failed.
    case tls
    /// Any other reason.
    case other

    var label: String {
        switch self {
        case .limit: "limit"
        case .addressLimit: "address_limit"
        case .tls: "tls"
        case .other: "other"
        }
    }
}

/// The metrics of the data plane: names, labels and where each is counted.
///
/// Made once at start, from the catalogue; a provider that is not in it counts as `other`.
struct GatewayMetricSet: Sendable {
    static let apis = APIFamily.known.map(\.rawValue) + ["opaque"]
    static let statuses = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"]
    /// Those that a running gateway sees: that it crashed only its successor knows.
    static let outcomes = Outcome.allCases.filter { $0 != .gatewayCrashed }.map(\.rawValue)
    /// Providers with a label of their own: with all APIs, statuses and outcomes they keep the layout under its limit of series.
    static let providersNamed = 60
    static let upstreamFailures = UpstreamError.Code.allCases.map { GatewayMetricSet.snakeCase($0.rawValue) } + ["other"]
    /// From 50 us to 100 ms: what a proxy adds.
    static let addedBounds: [Int64] = [
        50, 100, 150, 200, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 25_000, 50_000, 100_000,
    ]
    /// From 5 ms to 10 minutes: what a model takes.
    static let waitBounds: [Int64] = [
        5_000, 10_000, 25_000, 50_000, 100_000, 200_000, 350_000, 500_000, 750_000, 1_000_000, 1_500_000, 2_500_000, 5_000_000,
        10_000_000, 20_000_000, 30_000_000, 60_000_000, 120_000_000, 300_000_000, 600_000_000,
    ]

    let providers: [String]
    private(set) var layout = MetricLayout()
    let exchanges: MetricHandle
    let inFlight: MetricHandle
    let addedLatency: MetricHandle
    let firstByte: MetricHandle
    let duration: MetricHandle
    let requestBytes: MetricHandle
    let responseBytes: MetricHandle
    let attempts: MetricHandle
    let usageAsking: MetricHandle
    let usageStripping: MetricHandle
    let connectionsOpen: MetricHandle
    let connectionsAccepted: MetricHandle
    let connectionsRefused: MetricHandle
    let upstreamOpen: MetricHandle
    let upstreamIdle: MetricHandle
    let upstreamOpened: MetricHandle
    let upstreamReused: MetricHandle
    let upstreamFailed: MetricHandle
    let resends: MetricHandle

    /// The metrics for a catalogue's names; the names beyond `providersNamed` count as `other`.
    init(providers names: [String]) throws(TelemetryError) {
        providers = names.filter { $0 != "other" }.prefix(GatewayMetricSet.providersNamed) + ["other"]
        let provider = MetricLabel("provider", providers)
        exchanges = try layout.add(
            MetricFamily(
                "weir_gateway_exchanges_total", .counter,
                labels: [
                    provider, MetricLabel("api", GatewayMetricSet.apis), MetricLabel("status", GatewayMetricSet.statuses),
                    MetricLabel("outcome", GatewayMetricSet.outcomes),
                ], help: "Exchanges that have ended."))
        inFlight = try layout.add(MetricFamily("weir_gateway_exchanges_in_flight", .gauge, help: "Exchanges running now."))
        addedLatency = try layout.add(
            MetricFamily(
                "weir_gateway_added_latency_seconds", .histogram(bounds: GatewayMetricSet.addedBounds), unit: .microseconds,
                help: "From a request's head to its first byte written to a provider connection that was idle."))
        firstByte = try layout.add(
            MetricFamily(
                "weir_gateway_first_byte_seconds", .histogram(bounds: GatewayMetricSet.waitBounds), unit: .microseconds,
                labels: [provider], help: "From the last request byte written upstream to the head of the provider's answer."))
        duration = try layout.add(
            MetricFamily(
                "weir_gateway_exchange_duration_seconds", .histogram(bounds: GatewayMetricSet.waitBounds), unit: .microseconds,
                labels: [provider], help: "From a request's head to the end of its exchange."))
        requestBytes = try layout.add(
            MetricFamily(
                "weir_gateway_request_body_bytes_total", .counter, labels: [provider],
                help: "Request body bytes taken from callers."))
        responseBytes = try layout.add(
            MetricFamily(
                "weir_gateway_response_body_bytes_total", .counter, labels: [provider],
                help: "Answer body bytes taken from providers."))
        attempts = try layout.add(
            MetricFamily(
                "weir_gateway_attempts_total", .counter, labels: [provider], help: "Sends to providers, resends included."))
        usageAsking = try layout.add(
            MetricFamily(
                "weir_gateway_usage_opt_ins_total", .counter,
                labels: [MetricLabel("result", UsageAskingResult.allCases.map(\.rawValue))],
                help: "Requests that the policy on stream usage covers, by what became of them."))
        usageStripping = try layout.add(
            MetricFamily(
                "weir_gateway_usage_strips_total", .counter,
                labels: [MetricLabel("result", UsageStrippingResult.allCases.map(\.rawValue))],
                help: "Answers whose usage chunk was to be kept from the caller, by what became of it."))
        connectionsOpen = try layout.add(
            MetricFamily("weir_gateway_connections_open", .gauge, help: "Callers' connections open now."))
        connectionsAccepted = try layout.add(
            MetricFamily("weir_gateway_connections_accepted_total", .counter, help: "Callers' connections taken."))
        connectionsRefused = try layout.add(
            MetricFamily(
                "weir_gateway_connections_refused_total", .counter,
                labels: [MetricLabel("reason", ConnectionRefusal.allCases.map(\.label))], help: "Callers' connections not taken.")
        )
        upstreamOpen = try layout.add(
            MetricFamily("weir_upstream_connections_open", .gauge, help: "Connections to providers, as of the last second."))
        upstreamIdle = try layout.add(
            MetricFamily(
                "weir_upstream_connections_idle", .gauge,
                help: "Connections to providers that wait in the pool, as of the last second."))
        upstreamOpened = try layout.add(
            MetricFamily("weir_upstream_connections_opened_total", .counter, help: "Connections to providers that were opened."))
        upstreamReused = try layout.add(
            MetricFamily("weir_upstream_connections_reused_total", .counter, help: "Attempts that took an idle connection."))
        upstreamFailed = try layout.add(
            MetricFamily(
                "weir_upstream_failures_total", .counter, labels: [MetricLabel("reason", GatewayMetricSet.upstreamFailures)],
                help: "Attempts that failed at the provider's side."))
        resends = try layout.add(
            MetricFamily("weir_upstream_resends_total", .counter, help: "Requests sent again after a reused connection closed."))
    }

    private static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { out, letter in out += letter.isUppercase ? "_" + letter.lowercased() : String(letter) }
    }
}

/// Counts what one event loop does.
///
/// World: loop. Each method is some additions in memory of this loop alone: no lock, no allocation, no hashing.
final class GatewayMetrics {
    private let set: GatewayMetricSet
    private let shard: MetricShard

    init(set: GatewayMetricSet, shard: MetricShard) {
        self.set = set
        self.shard = shard
    }

    /// The number of a provider, or -1: told once, when an exchange is routed.
    func providerIndex(_ name: String) -> Int { set.providers.firstIndex(of: name) ?? -1 }

    /// The number of an API family, or -1 for an opaque exchange.
    func apiIndex(_ api: APIFamily?) -> Int {
        guard let api else { return -1 }
        return GatewayMetricSet.apis.firstIndex(of: api.rawValue) ?? -1
    }

    func began() { shard.add(1, to: set.inFlight.series) }

    /// Counts an exchange that was begun and has ended.
    ///
    /// Times are microseconds since the request's head was there; nil where the exchange did not come so far.
    /// - Parameters:
    ///   - provider: from `providerIndex`.
    ///   - api: from `apiIndex`.
    ///   - status: sent to the caller; 0 for none.
    ///   - outcome: how it ended.
    ///   - forwardedUs: the request's first byte was written to a connection that was idle; nil where one had to be opened.
    ///   - upstreamSentUs: the last request byte was written.
    ///   - firstByteUs: the answer's head was there.
    ///   - endedUs: all done.
    ///   - requestBytes: of the request's body.
    ///   - responseBytes: of the answer's body.
    ///   - attempts: sends to providers.
    func ended(
        provider: Int, api: Int, status: Int, outcome: Outcome, forwardedUs: Int64?, upstreamSentUs: Int64?,
        firstByteUs: Int64?, endedUs: Int64, requestBytes: Int, responseBytes: Int, attempts: Int
    ) {
        shard.add(-1, to: set.inFlight.series)
        count(provider: provider, api: api, status: status, outcome: outcome)
        if let forwardedUs { shard.observe(forwardedUs, in: set.addedLatency, at: set.addedLatency.series) }
        if let upstreamSentUs, let firstByteUs {
            shard.observe(firstByteUs &- upstreamSentUs, in: set.firstByte, at: set.firstByte.series(provider))
        }
        shard.observe(endedUs, in: set.duration, at: set.duration.series(provider))
        if requestBytes > 0 { shard.add(requestBytes, to: set.requestBytes.series(provider)) }
        if responseBytes > 0 { shard.add(responseBytes, to: set.responseBytes.series(provider)) }
        if attempts > 0 { shard.add(attempts, to: set.attempts.series(provider)) }
    }

    /// Counts a request that was refused before an exchange was begun for it.
    func refused(api: Int, status: Int, outcome: Outcome) { count(provider: -1, api: api, status: status, outcome: outcome) }

    private func count(provider: Int, api: Int, status: Int, outcome: Outcome) {
        let statusClass = status >= 100 && status < 600 ? status / 100 - 1 : GatewayMetricSet.statuses.count - 1
        shard.add(1, to: set.exchanges.series(provider, api, statusClass, GatewayMetrics.index(of: outcome)))
    }

    private static func index(of outcome: Outcome) -> Int {
        switch outcome {
        case .completed: 0
        case .clientClosed: 1
        case .upstreamFailed: 2
        case .timedOut: 3
        case .refused: 4
        case .gatewayFailed, .gatewayCrashed: 5
        case .truncated: 6
        }
    }

    // MARK: Connections

    func connectionOpened() {
        shard.add(1, to: set.connectionsOpen.series)
        shard.add(1, to: set.connectionsAccepted.series)
    }

    func connectionClosed() { shard.add(-1, to: set.connectionsOpen.series) }

    func connectionRefused(_ reason: ConnectionRefusal) { shard.add(1, to: set.connectionsRefused.series(reason.rawValue)) }

    func upstreamOpened() { shard.add(1, to: set.upstreamOpened.series) }

    func upstreamReused() { shard.add(1, to: set.upstreamReused.series) }

    func upstreamFailed(_ code: UpstreamError.Code) {
        shard.add(1, to: set.upstreamFailed.series(UpstreamError.Code.allCases.firstIndex(of: code) ?? -1))
    }

    func usageAsked(_ result: UsageAskingResult) {
        shard.add(1, to: set.usageAsking.series(UsageAskingResult.allCases.firstIndex(of: result) ?? -1))
    }

    func usageStripped(_ result: UsageStrippingResult) {
        shard.add(1, to: set.usageStripping.series(UsageStrippingResult.allCases.firstIndex(of: result) ?? -1))
    }

    func resent() { shard.add(1, to: set.resends.series) }

    /// Notes how many connections to providers there are; called once a second.
    func pool(open: Int, idle: Int) {
        shard.set(open, at: set.upstreamOpen.series)
        shard.set(idle, at: set.upstreamIdle.series)
    }
}
