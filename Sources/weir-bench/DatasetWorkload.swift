// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Datasets
import ExchangeModel
import FactStore
import Foundation
import Platform
import SegmentLog

/// A data set built from segments, with the time of each part of the build.
struct DatasetWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset",
        abstract: "Build a data set of all records of a directory's segments; time of each part, and memory. The files stay.")

    @Option(help: "A data directory with segments; where it has no index, one of heads alone is made, which is not timed.")
    var data: String
    @Option(help: "Where the data set goes.") var out: String

    func run() throws {
        let files = PosixFileSystem()
        let segments = SegmentDirectory(files: files, path: PathText.join(data, "segments"))
        let index = PathText.join(data, "index.sqlite")
        if try files.status(of: index) == nil { try fill(index, from: segments) }
        let recipe = DatasetRecipe(name: "bench")
        let facts = try FactStore.open(path: index, mode: .readOnly)
        let source = SegmentSource(facts: facts, segments: segments, recipe: recipe)
        var whole = Stopwatch()
        var parts: [(name: String, startedUs: Int64)] = [("reading", SystemClock().monotonicUs)]
        let report = try whole.during {
            try DatasetBuild.run(recipe: recipe, source: source, output: out, files: files, tool: "weir-bench") { progress in
                let name = progress.phase.rawValue
                if parts.last?.name != name { parts.append((name, SystemClock().monotonicUs)) }
            }
        }
        parts.append(("end", SystemClock().monotonicUs))
        var fields = [
            ("seen", Double(report.seen)), ("train_rows", Double(report.trainRows)), ("eval_rows", Double(report.evalRows)),
            ("seconds", whole.seconds), ("cpu_s", whole.cpuSeconds), ("peak_mb", FigureLine.peakMegabytes),
        ]
        for (part, next) in zip(parts, parts.dropFirst()) {
            fields.append((part.name + "_s", Double(next.startedUs - part.startedUs) / 1e6))
        }
        try FigureLine.write(fields)
    }

    /// An index with the heads of all records.
    private func fill(_ index: String, from segments: SegmentDirectory) throws {
        let store = try FactStore.open(path: index, mode: .readWrite)
        for file in try segments.list() {
            let reader = try segments.reader(of: file)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                let facts = try batch.lineRanges.map { line in
                    ExchangeFact(
                        head: try ExchangeRecord(line: batch.raw[line]).head,
                        location: PayloadLocation(segment: file.name, frame: batch.offset, offset: Int64(line.lowerBound)))
                }
                offset = batch.next
                _ = try store.commit(facts: facts, checkpoint: Checkpoint(segment: file.name, offset: offset))
            }
        }
    }
}
