// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Crypto
import ExchangeModel
import Platform

/// The last pass: rows to a spill file as they come, in every format that is wanted, then into their files in order.
struct DatasetWriter {
    private let recipe: DatasetRecipe
    private let plan: DatasetPlan
    private let tool: String
    private let directory: String
    private let files: any DirectoryFileSystem
    private let traits: TraitSpill
    private let ledger: DatasetLedger
    private let exports: RowExports
    /// The side of each row.
    private let sides: [ExchangeID: DatasetSide]
    /// Exchanges whose recorded answers pairs name.
    private let partners: Set<ExchangeID>
    private let shown: [ExchangeID: PlannedRow]
    private var spill: RowSpill
    private var answers: RowSpill?
    private let corrections: RowCorrections
    private var examples: [ExchangeID: FigureExample] = [:]
    private let intake: RowIntake
    private var quality = QualityFunnel()

    init(
        recipe: DatasetRecipe, plan: DatasetPlan, tool: String, directory: String, files: any DirectoryFileSystem,
        traits: TraitSpill, corrections: CorrectionSpill, ledger: DatasetLedger, intake: RowIntake
    ) throws {
        self.intake = intake
        self.recipe = recipe
        self.plan = plan
        self.tool = tool
        self.directory = directory
        self.files = files
        self.traits = traits
        self.ledger = ledger
        self.corrections = RowCorrections(spill: corrections, rows: plan.corrections)
        exports = RowExports(recipe: recipe)
        var (sides, partners, shown): ([ExchangeID: DatasetSide], Set<ExchangeID>, [ExchangeID: PlannedRow]) = ([:], [], [:])
        for side in DatasetSide.allCases {
            let rows = plan.rows[side] ?? []
            let wantsPairs = exports.choices(side).contains(where: \.isOfPairs)
            for row in rows {
                sides[row.id] = side
                for pair in wantsPairs ? plan.pairs[row.id] ?? [] : [] { partners.formUnion(PairLines.partners(pair, of: row)) }
            }
            for row in rows.prefix(DatasetLimits.previewExamples) { shown[row.id] = row }
        }
        (self.sides, self.partners, self.shown) = (sides, partners, shown)
        spill = try RowSpill("rows.spill", in: directory, files: files)
        if !partners.isEmpty { answers = try RowSpill("answers.spill", in: directory, files: files) }
    }

    /// Reads the chosen records again and writes their rows to the spill file.
    mutating func gather(from source: some DatasetSource, progress: (DatasetProgress) -> Void) throws {
        let (sides, partners) = (self.sides, self.partners)
        let total = Int64(sides.count)
        for row in plan.carried.values {
            guard let encoded = exports.encode(published: try row.line(files), row) else { throw changedSource(row.id) }
            try spill.append(row.id, encoded.encoded)
        }
        try source.forEachRecord(where: { sides[$0] != nil || partners.contains($0) }) { input in
            guard case .record(let record, _) = input else { return }
            let id = record.head.id
            let side = spill.holds(id) ? nil : sides[id]
            let isPartner = partners.contains(id) && answers?.holds(id) == false
            guard side != nil || isPartner else { return }
            try take(record, side: side, isPartner: isPartner)
            let done = Int64(spill.count)
            if side != nil, done % Int64(DatasetLimits.recordsPerReport) == 0 || done == total {
                progress(DatasetProgress(phase: .writing, records: done, total: total))
            }
        }
        try spill.flush()
        try answers?.flush()
    }

    private mutating func take(_ record: ExchangeRecord, side: DatasetSide?, isPartner: Bool) throws {
        let id = record.head.id
        guard let (read, recorded) = try intake.row(record) else {
            // A partner that is no row by itself makes no pair: the format's refusal says so.
            guard side != nil else { return }
            throw changedSource(id)
        }
        if isPartner { try answers?.append(id, PairLines.encoded(recorded.turn)) }
        guard let side else { return }
        let request = read.request
        quality.count(read.verdict)
        // The one place where a correction becomes a row's answer.
        let answer = try corrections.answer(of: id, recorded: recorded, redact: { intake.redact(&$0) }) {
            exports.line(record.head, request, $0)
        }
        if let row = shown[id] { examples[id] = FigureExample(row, request, answer) }
        let from = LineageLine.from(record.head, model: request.model)
        let encoded = Result { () throws(FormatRefusal) in
            try exports.encode(record.head, request, answer, side, lineage: from)
        }
        guard case .success(let row) = encoded else { throw changedSource(id) }
        try spill.append(id, row.encoded)
    }

    private func changedSource(_ id: ExchangeID) -> DatasetError {
        DatasetError(
            .sourceChanged, subject: id.description,
            "Record \(id) read otherwise the second time: segments were removed or damaged during the build. Build again.")
    }

    /// Writes the files, holds them against the rules of their formats, tells the ledger, and writes the manifest.
    ///
    /// The ledger comes before the data set is in its place: a row that it knows too much of keeps others out, one that it knows nothing of would not.
    mutating func finish(recordedUs: Int64) throws -> DatasetReport {
        var lineage = try LineFile("lineage.jsonl", in: directory, files: files)
        var (seals, figures): ([FileSeal], [ExportFigure]) = ([], [])
        var entries = LedgerDraft(plan: plan, recipe: recipe, ledger: ledger, traits: traits)
        for side in DatasetSide.allCases {
            let written = try write(side, &lineage, &entries)
            seals += written.seals
            figures += written.figures
        }
        seals.append(try lineage.seal())
        seals.append(try writeExcluded())
        try spill.remove()
        try answers?.remove()
        try corrections.spill.remove()
        var report = plan.report
        report.files = figures.sorted { $0.file.utf8.lexicographicallyPrecedes($1.file.utf8) }
        report.flags = QualityFilters.order.compactMap { rule in quality.flagged[rule].map { (rule, $0) } }
        report.redactions = intake.redactions
        report.redactionKey = intake.key.id
        report.warnings += entries.warnings
        if intake.key.isFromSalt, !report.redactions.isEmpty { report.warnings.append(DatasetWriter.saltWarning) }
        report.warnings += try WrittenFiles(directory: directory, files: files).check(figures)
        seals.append(try writePage(report))
        let head = try entries.append(recordedUs: recordedUs)
        try traits.remove()
        seals.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return try writeManifest(seals, report, head)
    }

    private func write(
        _ side: DatasetSide, _ lineage: inout LineFile, _ entries: inout LedgerDraft
    ) throws -> (seals: [FileSeal], figures: [ExportFigure]) {
        var out = try SideFiles(
            side, exports.choices(side), recipe: recipe.name, pairs: PairLines(plan.pairs, answers: answers), in: directory,
            files: files)
        for row in plan.rows[side] ?? [] {
            guard let stored = try spill.read(row.id).flatMap(SpilledRow.init(encoded:)) else { throw changedSource(row.id) }
            let records = plan.records(in: row)
            let (number, places) = try out.append(row, stored)
            let line = LineageLine(row: row, number: number, places: places, records: records, from: stored.lineage)
            try lineage.append(line.encoded)
            entries.add(row, bytes: stored.line, records: records)
        }
        return try out.seal()
    }

    private func writeExcluded() throws -> FileSeal {
        var file = try LineFile("excluded.jsonl", in: directory, files: files)
        for row in plan.excluded { try file.append(row.encoded) }
        return try file.seal()
    }

    private func writePage(_ report: DatasetReport) throws -> FileSeal {
        var figures = plan.figures
        figures.name = recipe.name
        figures.warnings = report.warnings
        figures.redactions = report.redactionBars
        figures.flags = report.flags.map { FigureBar($0.reason.rawValue, $0.rows) }
        figures.funnel = report.funnelBars
        figures.lengths = plan.lengths
        figures.hardness = plan.hardness
        figures.examples = DatasetSide.allCases.flatMap { side in
            (plan.rows[side] ?? []).prefix(DatasetLimits.previewExamples).compactMap { examples[$0.id] }
        }
        var file = try LineFile("report.html", in: directory, files: files)
        for line in DatasetPage.html(figures, report).split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
            try file.append(line)
        }
        return try file.seal()
    }

    private static let saltWarning =
        "Pseudonyms are made with a key from the ledger's name, which the manifest holds: whoever has both can try values. Name a key with redact.key_file."

    private func writeManifest(_ seals: [FileSeal], _ counts: DatasetReport, _ head: LedgerHead) throws -> DatasetReport {
        var report = counts
        let bytes = try DatasetManifest(recipe: recipe, tool: tool, plan: plan, files: seals, report: report, head: head)
            .encoded()
        let file = try files.open(PathText.join(directory, "manifest.json"), .createNew)
        defer { file.close() }
        try file.append(bytes)
        try file.sync()
        report.manifestSHA256 = Hex.encode(SHA256.hash(data: bytes))
        return report
    }
}
