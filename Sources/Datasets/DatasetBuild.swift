// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
package import Platform
import Separation

/// Compiles a data set: three passes over the source, one for hashes, one for what separation asks, one for rows; each reads through a `RowIntake`.
///
/// Blocks; belongs in the task world.
///
/// Invariants:
/// - the same records, recipe, ledger, feedback and key of pseudonyms give the same bytes in every file, whatever the order of the
///   records and whatever segments they lie in;
/// - no group has rows on both sides;
/// - what `notebooks-docs/separation.md` promises holds between every row of training and every row that is or ever was in an eval set of
///   the ledger;
/// - every record seen is a row or is dropped under one named reason;
/// - the place of the data set holds the old one or the new one, whole.
///
/// Memory: about 200 bytes a record, 150 bytes an answer with feedback, 60 bytes a distinct turn, 1,400 bytes a row, the shingles of eval rows, and one record's payload; rows
/// and what separation knows of them wait on disk.
package enum DatasetBuild {
    /// Builds and publishes a data set.
    ///
    /// - Parameters:
    ///   - recipe: what to build.
    ///   - source: where the records come from; visited three times, and again for histories that providers keep.
    ///   - output: the data set's own directory; created, or replaced where it holds a data set of the same name.
    ///   - files: the file system.
    ///   - tool: name and version of the program, for the manifest.
    ///   - feedback: what was said of the exchanges; nil for none.
    ///   - ledger: what earlier builds did, and where this one is recorded; nil for a data set that stands alone.
    ///   - recordedUs: the time for the ledger, microseconds since the Unix epoch; in no file.
    ///   - progress: told about every 1,000 records.
    /// - Returns: the counts.
    /// - Throws: `DatasetError` (`.emptySet` where no record became a row), `PlatformError`, or what the source throws; the place and
    ///   the ledger are then as they were.
    package static func run(
        recipe: DatasetRecipe, source: some DatasetSource, output: String, files: any DirectoryFileSystem, tool: String,
        feedback: (any DatasetFeedback)? = nil, ledger: DatasetLedger? = nil, recordedUs: Int64 = 0,
        progress: (DatasetProgress) -> Void = { _ in }
    ) throws -> DatasetReport {
        try recipe.validate()
        let place = try DatasetOutput(place: output, name: recipe.name, files: files)
        do {
            let ledger = ledger ?? DatasetLedger(withoutStore: recipe.ledger)
            if let past = place.replaced?.head(of: recipe.ledger) { try ledger.require(past, ofSetAt: output) }
            let key = try RedactionKey.choose(
                id: recipe.redact.key, file: recipe.redact.keyFile, salt: recipe.ledger, files: files)
            let history = ResponseHistory(in: place.building, files: files)
            func intake() -> RowIntake { RowIntake(recipe: recipe, key: key, history: history) }
            let (plan, traits, corrections) = try plan(
                recipe, source, intake, history, feedback, ledger, place: place, files: files, progress: progress)
            var writer = try DatasetWriter(
                recipe: recipe, plan: plan, tool: tool, directory: place.building, files: files, traits: traits,
                corrections: corrections, ledger: ledger, intake: intake())
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

    /// Everything but the rows themselves; what was spilled is in the directory.
    static func plan(
        _ recipe: DatasetRecipe, _ source: some DatasetSource, _ intake: () -> RowIntake, _ history: ResponseHistory,
        _ feedback: (any DatasetFeedback)?, _ ledger: DatasetLedger, place: DatasetOutput, files: any DirectoryFileSystem,
        progress: (DatasetProgress) -> Void
    ) throws -> (DatasetPlan, TraitSpill, CorrectionSpill) {
        let survey = try survey(recipe: recipe, source: source, intake: intake(), history: history, progress: progress)
        let said = try FeedbackSurvey(
            rules: recipe.feedback, candidates: survey.candidates, pinned: try ledger.pinnedExchanges(of: recipe.name),
            source: feedback, directory: place.building, files: files)
        var (second, grouping, dropped) = try leaves(
            of: survey, recipe, source, intake(), ledger, directory: place.building, files: files, progress: progress)
        progress(DatasetProgress(phase: .grouping, records: Int64(second.leaves.count), total: nil))
        _ = try second.finish(&grouping)
        var traits = second.spill
        let published = try PublishedRows(
            try ledger.pinned(dataset: recipe.name), besides: Set(second.leaves.map(\.id)), isForgotten: source.isForgotten,
            in: place.replaced?.directory(redactedFor: recipe.redact),
            files, traits: &traits)
        var decision = try DatasetDecision(
            recipe: recipe, survey: survey, second: second, feedback: said, grouping: grouping, dropped: dropped, ledger: ledger,
            published: published)
        var plan = try decision.decide(progress: progress)
        try plan.judge(recipe)
        return (plan, second.spill, said.spill)
    }

    private static func survey(
        recipe: DatasetRecipe, source: some DatasetSource, intake: RowIntake, history: ResponseHistory,
        progress: (DatasetProgress) -> Void
    ) throws -> Survey {
        var survey = Survey(recipe: recipe)
        var visited: Int64 = 0
        try source.forEachRecord(where: { _ in true }) { input in
            try survey.take(input, by: intake)
            visited += 1
            if visited % Int64(DatasetLimits.recordsPerReport) == 0 {
                progress(DatasetProgress(phase: .reading, records: visited, total: nil))
            }
        }
        try HistoryPass(intake: intake, history: history).run(&survey, source)
        progress(DatasetProgress(phase: .reading, records: visited, total: visited))
        return survey
    }

    /// The second pass: what may become a row, grouped by conversation and key.
    private static func leaves(
        of survey: Survey, _ recipe: DatasetRecipe, _ source: some DatasetSource, _ intake: RowIntake, _ ledger: DatasetLedger,
        directory: String, files: any DirectoryFileSystem, progress: (DatasetProgress) -> Void
    ) throws -> (LeafSurvey, Grouping, [DropReason: Int64]) {
        var grouping = Grouping(candidates: survey.candidates, trie: survey.trie, keys: survey.keys)
        let pinned = try ledger.pinnedExchanges(of: recipe.name)
        let pinnedPlaces = survey.candidates.indices.filter {
            survey.candidates[$0].isKept && pinned.contains(survey.candidates[$0].id)
        }
        let isPinned = Set(pinnedPlaces.map { UInt32($0) })
        let leaves = grouping.leaves(pinned: isPinned)
        let rows = survey.withoutRepetitions(leaves.rows, pinned: isPinned)
        var dropped = leaves.dropped
        let repeated = Int64(leaves.rows.count - rows.count)
        if repeated > 0 {
            dropped[.duplicateConversation, default: 0] += repeated
            // What an earlier build did with one of them holds for the one that stays.
            for (row, stays) in survey.repetitions(of: rows, among: leaves.rows) { grouping.unite(row, stays) }
        }
        var wanted: [ExchangeID: UInt32] = [:]
        for row in rows { wanted[survey.candidates[Int(row)].id] = row }
        var second = try LeafSurvey(
            recipe: recipe, rows: wanted,
            groupKeys: grouping.keys(of: rows, among: survey.keys, limit: DatasetLimits.groupKeys),
            templates: commonTemplates(rows.map { survey.templates[Int($0)] }), directory: directory, files: files)
        var visited: Int64 = 0
        try source.forEachRecord(where: { wanted[$0] != nil }) { input in
            guard case .record(let record, _) = input, wanted[record.head.id] != nil else { return }
            // What reads otherwise now is missed below.
            guard let (row, answer) = try intake.row(record) else { return }
            try second.take(record, row, answer)
            visited += 1
            if visited % Int64(DatasetLimits.recordsPerReport) == 0 {
                progress(DatasetProgress(phase: .comparing, records: visited, total: Int64(wanted.count)))
            }
        }
        guard second.leaves.count == wanted.count else {
            throw DatasetError(
                .sourceChanged,
                "\(wanted.count - second.leaves.count) records could not be read a second time, or read otherwise: segments were removed or damaged during the build. Build again."
            )
        }
        return (second, grouping, survey.dropped.merging(dropped) { $0 + $1 })
    }

    /// Templates of more rows than make boilerplate.
    private static func commonTemplates(_ templates: [UInt64]) -> Set<UInt64> {
        var counts: [UInt64: Int] = [:]
        for template in templates { counts[template, default: 0] += 1 }
        return Set(counts.filter { $0.value > SeparationLimits.boilerplateGroups }.keys)
    }
}
