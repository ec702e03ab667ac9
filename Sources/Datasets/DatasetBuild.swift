// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
package import Platform

/// Compiles a data set: three passes over the source, one for hashes, one for what separation asks, one for rows.
///
/// Blocks; belongs in the task world.
///
/// Invariants:
/// - the same records, the same recipe and the same ledger give the same bytes in every file, whatever the order of the records and
///   whatever segments they lie in;
/// - no group has rows on both sides;
/// - what `notebooks-docs/separation.md` promises holds between every row of training and every row that is or ever was in an eval set of
///   the ledger;
/// - every record seen is a row or is dropped under one named reason;
/// - the place of the data set holds the old one or the new one, whole.
///
/// Memory: about 200 bytes a record, 60 bytes a distinct turn, 1,400 bytes a row, the shingles of eval rows, and one record's payload; rows
/// and what separation knows of them wait on disk.
package enum DatasetBuild {
    /// Builds and publishes a data set.
    ///
    /// - Parameters:
    ///   - recipe: what to build.
    ///   - source: where the records come from; visited twice.
    ///   - output: the data set's own directory; created, or replaced where it holds a data set of the same name.
    ///   - files: the file system.
    ///   - tool: name and version of the program, for the manifest.
    ///   - ledger: what earlier builds did, and where this one is recorded; nil for a data set that stands alone.
    ///   - recordedUs: the time for the ledger, microseconds since the Unix epoch; in no file.
    ///   - progress: told about every 1,000 records.
    /// - Returns: the counts.
    /// - Throws: `DatasetError`, `PlatformError`, or what the source throws; the place is then as it was.
    package static func run(
        recipe: DatasetRecipe, source: some DatasetSource, output: String, files: any DirectoryFileSystem, tool: String,
        ledger: DatasetLedger? = nil, recordedUs: Int64 = 0, progress: (DatasetProgress) -> Void = { _ in }
    ) throws -> DatasetReport {
        try recipe.validate()
        let place = try DatasetOutput(place: output, name: recipe.name, files: files)
        do {
            let ledger = ledger ?? DatasetLedger(withoutStore: recipe.ledger)
            let survey = try survey(recipe: recipe, source: source, progress: progress)
            var (second, grouping, dropped) = try leaves(
                of: survey, recipe, source, ledger, directory: place.building, files: files, progress: progress)
            progress(DatasetProgress(phase: .grouping, records: Int64(second.leaves.count), total: nil))
            _ = try second.finish(&grouping)
            var decision = try DatasetDecision(
                recipe: recipe, survey: survey, second: second, grouping: grouping, dropped: dropped, ledger: ledger)
            let plan = try decision.decide { progress(DatasetProgress(phase: .gate, records: $0, total: nil)) }
            var writer = try DatasetWriter(
                recipe: recipe, plan: plan, tool: tool, directory: place.building, files: files, traits: second.spill,
                ledger: ledger)
            try writer.gather(from: source, progress: progress)
            let report = try writer.finish(recordedUs: recordedUs)
            try place.publish()
            return report
        } catch {
            // The first error is the one to tell; what cannot be cleared now, the next build clears.
            try? place.abandon()
            throw error
        }
    }

    private static func survey(
        recipe: DatasetRecipe, source: some DatasetSource, progress: (DatasetProgress) -> Void
    ) throws -> Survey {
        var survey = Survey(recipe: recipe)
        var visited: Int64 = 0
        try source.forEachRecord(where: { _ in true }) { input in
            try survey.take(input)
            visited += 1
            if visited % Int64(DatasetLimits.recordsPerReport) == 0 {
                progress(DatasetProgress(phase: .reading, records: visited, total: nil))
            }
        }
        progress(DatasetProgress(phase: .reading, records: visited, total: visited))
        return survey
    }

    /// The second pass: what may become a row, grouped by conversation and key.
    private static func leaves(
        of survey: Survey, _ recipe: DatasetRecipe, _ source: some DatasetSource, _ ledger: DatasetLedger, directory: String,
        files: any DirectoryFileSystem, progress: (DatasetProgress) -> Void
    ) throws -> (LeafSurvey, Grouping, [DropReason: Int64]) {
        let grouping = Grouping(candidates: survey.candidates, trie: survey.trie, keys: survey.keys)
        let pinned = Set(try ledger.pinned(dataset: recipe.name))
        let pinnedPlaces = survey.candidates.indices.filter {
            survey.candidates[$0].isKept && pinned.contains(survey.candidates[$0].id)
        }
        let (rows, dropped) = grouping.leaves(pinned: Set(pinnedPlaces.map { UInt32($0) }))
        var wanted: [ExchangeID: UInt32] = [:]
        for row in rows { wanted[survey.candidates[Int(row)].id] = row }
        var second = try LeafSurvey(recipe: recipe, candidates: wanted, directory: directory, files: files)
        var visited: Int64 = 0
        try source.forEachRecord(where: { wanted[$0] != nil }) { input in
            guard case .record(let record, _) = input, wanted[record.head.id] != nil else { return }
            let request = try Selection.request(record)
            try second.take(record, request, try Selection.answer(record, request))
            visited += 1
            if visited % Int64(DatasetLimits.recordsPerReport) == 0 {
                progress(DatasetProgress(phase: .comparing, records: visited, total: Int64(wanted.count)))
            }
        }
        guard second.leaves.count == wanted.count else {
            throw DatasetError(
                .sourceChanged,
                "\(wanted.count - second.leaves.count) records could not be read a second time: segments were removed during the build. Build again."
            )
        }
        return (second, grouping, survey.dropped.merging(dropped) { $0 + $1 })
    }
}
