// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import FactStore
import Foundation
import NamedQueries
import Platform

/// One question put many times to an index that is open.
struct AnswerWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer",
        abstract: "Put a named question to an index again and again; CPU and wall time of one answer, and its rows.")

    @Option(help: "The data directory.") var data: String
    @Option(help: "The question's name.") var question = "tail-latency"
    @Option(help: "What the rows are for.") var by: String?
    @Option(help: "Exchanges of this task.") var task: String?
    @Option(help: "Exchanges of this environment.") var environment: String?
    @Option(help: "Exchanges with this piece of metadata, KEY=VALUE.") var meta: String?
    @Option(help: "From then on, microseconds since 1970.") var since: Int64?
    @Option(help: "Before, microseconds since 1970.") var until: Int64?
    @Flag(help: "From rollups.") var approximate = false
    @Option(help: "How often.") var rounds = 9

    func run() throws {
        guard let query = NamedQueries.find(question), rounds > 0 else { throw ValidationError("no such question, or no rounds") }
        var filter = FactFilter()
        (filter.task, filter.environment, filter.sinceUs, filter.untilUs) = (task, environment, since, until)
        if let pair = meta?.split(separator: "=", maxSplits: 1), pair.count == 2 {
            filter.metadata = [(String(pair[0]), String(pair[1]))]
        }
        var options = AnswerOptions()
        if let by { try options.setBy(by) }
        options.isApproximate = approximate
        let store = try FactStore.open(path: data + "/index.sqlite", mode: .readOnly)
        let clock = SystemClock()
        var (wall, cpu, rows): ([Int64], [Int64], [[SQLValue]]) = ([], [], [])
        for _ in 0..<rounds {
            let (startedUs, startedNs) = (clock.monotonicUs, CPUTime.ofProcess)
            rows = try Answers.run(query, filter: filter, options: options, store: store).rows
            wall.append(clock.monotonicUs - startedUs)
            cpu.append((CPUTime.ofProcess - startedNs) / 1_000)
        }
        let shown = rows.map { row in row.map { $0.text ?? $0.integer.map { "\($0)" } ?? "-" } }
        let report: [String: Any] = [
            "exchanges": try store.count(filter), "median_us": wall.sorted()[rounds / 2], "least_us": wall.min() ?? 0,
            "cpu_median_us": cpu.sorted()[rounds / 2], "rows": shown,
        ]
        let json = try JSONSerialization.data(withJSONObject: report, options: [.sortedKeys])
        try FileHandle.standardOutput.write(contentsOf: json + [0x0A])
    }
}
