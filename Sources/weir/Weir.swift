// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Platform

/// The program's name and version, as manifests name it.
enum Program {
    static let version = "0.1.0"
    static let tool = "weir \(version)"
}

struct Weir: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "A capture-first LLM gateway: passes every request on unchanged, records it, and answers questions about it.",
        discussion: """
            Exit codes: 0 done, 1 the answer is "no" or something was found wrong, 2 bad usage or configuration, 3 could not finish.

            EXAMPLES:
              weir demo                                   # everything end to end, no API key needed
              weir serve --listen 127.0.0.1:8080          # then point an SDK's base URL at http://127.0.0.1:8080/v1
              weir query tail-latency --since 1h
              weir dataset build --name support
            """,
        version: Program.version,
        subcommands: [ServeVerb.self, IndexVerb.self, QueryVerb.self, SegmentVerb.self])
}

/// How a verb ends when it does not end well: said on standard error, with its exit code.
struct VerbFailure: Error, CustomStringConvertible {
    let exitCode: Int32
    let message: String

    /// The answer is "no", or something was found wrong.
    static func found(_ message: String) -> VerbFailure { VerbFailure(exitCode: 1, message: message) }
    /// Bad usage or configuration.
    static func usage(_ message: String) -> VerbFailure { VerbFailure(exitCode: 2, message: message) }
    /// Could not finish.
    static func unfinished(_ message: String) -> VerbFailure { VerbFailure(exitCode: 3, message: message) }

    var description: String { message }
}

@main
enum Main {
    /// Not `async`: the runtime parks the first thread of an asynchronous main with every signal let through, and SIGTERM would
    /// end the process at once.
    static func main() {
        TerminationSignals.hold()
        begin()
        while true { pause() }
    }

    /// Starts the verb on the pool; `main` itself belongs to the main actor, whose thread is taken.
    private nonisolated static func begin() {
        Task { Foundation.exit(await end()) }
    }

    /// Runs the verb; its exit code.
    private nonisolated static func end() async -> Int32 {
        do {
            var command = try Weir.parseAsRoot()
            if var verb = command as? any AsyncParsableCommand { try await verb.run() } else { try command.run() }
            return 0
        } catch {
            return report(error)
        }
    }

    /// Says what went wrong and gives the exit code for it.
    private nonisolated static func report(_ error: any Error) -> Int32 {
        if let failure = error as? VerbFailure {
            if !failure.message.isEmpty { Terminal.say("weir: \(failure.message)") }
            return failure.exitCode
        }
        if let pipe = error as? OutputClosed { return pipe.exitCode }
        let code = Weir.exitCode(for: error)
        let text = Weir.fullMessage(for: error)
        if code == .success {
            Terminal.sayOnOutput(text)
            return 0
        }
        if !text.isEmpty { Terminal.say(text) }
        return code == .validationFailure ? 2 : VerbErrors.exitCode(for: error)
    }
}
