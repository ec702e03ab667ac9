// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// What capture and metrics want to know of a route, worked out once for all exchanges that take the same.
final class RouteFacts {
    /// Scheme, host, port and path (`record.md`, `upstream_url`).
    let upstreamURL: String
    /// From `GatewayMetrics.providerIndex`.
    let providerIndex: Int
    /// From `GatewayMetrics.apiIndex`.
    let apiIndex: Int
    private let endpoint: ProviderEndpoint
    private let api: APIFamily?
    private let addsBasePath: Bool
    private let path: [UInt8]

    init(_ route: Route, metrics: GatewayMetrics) {
        upstreamURL = route.upstreamURL
        providerIndex = metrics.providerIndex(route.provider)
        apiIndex = metrics.apiIndex(route.api)
        endpoint = route.endpoint
        api = route.api
        addsBasePath = route.addsBasePath
        path = Array(route.pathRest)
    }

    func isOf(_ route: Route) -> Bool {
        endpoint === route.endpoint && addsBasePath == route.addsBasePath && route.hasPathRest(path) && api == route.api
    }
}

/// The facts of the routes taken last.
///
/// World: loop. At most eight, told apart by the length of their paths, each path of at most 512 bytes.
final class RouteFactsCache {
    private var slots: [RouteFacts?] = Array(repeating: nil, count: 8)
    private static let pathBytes = 512

    func facts(of route: Route, metrics: GatewayMetrics) -> RouteFacts {
        let count = route.pathRestCount
        let slot = count & 7
        if let known = slots[slot], known.isOf(route) { return known }
        let facts = RouteFacts(route, metrics: metrics)
        // An endpoint that a caller named is made anew for each request.
        if !route.endpoint.isCallerNamed, count <= RouteFactsCache.pathBytes { slots[slot] = facts }
        return facts
    }
}
