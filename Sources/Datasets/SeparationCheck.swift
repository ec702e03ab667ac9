// SPDX-License-Identifier: Apache-2.0
import Separation

/// A row of one file that is too near to a row of another.
package struct SeparationFinding: Equatable, Sendable {
    /// The line of the training row, from 1.
    package let trainLine: Int64
    /// The file of the eval row, among those given, from 0.
    package let evalFile: Int
    /// Its line, from 1.
    package let evalLine: Int64
    /// The rule that is broken: `equal_prompt`, `shared_node`, `shared_group_key`, `prompt_overlap`, `first_overlap`, `long_run`, `covered_by_runs`.
    package let rule: String
    /// What they share: shingles, or tokens under the strict rules; 1 for prompts and nodes.
    package let shared: Int
    /// How much of that the training row has.
    package let trainSize: Int
    /// How much of that the eval row has.
    package let evalSize: Int
}

/// What a check came to.
package struct SeparationSummary: Equatable, Sendable {
    /// Rows of training that were asked about.
    package var trainRows: Int64 = 0
    /// Rows of eval.
    package var evalRows: Int64 = 0
    /// Rows of eval with fewer than 20 tokens in a view: too short to tell them from others.
    package var shortEvalRows: Int64 = 0
    /// Rows of training that break a rule.
    package var violations: Int64 = 0

    /// Nothing checked.
    package init() {}
}

/// Asks the exact gate about any two JSONL files, ours or not.
package enum SeparationCheck {
    /// Checks every row of one file against all rows of others.
    ///
    /// - Parameters:
    ///   - train: the training rows, in any shape that `RowReader` knows.
    ///   - eval: the eval rows.
    ///   - isStrict: whether G4 is asked for too.
    ///   - progress: told the number of rows read, every 1,000.
    ///   - found: told each row that breaks a rule, in the order of the training rows.
    /// - Returns: the counts.
    /// - Throws: `PlatformError`, `DatasetError` `.badRow` naming file and line or `.noRows` for an input without any, `SeparationError`.
    package static func run(
        train: LineInput, eval: [LineInput], isStrict: Bool, progress: (Int64) -> Void = { _ in },
        found: (SeparationFinding) throws -> Void
    ) throws -> SeparationSummary {
        var summary = SeparationSummary()
        func tell() {
            let rows = summary.trainRows + summary.evalRows
            if rows % Int64(DatasetLimits.recordsPerReport) == 0 { progress(rows) }
        }
        var gate = SeparationGate(isStrict: isStrict)
        var places: [(file: Int, line: Int64)] = []
        var waiting: [SeparationTraits] = []
        for (number, input) in eval.enumerated() {
            let before = summary.evalRows
            try forEachRow(of: input) { traits, line in
                summary.evalRows += 1
                tell()
                if !traits.isLongEnoughForEval { summary.shortEvalRows += 1 }
                places.append((number, line))
                waiting.append(traits)
                guard waiting.count >= DatasetLimits.nearRows else { return }
                try gate.add(waiting)
                waiting = []
            }
            guard summary.evalRows > before else { throw noRows(input.name) }
        }
        try gate.add(waiting)
        var probe = GateProbe()
        try forEachRow(of: train) { traits, line in
            summary.trainRows += 1
            tell()
            guard let violation = gate.violation(of: traits, using: &probe) else { return }
            summary.violations += 1
            let place = places[violation.evalRow]
            try found(
                SeparationFinding(
                    trainLine: line, evalFile: place.file, evalLine: place.line, rule: violation.rule.rawValue,
                    shared: violation.shared, trainSize: violation.trainSize, evalSize: violation.evalSize))
        }
        guard summary.trainRows > 0 else { throw noRows(train.name) }
        return summary
    }

    private static func noRows(_ name: String) -> DatasetError {
        DatasetError(.noRows, subject: name, "'\(name)' holds no row: there is nothing to check.")
    }

    /// Gives the traits of each row, with its line from 1; empty lines are passed over.
    private static func forEachRow(of input: LineInput, _ body: (SeparationTraits, Int64) throws -> Void) throws {
        var reader = RowReader()
        try LineReading.forEachLine(of: input) { line, number in
            do {
                guard let read = try reader.read(line) else { return }
                try body(SeparationTraits(turns: read.row.turns.map(\.separated)), number)
            } catch let error as RowReadError {
                throw DatasetError(.badRow, subject: input.name, "\(input.name): \(error)")
            }
        }
    }
}
