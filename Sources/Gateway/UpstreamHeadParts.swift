// SPDX-License-Identifier: Apache-2.0
import HTTPWire
import NIOCore

/// A provider's key with its place in one request: a header, the query, or nowhere.
struct PlacedKey {
    /// Nil where the caller gave no key for the provider.
    let key: ArraySlice<UInt8>?
    /// The header that carries it, line begun; nil where none does.
    let header: StaticString?
    private let placement: KeyPlacement

    init(_ route: Route) {
        key = route.providerKey
        guard let key else {
            placement = route.keyPlacement
            header = nil
            return
        }
        placement = PlacedKey.placement(of: key, on: route.endpoint)
        header =
            switch placement {
            case .bearer: "Authorization: Bearer "
            case .xAPIKey: "x-api-key: "
            case .xGoogAPIKey: "x-goog-api-key: "
            case .apiKey: "api-key: "
            case .query: nil
            }
    }

    /// Vertex AI takes Google's API keys in the query and everything else as a bearer token.
    private static func placement(of key: ArraySlice<UInt8>, on endpoint: ProviderEndpoint) -> KeyPlacement {
        guard endpoint.takesGoogleKeysInQuery, endpoint.keyPlacement == .bearer else { return endpoint.keyPlacement }
        return ByteMatching.hasPrefix(key, "AIza") ? .query : .bearer
    }

    /// The caller's credential headers are for Weir and stay here.
    var replacesCredentials: Bool { key != nil }

    func write(to out: inout ByteBuffer) {
        guard let header, let key else { return }
        out.writeStaticString(header)
        out.writeBytes(key)
        out.writeStaticString("\r\n")
    }

    /// What becomes of the caller's query.
    enum QueryChange {
        case none
        /// Nil: no query at all.
        case to([UInt8]?)
    }

    /// The query for the provider: the caller's own unless a key goes into it, or is in it that must not pass.
    func query(of route: Route) -> QueryChange {
        if let key, placement == .query { return .to(QueryString.replacingKey(route.query, with: key)) }
        guard let query = route.query, QueryString.holdsGatewayKey(query) else { return .none }
        return .to(QueryString.replacingKey(query, with: nil))
    }
}

/// Copies neighbouring header lines that pass in one piece.
struct RunCopier {
    private let block: HeaderBlock
    private var start = -1
    private var end = -1

    init(_ block: HeaderBlock) { self.block = block }

    mutating func pass(_ field: HeaderField) {
        let line = field.lineRange
        if start < 0 { start = line.lowerBound }
        end = line.upperBound
    }

    mutating func skip(_ field: HeaderField, to out: inout ByteBuffer) {
        finish(to: &out)
    }

    mutating func finish(to out: inout ByteBuffer) {
        guard start >= 0 else { return }
        out.writeBytes(block.bytes[start..<end])
        start = -1
    }
}
