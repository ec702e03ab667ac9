// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

@main struct WeirBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-bench", abstract: "Benchmark workloads of Weir's own rooms; build it for release.",
        subcommands: [
            CaptureWorkload.self, RecordsWorkload.self, SealWorkload.self, ReadsWorkload.self, FactsWorkload.self,
            AnswerWorkload.self, JSONWorkload.self, RedactWorkload.self, RedactionWorkload.self,
            SeparationWorkload.self, NearDuplicatesWorkload.self, DatasetWorkload.self,
        ])
}
