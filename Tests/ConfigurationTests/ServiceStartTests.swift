// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import Platform
import Testing

@testable import weir

@Suite struct ServiceStartTests {
    @Test(.timeLimit(.minutes(1))) func aStartThatFailsLateLeavesNothingThatServes() async throws {
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-start-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let port = try ListeningSocket(host: "127.0.0.1", port: 0).port
        let configuration = try Trial(nil, flags: ["listen": ["127.0.0.1:\(port)"], "data": [folder]]).configuration()
        await #expect(throws: VerbFailure.self) {
            _ = try await GatewayService.start(configuration, directory: configuration.directory, logger: logger) { _, _, _ in
                throw PlatformError(errno: 11, operation: "thread", path: "")
            }
        }
        // Nobody listens there, and nobody captures into the directory.
        _ = try ListeningSocket(host: "127.0.0.1", port: port)
        let service = try await GatewayService.start(configuration, directory: configuration.directory, logger: logger)
        #expect(service.port == port)
        await service.stop(drainMilliseconds: 1_000)
    }
}
