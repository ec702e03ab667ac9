// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation
import Glibc

/// How a program ended.
struct Finished: Sendable {
    let code: Int32
    let output: [UInt8]
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }

    /// Every line of standard output as JSON.
    func objects() throws -> [JSONNode] { try lines.map { try JSONDocument(Array($0.utf8)).root } }
}

/// The program under test: it lies beside the test bundle.
enum Weir {
    static let path: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (bundle as NSString).deletingLastPathComponent + "/weir"
    }()

    /// Runs a verb to its end.
    static func run(_ arguments: String..., within seconds: Int = 30) async throws -> Finished {
        try await run([path] + arguments, within: seconds)
    }

    /// Runs any program to its end.
    static func run(_ command: [String], within seconds: Int = 30) async throws -> Finished {
        let scratch = try Scratch()
        let child = try ChildProcess(command, output: scratch.at("out"), errors: scratch.at("err"))
        let code = try await child.end(within: seconds)
        return Finished(code: code, output: bytes(of: scratch.at("out")), errors: text(of: scratch.at("err")))
    }

    /// Runs a line of bash; `$WEIR` in it is the program.
    static func shell(_ line: String) async throws -> Finished {
        try await run(["/bin/bash", "-c", "WEIR='\(path)'; " + line])
    }
}

/// A running `weir serve`; killed when the last reference goes.
final class RunningGateway: Sendable {
    let process: ChildProcess
    let port: Int
    let errorsPath: String
    private let scratch: Scratch

    /// Starts the program and waits until its port accepts.
    ///
    /// - Parameters:
    ///   - data: the data directory.
    ///   - provider: the port where openai and anthropic are.
    ///   - extra: further arguments.
    init(data: String, provider: Int, extra: [String] = []) async throws {
        let scratch = try Scratch()
        let errors = scratch.at("err")
        let base = "http://127.0.0.1:\(provider)"
        let process = try ChildProcess(
            [
                Weir.path, "serve", "--listen", "127.0.0.1:0", "--data", data, "--provider", "openai=\(base)", "--provider",
                "anthropic=\(base)",
            ] + extra,
            output: scratch.at("out"), errors: errors)
        port = try await eventually("weir serve to listen", within: 30, every: 5) {
            if let code = process.ended() { throw TestToolError("weir serve ended with \(code): \(text(of: errors))") }
            guard let match = text(of: errors).firstMatch(of: /weir: listening on .* \(port (\d+)\)/) else { return nil }
            return Int(match.1)
        }
        self.process = process
        self.scratch = scratch
        errorsPath = errors
    }

    /// Everything said on standard error so far.
    var errors: String { text(of: errorsPath) }

    /// Asks it to stop and waits for the exit code.
    func stop(within seconds: Int = 40) async throws -> Int32 {
        process.send(SIGTERM)
        return try await process.end(within: seconds)
    }
}

/// A fake provider on its port; stopped when the last reference goes.
final class RunningProvider: Sendable {
    let server: FakeProviderServer
    let port: Int

    init(_ script: FakeProviderScript = .instant) async throws {
        let server = FakeProviderServer(script: script)
        port = try await offPool { try server.start() }
        self.server = server
    }

    /// Closes everything.
    func stop() async throws {
        let server = server
        try await offPool { server.stop() }
    }
}

/// Provider, gateway and data directory together.
final class Bench: Sendable {
    let scratch: Scratch
    let provider: RunningProvider
    let data: String

    init(_ script: FakeProviderScript = .instant) async throws {
        scratch = try Scratch()
        provider = try await RunningProvider(script)
        data = scratch.at("data")
    }

    /// A gateway on the data directory.
    func gateway(_ extra: String...) async throws -> RunningGateway {
        try await RunningGateway(data: data, provider: provider.port, extra: extra)
    }

    /// The records in the segments, by `weir segment cat`.
    func records() async throws -> [JSONNode] {
        let cat = try await Weir.run("segment", "cat", "--data", data)
        guard cat.code == 0 else { throw TestToolError("weir segment cat ended with \(cat.code): \(cat.errors)") }
        return try cat.objects()
    }

    /// Seals what is finished; returns how many segments.
    func seal() async throws -> Int64? {
        let ended = try await Weir.run("segment", "seal", "--json", "--data", data)
        guard ended.code == 0 else { throw TestToolError("weir segment seal ended with \(ended.code): \(ended.errors)") }
        return try ended.objects().first?["sealed"]?.int
    }

    /// Paths of the hot segments, in order of their names.
    func segments() throws -> [String] {
        let folder = data + "/segments"
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".hot") }.sorted().map {
            folder + "/" + $0
        }
    }
}

/// Programs that only some machines have.
enum OutsideTools {
    /// A Python with the official SDKs.
    static let python = ProcessInfo.processInfo.environment["WEIR_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
    /// Whether that Python has packages, by the names they are imported by.
    static func hasPackages(_ names: [String]) -> Bool {
        guard let python else { return false }
        let folder = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent().path + "/lib"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.allSatisfy { name in
            versions.contains { version in
                ["", ".py"].contains { FileManager.default.fileExists(atPath: "\(folder)/\(version)/site-packages/\(name)\($0)") }
            }
        }
    }

    static let hasZstdAndJq = ["/usr/bin/zstd", "/usr/bin/jq"].allSatisfy(FileManager.default.isExecutableFile(atPath:))
}
