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
              weir doctor                                 # what is in force, and what is wrong
            """,
        version: Program.version,
        subcommands: [
            ServeVerb.self, IndexVerb.self, QueryVerb.self, SegmentVerb.self, ReplayVerb.self, DatasetVerb.self,
            FeedbackVerb.self,
            KeyVerb.self,
            PricesVerb.self, ReconcileVerb.self,
            DoctorVerb.self,
            InstrumentVerb.self,
            DemoVerb.self,
        ])
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
    static func main() async {
        do {
            TerminationSignals.ignoreBrokenPipes()
            var command = try Weir.parseAsRoot()
            if var verb = command as? any AsyncParsableCommand { try await verb.run() } else { try command.run() }
        } catch {
            Foundation.exit(report(error))
        }
    }

    /// Says what went wrong and gives the exit code for it.
    private static func report(_ error: any Error) -> Int32 {
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
