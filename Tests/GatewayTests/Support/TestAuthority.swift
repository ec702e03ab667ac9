// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A program that a test runs to its end.
enum Tool {
    struct Failed: Error, CustomStringConvertible { let description: String }

    static let openssl = "/usr/bin/openssl"
    static let curl = "/usr/bin/curl"
    static let hasOpenssl = FileManager.default.isExecutableFile(atPath: openssl)
    /// curl and openssl, both.
    static let hasCurl = hasOpenssl && FileManager.default.isExecutableFile(atPath: curl)

    /// Runs a program; blocks.
    ///
    /// - Returns: its standard output.
    @discardableResult static func run(_ path: String, _ arguments: [String], mayFail: Bool = false) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = mayFail ? output : errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 || mayFail else {
            let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            throw Failed(description: "\(path) \(arguments) ended with \(process.terminationStatus): \(said)")
        }
        return text
    }
}

/// A throw-away certificate authority, made by the openssl program in a directory that goes away with it.
final class TestAuthority: Sendable {
    struct Issued: Sendable {
        let certificate: String
        let key: String
    }

    let directory: String
    var certificate: String { directory + "/ca.pem" }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("weir-ca-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Tool.run(
            Tool.openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                directory + "/ca.key", "-out", directory + "/ca.pem", "-subj", "/CN=Test Authority", "-days", "2",
            ])
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Signs a certificate.
    ///
    /// - Parameters:
    ///   - file: the name of its files.
    ///   - names: as `DNS:localhost,IP:127.0.0.1`.
    ///   - days: how long it holds; negative for one that has expired.
    func issue(_ file: String, names: String = "DNS:localhost,IP:127.0.0.1", days: Int = 1) throws -> Issued {
        let base = directory + "/" + file
        try Data("subjectAltName=\(names)\n".utf8).write(to: URL(fileURLWithPath: base + ".ext"))
        try Tool.run(
            Tool.openssl,
            [
                "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", base + ".key", "-out",
                base + ".csr", "-subj", "/CN=\(file)",
            ])
        try Tool.run(
            Tool.openssl,
            [
                "x509", "-req", "-in", base + ".csr", "-CA", directory + "/ca.pem", "-CAkey", directory + "/ca.key",
                "-CAcreateserial", "-out", base + ".pem", "-days", "\(days)", "-extfile", base + ".ext",
            ])
        return Issued(certificate: base + ".pem", key: base + ".key")
    }
}
