// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel
package import Platform

/// Compiles a data set: two passes over the source, one for hashes, one for rows.
///
/// Blocks; belongs in the task world.
///
/// Invariants:
/// - the same records and the same recipe give the same bytes in every file but for the names of segments in the manifest,
///   whatever the order of the records;
/// - no group has rows on both sides;
/// - every record seen is a row or is dropped under one named reason;
/// - the place of the data set holds the old one or the new one, whole.
///
/// Memory: about 200 bytes a record, 60 bytes a distinct turn, and one record's payload; rows wait on disk.
package enum DatasetBuild {
    /// Builds and publishes a data set.
    ///
    /// - Parameters:
    ///   - recipe: what to build.
    ///   - source: where the records come from; visited twice.
    ///   - output: the data set's own directory; created, or replaced where it holds a data set of the same name.
    ///   - files: the file system.
    ///   - tool: name and version of the program, for the manifest.
    ///   - progress: told about every 1,000 records.
    /// - Returns: the counts.
    /// - Throws: `DatasetError`, `PlatformError`, or what the source throws; the place is then as it was.
    package static func run(
        recipe: DatasetRecipe, source: some DatasetSource, output: String, files: any DirectoryFileSystem, tool: String,
        progress: (DatasetProgress) -> Void = { _ in }
    ) throws -> DatasetReport {
        try recipe.validate()
        let place = try DatasetOutput(place: output, name: recipe.name, files: files)
        do {
            let plan = try survey(recipe: recipe, source: source, progress: progress)
            var writer = try DatasetWriter(recipe: recipe, plan: plan, tool: tool, directory: place.building, files: files)
            try writer.gather(from: source, progress: progress)
            let report = try writer.finish()
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
    ) throws -> DatasetPlan {
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
        return DatasetPlan(survey: survey, recipe: recipe)
    }
}

/// The second pass: rows to a spill file as they come, then into their files in order.
struct DatasetWriter {
    private let recipe: DatasetRecipe
    private let plan: DatasetPlan
    private let tool: String
    private let directory: String
    private let files: any DirectoryFileSystem
    private var wanted: Set<ExchangeID> = []
    private var spill: RowSpill
    private var changed: [RowChanges: Int64] = [:]

    init(recipe: DatasetRecipe, plan: DatasetPlan, tool: String, directory: String, files: any DirectoryFileSystem) throws {
        self.recipe = recipe
        self.plan = plan
        self.tool = tool
        self.directory = directory
        self.files = files
        spill = try RowSpill(in: directory, files: files)
        for row in plan.rows.values.joined() { wanted.insert(row.id) }
    }

    /// Reads the chosen records again and writes their rows to the spill file.
    mutating func gather(from source: some DatasetSource, progress: (DatasetProgress) -> Void) throws {
        let wanted = self.wanted
        let total = Int64(wanted.count)
        try source.forEachRecord(where: { wanted.contains($0) }) { input in
            guard case .record(let record, _) = input, wanted.contains(record.head.id), !spill.holds(record.head.id) else {
                return
            }
            try take(record)
            let done = Int64(spill.count)
            if done % Int64(DatasetLimits.recordsPerReport) == 0 || done == total {
                progress(DatasetProgress(phase: .writing, records: done, total: total))
            }
        }
        try spill.flush()
    }

    private mutating func take(_ record: ExchangeRecord) throws {
        let request: CanonicalRequest
        let answer: CanonicalAnswer
        do {
            request = try ConversationReader.request(record)
            answer = try Selection.answer(record, request)
        } catch {
            throw changedSource(record.head.id)
        }
        let turns = request.turns + [answer.turn]
        for (_, change) in RowChanges.named
        where ChatRow.changes(turns).union(request.changes).union(answer.changes).contains(change) {
            changed[change, default: 0] += 1
        }
        let row = ChatRow.encode(turns: turns, tools: plan.hasTools ? request.tools : nil)
        try spill.append(record.head.id, row: row, lineage: lineageTail(record.head, model: request.model))
    }

    /// The members of a lineage line that only the record knows, from the comma before them to the closing brace.
    private func lineageTail(_ head: ExchangeHead, model: String?) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let texts: [(String, String?)] = [
            ("task", head.attribution.task), ("environment", head.attribution.environment), ("provider", head.provider),
            ("api", head.api?.rawValue), ("model", model),
        ]
        for (key, text) in texts {
            json.key(key)
            json.value(text)
        }
        json.endObject()
        return Array(json.bytes)
    }

    private func changedSource(_ id: ExchangeID) -> DatasetError {
        DatasetError(
            .sourceChanged, subject: id.description,
            "Record \(id) read otherwise the second time: segments were removed or damaged during the build. Build again.")
    }

    /// Writes the files and the manifest.
    mutating func finish() throws -> DatasetReport {
        var lineage = try LineFile("lineage.jsonl", in: directory, files: files)
        var seals: [FileSeal] = []
        for side in DatasetSide.allCases {
            var file = try LineFile("\(side.rawValue).jsonl", in: directory, files: files)
            for (position, row) in (plan.rows[side] ?? []).enumerated() {
                guard let stored = try spill.read(row.id) else { throw changedSource(row.id) }
                try file.append(stored.row)
                try lineage.append(lineageLine(row, number: Int64(position) + 1, tail: stored.lineage))
            }
            seals.append(try file.seal())
        }
        seals.append(try lineage.seal())
        try spill.remove()
        seals.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return try writeManifest(seals)
    }

    private func lineageLine(_ row: PlannedRow, number: Int64, tail: ArraySlice<UInt8>) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("file")
        json.value("\(row.side.rawValue).jsonl")
        json.key("row")
        json.value(number)
        for (key, id) in [("record", row.id), ("group", row.group)] {
            json.key(key)
            json.value(id.description)
        }
        json.key("records")
        json.beginArray()
        for id in plan.grouping.recordsIn(row: row.candidate) { json.value(id.description) }
        json.endArray()
        json.key("from")
        json.raw(tail)
        json.endObject()
        return json.bytes
    }

    private func writeManifest(_ seals: [FileSeal]) throws -> DatasetReport {
        var report = plan.report
        report.changes = RowChanges.named.compactMap { named in changed[named.change].map { (named.name, $0) } }
        let bytes = DatasetManifest(recipe: recipe, tool: tool, plan: plan, files: seals, report: report).encoded()
        let file = try files.open(PathText.join(directory, "manifest.json"), .createNew)
        defer { file.close() }
        try file.append(bytes)
        try file.sync()
        report.manifestSHA256 = Hex.encode(SHA256.hash(data: bytes))
        return report
    }
}

extension DatasetPlan {
    /// The counts, without what only the second pass knows.
    var report: DatasetReport {
        let train = Int64(rows[.train]?.count ?? 0)
        let eval = Int64(rows[.eval]?.count ?? 0)
        let drops = DropReason.allCases.compactMap { reason in dropped[reason].map { (reason: reason, count: $0) } }
            .sorted { $0.reason.rawValue.utf8.lexicographicallyPrecedes($1.reason.rawValue.utf8) }
        let late: [DropReason] = [.superseded, .duplicateConversation, .overLimit]
        let kept = train + eval + late.reduce(0) { $0 + (dropped[$1] ?? 0) }
        let (trainGroups, evalGroups) = (groupCounts[.train] ?? 0, groupCounts[.eval] ?? 0)
        return DatasetReport(
            seen: seen, kept: kept, conversations: conversationCount, groups: trainGroups + evalGroups, trainGroups: trainGroups,
            evalGroups: evalGroups, trainRows: train, evalRows: eval, largestGroup: largestGroup, drops: drops, changes: [],
            manifestSHA256: "")
    }
}
