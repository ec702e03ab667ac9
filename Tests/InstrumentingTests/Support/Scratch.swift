// SPDX-License-Identifier: Apache-2.0
import Foundation
import Instrumenting
import Testing

/// A directory that goes with its last reference.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "weir-instrument-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func at(_ name: String) -> String { path + "/" + name }

    func write(_ name: String, _ text: String) throws {
        let place = URL(fileURLWithPath: at(name))
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: place)
    }

    func read(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: at(name)) ?? Data(), as: UTF8.self)
    }
}

/// Every file below a directory with its bytes, mode and time of change.
struct Snapshot: Equatable {
    struct Entry: Equatable {
        let bytes: Data
        let mode: Int
        let changed: Date?
    }

    private(set) var entries: [String: Entry] = [:]

    init(_ root: String) throws {
        for name in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String }) ?? [] {
            let facts = try FileManager.default.attributesOfItem(atPath: root + "/" + name)
            guard facts[.type] as? FileAttributeType == .typeRegular else { continue }
            entries[name] = Entry(
                bytes: FileManager.default.contents(atPath: root + "/" + name) ?? Data(),
                mode: facts[.posixPermissions] as? Int ?? 0, changed: facts[.modificationDate] as? Date)
        }
    }

    var bytes: [String: Data] { entries.mapValues(\.bytes) }
    var modes: [String: Int] { entries.mapValues(\.mode) }
}

/// One project of `fixtures/instrument`.
struct Project: CustomTestStringConvertible {
    let name: String
    let options: InstrumentOptions

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fixtures/instrument").path

    static let all: [Project] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.filter { !$0.hasSuffix(".md") }.sorted().compactMap { try? Project($0) }
    }()

    private init(_ name: String) throws {
        self.name = name
        let words = Project.text("\(Project.root)/\(name)/command.txt").split(whereSeparator: \.isWhitespace).map(String.init)
        func value(_ flag: String) -> String? { words.firstIndex(of: flag).map { words[$0 + 1] } }
        options = try InstrumentOptions(
            gateway: value("--gateway") ?? "http://127.0.0.1:8080",
            contract: value("--contract").flatMap(HeaderContract.init) ?? .dropIn, task: value("--task"),
            environment: value("--environment"))
    }

    var testDescription: String { name }
    var tree: String { "\(Project.root)/\(name)/tree" }
    var expectedDiff: String { Project.text("\(Project.root)/\(name)/expected.diff") }
    var expectedWords: String { Project.text("\(Project.root)/\(name)/expected.txt") }

    /// A copy of the project that may be changed.
    func copy(in scratch: Scratch) throws -> String {
        try FileManager.default.copyItem(atPath: tree, toPath: scratch.at("copy"))
        return scratch.at("copy")
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

extension TreePlan {
    var diff: String { String(decoding: changes.flatMap(\.diff), as: UTF8.self) }

    /// The remarks as the verb says them.
    var words: String {
        let lines = notes.map { "note: \($0.path):\($0.line): \($0.message)" }
        return (lines + undecided.map { "undecided: \($0.path):\($0.line): \($0.message)" }).map { $0 + "\n" }.joined()
    }
}

/// Runs a program to its end; nil where it is not installed.
func runProgram(_ command: [String], directory: String? = nil) throws -> (code: Int32, output: String)? {
    let places = ["/usr/bin/", "/bin/", "/usr/local/bin/", ""].map { $0 + command[0] }
    guard let path = places.first(where: { $0.hasPrefix("/") && FileManager.default.isExecutableFile(atPath: $0) }) else {
        return nil
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = Array(command.dropFirst())
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
