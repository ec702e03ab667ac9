// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Instrumenting
import Platform

struct InstrumentVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instrument", abstract: "Point the LLM clients of a code base at Weir.",
        discussion: """
            Finds client constructors and base-URL variables (Python, TypeScript and JavaScript, shell, .env, YAML, Dockerfile), \
            prints a unified diff on standard output, and names on standard error what it could not decide. Changes nothing \
            without --apply. A second run finds nothing to do.

            Exit codes: 0 done or nothing to do, 1 some places could not be decided, 2 bad usage, 3 a file could not be written.

            EXAMPLES:
              weir instrument .                                        # show the diff
              weir instrument --apply --task support-triage ./service  # write it
              weir instrument --gateway http://weir:8080 --environment production --json ./service
            """)

    @Argument(help: "A directory or a file.") var path: String
    @Flag(help: "Show the diff, change nothing (the default).") var dryRun = false
    @Flag(help: "Write the changes.") var apply = false
    @Option(help: ArgumentHelp("Weir's address as the code sees it, without /v1.", valueName: "url"))
    var gateway = "http://127.0.0.1:8080"
    @Option(help: "Where keys go: drop-in (the provider's key stays) or current (the project's key from WEIR_API_KEY).")
    var contract = HeaderContract.dropIn.rawValue
    @Option(help: "Attribute the traffic to this task.") var task: String?
    @Option(help: "Attribute the traffic to this environment.") var environment: String?
    @Option(help: ArgumentHelp("Leave these paths out; repeatable.", valueName: "glob")) var exclude: [String] = []
    @Flag(help: "One JSON object instead of the diff.") var json = false

    func run() throws {
        guard !(apply && dryRun) else { throw VerbFailure.usage("--apply and --dry-run exclude each other") }
        guard let contract = HeaderContract(rawValue: contract) else {
            throw VerbFailure.usage("--contract takes drop-in or current")
        }
        let options = try InstrumentOptions(
            gateway: gateway, contract: contract, task: task, environment: environment, excludes: exclude)
        let files = PosixFileSystem()
        let plan = try TreePlan(path: path, options: options, files: files) { progress in
            Terminal.progress("instrument: \(progress.entries) entries, \(progress.filesRead) files read")
        }
        if Terminal.isInteractive { Terminal.progress("instrument: \(plan.filesRead) files read", isLast: true) }
        let failures = apply ? plan.apply(files) : []
        if json {
            try Terminal.data(InstrumentText.json(plan, failures: failures, isApplied: apply))
        } else {
            for change in plan.changes { try Terminal.data(change.diff) }
            for line in InstrumentText.summary(plan, failures: failures, isApplied: apply) { Terminal.say(line) }
        }
        if !failures.isEmpty { throw VerbFailure.unfinished("\(failures.count) files could not be written; the others were") }
        if !plan.undecided.isEmpty { throw VerbFailure(exitCode: 1, message: "") }
    }
}

/// A plan as words and as JSON.
enum InstrumentText {
    static func summary(_ plan: TreePlan, failures: [Remark], isApplied: Bool) -> [String] {
        var lines: [String] = []
        for note in plan.notes { lines.append("note: \(place(note))") }
        for remark in plan.undecided { lines.append("undecided: \(place(remark))") }
        if plan.unnamed > 0 { lines.append("undecided: \(plan.unnamed) further places") }
        for failure in failures { lines.append("not written: \(place(failure))") }
        let verb = isApplied ? "changed" : "to change"
        let hint = !isApplied && !plan.changes.isEmpty ? "; run again with --apply to write them" : ""
        lines.append(
            "\(plan.filesRead) files read, \(plan.changes.count - failures.count) \(verb),"
                + " \(plan.undecided.count + plan.unnamed) places undecided, \(plan.filesSkipped) files skipped (size or binary)\(hint)"
        )
        return lines
    }

    private static func place(_ remark: Remark) -> String {
        remark.line > 0 ? "\(remark.path):\(remark.line): \(remark.message)" : "\(remark.path): \(remark.message)"
    }

    static func json(_ plan: TreePlan, failures: [Remark], isApplied: Bool) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("applied")
        json.value(isApplied)
        for (key, count) in [("files_read", plan.filesRead), ("files_skipped", plan.filesSkipped), ("unnamed", plan.unnamed)] {
            json.key(key)
            json.value(Int64(count))
        }
        json.key("changes")
        json.beginArray()
        for change in plan.changes {
            json.beginObject()
            json.key("path")
            json.value(change.path)
            json.key("edits")
            json.value(Int64(change.editCount))
            json.key("diff")
            json.value(String(decoding: change.diff, as: UTF8.self))
            json.endObject()
        }
        json.endArray()
        for (key, remarks) in [("undecided", plan.undecided), ("notes", plan.notes), ("not_written", failures)] {
            json.key(key)
            json.beginArray()
            for remark in remarks { write(remark, &json) }
            json.endArray()
        }
        json.endObject()
        json.newline()
        return json.bytes
    }

    private static func write(_ remark: Remark, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("path")
        json.value(remark.path)
        json.key("line")
        json.value(remark.line > 0 ? Int64(remark.line) : nil)
        json.key("message")
        json.value(remark.message)
        json.endObject()
    }
}
