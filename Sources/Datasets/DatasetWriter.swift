// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Crypto
import ExchangeModel
import Platform

/// The last pass: rows to a spill file as they come, then into their files in order.
struct DatasetWriter {
    private let recipe: DatasetRecipe
    private let plan: DatasetPlan
    private let tool: String
    private let directory: String
    private let files: any DirectoryFileSystem
    private var wanted: Set<ExchangeID> = []
    private var spill: RowSpill
    private var changed: [RowChanges: Int64] = [:]
    private let traits: TraitSpill
    private let ledger: DatasetLedger
    private var examples: [ExchangeID: FigureExample] = [:]
    private let shown: Set<ExchangeID>

    init(
        recipe: DatasetRecipe, plan: DatasetPlan, tool: String, directory: String, files: any DirectoryFileSystem,
        traits: TraitSpill, ledger: DatasetLedger
    ) throws {
        self.recipe = recipe
        self.plan = plan
        self.tool = tool
        self.directory = directory
        self.files = files
        self.traits = traits
        self.ledger = ledger
        shown = Set(DatasetSide.allCases.flatMap { (plan.rows[$0] ?? []).prefix(DatasetLimits.previewExamples).map(\.id) })
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
            request = try Selection.request(record)
            answer = try Selection.answer(record, request)
        } catch {
            throw changedSource(record.head.id)
        }
        let turns = request.turns + [answer.turn]
        for (_, change) in RowChanges.named
        where ChatRow.changes(turns).union(request.changes).union(answer.changes).contains(change) {
            changed[change, default: 0] += 1
        }
        if shown.contains(record.head.id) { examples[record.head.id] = example(record.head.id, request, answer) }
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

    private func example(_ id: ExchangeID, _ request: CanonicalRequest, _ answer: CanonicalAnswer) -> FigureExample {
        let row = plan.rows.values.joined().first { $0.id == id }
        let prompt = request.turns.first { $0.role == .user }?.joinedText ?? ""
        let calls = answer.turn.toolCalls.map { "\($0.name)(\($0.arguments))" }
        return FigureExample(
            side: row?.side ?? .train, record: id.description, prompt: String(prompt.prefix(DatasetLimits.exampleCharacters)),
            answer: String(([answer.turn.joinedText] + calls).joined(separator: "\n").prefix(DatasetLimits.exampleCharacters)),
            note: row?.reason ?? "")
    }

    /// Writes the files, tells the ledger, and writes the manifest.
    ///
    /// The ledger comes before the data set is in its place: a row that it knows too much of keeps others out, one that it knows nothing of would not.
    mutating func finish(recordedUs: Int64) throws -> DatasetReport {
        var lineage = try LineFile("lineage.jsonl", in: directory, files: files)
        var seals: [FileSeal] = []
        var entries = LedgerDraft(plan: plan, recipe: recipe, ledger: ledger, traits: traits)
        for side in DatasetSide.allCases {
            var file = try LineFile("\(side.rawValue).jsonl", in: directory, files: files)
            for (position, row) in (plan.rows[side] ?? []).enumerated() {
                guard let stored = try spill.read(row.id) else { throw changedSource(row.id) }
                try file.append(stored.row)
                try lineage.append(lineageLine(row, number: Int64(position) + 1, tail: stored.lineage))
                try entries.add(row, bytes: stored.row, records: plan.grouping.recordsIn(row: row.candidate))
            }
            seals.append(try file.seal())
        }
        seals.append(try lineage.seal())
        seals.append(try writeExcluded())
        try spill.remove()
        try traits.remove()
        let head = try ledger.append(try entries.entries(), recordedUs: recordedUs)
        var report = plan.report
        report.changes = RowChanges.named.compactMap { named in changed[named.change].map { (named.name, $0) } }
        seals.append(try writePage(report))
        seals.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return try writeManifest(seals, report, head)
    }

    /// `excluded.jsonl`: the rows that the gate kept out, each with the eval row that it is too near to.
    private func writeExcluded() throws -> FileSeal {
        var file = try LineFile("excluded.jsonl", in: directory, files: files)
        for row in plan.excluded {
            var json = JSONWriter()
            json.beginObject()
            for (key, text) in [("record", row.id.description), ("rule", row.rule), ("eval_record", row.evalRow)] {
                json.key(key)
                json.value(text)
            }
            for (key, count) in [("shared", row.shared), ("train_size", row.trainSize), ("eval_size", row.evalSize)] {
                json.key(key)
                json.value(Int64(count))
            }
            json.endObject()
            try file.append(json.bytes)
        }
        return try file.seal()
    }

    private func writePage(_ report: DatasetReport) throws -> FileSeal {
        var figures = plan.figures
        figures.name = recipe.name
        figures.warnings = plan.warnings
        figures.funnel = report.funnelBars
        figures.lengths = lengths()
        figures.hardness = hardness()
        figures.examples = DatasetSide.allCases.flatMap { (plan.rows[$0] ?? []).compactMap { examples[$0.id] } }
        var file = try LineFile("report.html", in: directory, files: files)
        for line in DatasetPage.html(figures, report).split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
            try file.append(line)
        }
        return try file.seal()
    }

    private func lengths() -> [FigureBar] {
        var counts = Array(repeating: (train: Int64(0), eval: Int64(0)), count: DoublingBuckets.tokenBounds.count + 1)
        for row in plan.rows.values.joined() {
            let bucket = DoublingBuckets.index(of: row.promptTokens)
            if row.side == .train { counts[bucket].train += 1 } else { counts[bucket].eval += 1 }
        }
        // Empty buckets at either end say nothing.
        let filled = counts.indices.filter { counts[$0].train + counts[$0].eval > 0 }
        guard let first = filled.first, let last = filled.last else { return [] }
        return (first...last).map { FigureBar(DoublingBuckets.label($0), counts[$0].train, other: counts[$0].eval) }
    }

    private func hardness() -> [FigureBar] {
        var counts = Array(repeating: Int64(0), count: 10)
        for row in plan.rows[.eval] ?? [] { counts[Int(min(9, row.offer.hardness / 100_000))] += 1 }
        return counts.enumerated().map { FigureBar("0.\($0) to \($0 == 9 ? "1" : "0.\($0 + 1)")", $1) }
    }

    private func lineageLine(_ row: PlannedRow, number: Int64, tail: ArraySlice<UInt8>) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("file")
        json.value("\(row.side.rawValue).jsonl")
        json.key("row")
        json.value(number)
        if !row.reason.isEmpty {
            json.key("reason")
            json.value(row.reason)
        }
        json.key("stratum")
        json.value(row.offer.stratum)
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

    private func writeManifest(_ seals: [FileSeal], _ counts: DatasetReport, _ head: LedgerHead) throws -> DatasetReport {
        var report = counts
        let bytes = DatasetManifest(recipe: recipe, tool: tool, plan: plan, files: seals, report: report, head: head).encoded()
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
        let late: [DropReason] = [
            .superseded, .duplicateConversation, .overLimit, .overGroupLimit, .tooShortForEval, .tooLongForEval, .groupOfEval,
            .nearEval,
        ]
        let kept = train + eval + late.reduce(0) { $0 + (dropped[$1] ?? 0) }
        let (trainGroups, evalGroups) = (groupCount(.train), groupCount(.eval))
        return DatasetReport(
            seen: seen, kept: kept, conversations: conversationCount, groups: trainGroups + evalGroups, trainGroups: trainGroups,
            evalGroups: evalGroups, trainRows: train, evalRows: eval, largestGroup: largestGroup, drops: drops, changes: [],
            warnings: warnings,
            manifestSHA256: "")
    }
}
