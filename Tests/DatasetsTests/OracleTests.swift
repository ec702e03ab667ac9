// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The judge of separation is a program in Python that shares nothing with Weir; its own tests run here, so that nobody trusts a broken judge.
@Suite struct OracleTests {
    private static let python = ProcessInfo.processInfo.environment["WEIR_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Oracles").path

    @Test(.enabled(if: python != nil, "WEIR_PYTHON names no Python; `make test` sets it"), .timeLimit(.minutes(5)))
    func theCheckerPassesItsOwnTests() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.python))
        process.arguments = ["-B", "-m", "unittest", "discover", "-s", Self.folder]
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(said.suffix(4_000))")
        // A folder without tests passes too.
        let count = said.split(separator: "\n").first { $0.hasPrefix("Ran ") }?.split(separator: " ").dropFirst().first.flatMap {
            Int($0)
        }
        #expect((count ?? 0) >= 40, "\(said.suffix(400))")
    }
}
