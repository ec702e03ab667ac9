// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import Foundation
import Logging
import Upstream

@testable import Gateway

extension Bench {
    /// A gateway with chosen listeners, base URLs and ways to providers.
    static func start(
        urls: [String: String], router: Router? = nil,
        listeners: [ListenerSettings] = [ListenerSettings(host: "127.0.0.1", port: 0)],
        upstream: UpstreamSettings = UpstreamSettings(), allowsPrivate: Bool = false, limits: GatewayLimits = GatewayLimits(),
        threads: Int = 1
    ) async throws -> Bench {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("weir-gateway-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let capture = try CaptureEngine(
            directory: directory, node: "n1", hasherSecret: [UInt8](repeating: 7, count: 32), limits: smallBodies,
            logger: logger)
        let settings = try GatewaySettings(
            router: router ?? Bench.router(urls, allowsPrivate: allowsPrivate), limits: limits, upstream: upstream)
        let operations = GatewayOperations()
        do {
            let server = try await GatewayServer.start(
                listeners: listeners, threads: threads, settings: settings, capture: capture, operations: operations,
                logger: logger)
            return Bench(server: server, capture: capture, directory: directory, operations: operations)
        } catch {
            capture.stop()
            throw error
        }
    }

    static func router(_ urls: [String: String], allowsPrivate: Bool = false) throws -> Router {
        Router(
            catalogue: ProviderCatalogue(overrides: try urls.mapValues { try BaseURL($0) }), allowsPrivateUpstreams: allowsPrivate
        )
    }
}

/// Runs a body against a gateway with chosen listeners, then stops everything.
///
/// - Returns: the records in the order of writing.
@discardableResult func withListeners(
    _ listeners: [ListenerSettings] = [ListenerSettings(host: "127.0.0.1", port: 0)], urls: [String: String] = [:],
    router: Router? = nil,
    upstream: UpstreamSettings = UpstreamSettings(), allowsPrivate: Bool = false, limits: GatewayLimits = GatewayLimits(),
    _ body: (Bench) async throws -> Void
) async throws -> [ExchangeRecord] {
    try await Bench.start(
        urls: urls, router: router, listeners: listeners, upstream: upstream, allowsPrivate: allowsPrivate, limits: limits
    ).run(body)
}
