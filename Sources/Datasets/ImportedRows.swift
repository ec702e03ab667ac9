// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Crypto
import ExchangeModel
import Platform
import Separation

/// What an import keeps of a row.
struct ImportedRow {
    /// The hash of its line, without white space around it.
    let item: LedgerDigest
    /// What it is known by: its prompt, and its exchange where its id is one.
    let keys: [LedgerKey]
    /// Where its traits lie; nil for training rows.
    let traits: TraitSpill.Place?
}

/// The rows of a file on their way into a ledger.
struct ImportedRows {
    var summary = RowImportSummary()
    /// What is wrong with the first rows that could not be read.
    private(set) var badWords: [String] = []
    private let side: DatasetSide
    private var rows: [ImportedRow] = []
    private var spill: TraitSpill?
    /// What training rows are asked against.
    private var gate = SeparationGate(isStrict: false)
    private var probe = GateProbe()

    init(side: DatasetSide, ledger: DatasetLedger, directory: String, files: any FileSystem) throws {
        self.side = side
        guard side == .train else {
            let left = PathText.join(directory, TraitSpill.name)
            if try files.status(of: left) != nil { try files.unlink(left) }
            spill = try TraitSpill(in: directory, files: files)
            return
        }
        var waiting: [SeparationTraits] = []
        try ledger.forEachEval { _, traits in
            waiting.append(traits)
            guard waiting.count >= DatasetLimits.nearRows else { return }
            try gate.add(waiting)
            waiting = []
        }
        try gate.add(waiting)
    }

    /// Reads all rows.
    ///
    /// - Returns: the hash of what was read.
    mutating func read(_ input: LineInput, skipsBad: Bool, progress: (Int64) -> Void) throws -> LedgerDigest {
        let hash = HashedInput(input)
        var reader = RowReader()
        try LineReading.forEachLine(of: hash.input) { line, _ in
            do {
                guard let read = try reader.read(line) else { return }
                try take(read.row, line, number: reader.line)
            } catch let error as RowReadError {
                summary.bad += 1
                if badWords.count < DatasetLimits.namedBadRows { badWords.append("\(error)") }
            }
            if reader.line % Int64(DatasetLimits.recordsPerReport) == 0 { progress(reader.line) }
        }
        guard summary.bad == 0 || skipsBad else {
            let more = summary.bad > Int64(badWords.count) ? "\n  and \(summary.bad - Int64(badWords.count)) more" : ""
            throw DatasetError(
                .badRow, subject: input.name,
                "\(summary.bad) of \(summary.rows + summary.bad) rows of '\(input.name)' cannot be read, nothing was imported; --skip-bad leaves them out:\n  "
                    + badWords.joined(separator: "\n  ") + more)
        }
        guard summary.rows > 0 else {
            throw DatasetError(
                .noRows, subject: input.name, "'\(input.name)' holds no row that can be read: nothing was imported.")
        }
        try spill?.flush()
        return hash.digest
    }

    private mutating func take(_ row: DatasetRow, _ line: ArraySlice<UInt8>, number: Int64) throws {
        let traits = SeparationTraits(turns: row.turns.map(\.separated))
        func refusal(_ reason: String, _ message: String) -> RowReadError {
            RowReadError(line: number, reason: reason, message: message)
        }
        guard traits.tokenCount(.prompt) > 0 else {
            throw refusal("prompt-missing", "nobody asks anything in the row: there is nothing to keep apart.")
        }
        var place: TraitSpill.Place?
        if side == .eval {
            guard traits.encoded.count <= ControlStoreLimits.separationBytes else {
                throw refusal("row-too-long", "the prompt is too long for an eval row of the ledger.")
            }
            place = try spill?.append(traits)
            if !traits.isLongEnoughForEval { summary.short += 1 }
        } else if gate.violation(of: traits, using: &probe) != nil {
            summary.nearEval += 1
        }
        summary.rows += 1
        let most = side == .eval ? DatasetLimits.importEvalRows : DatasetLimits.importTrainRows
        guard rows.count < most else {
            throw DatasetError(.tooLarge, "More than \(most) rows: import them in several files.")
        }
        let keys =
            [DatasetLedger.key(of: traits.promptKey)] + (ExchangeID(text: row.id).map { [DatasetLedger.key(of: $0)] } ?? [])
        rows.append(ImportedRow(item: LedgerDigest(hashing: Array(ImportedRows.trimmed(line))), keys: keys, traits: place))
    }

    /// A line without white space around it: line ends of other systems make no other row.
    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let first = line.firstIndex(where: { $0 > 0x20 }), let last = line.lastIndex(where: { $0 > 0x20 }) else {
            return []
        }
        return line[first...last]
    }

    /// The rows that the ledger has not on this side, equal ones once.
    func unknown(to ledger: DatasetLedger) throws -> [ImportedRow] {
        let known = try ledger.knows(rows.map(\.item), on: side == .eval ? .eval : .train)
        var seen: Set<LedgerDigest> = []
        return zip(rows, known).compactMap { row, isKnown in !isKnown && seen.insert(row.item).inserted ? row : nil }
    }

    /// What the gate needs of a row.
    func separation(of row: ImportedRow) throws -> [UInt8] {
        guard let spill, let place = row.traits else { return [] }
        return try spill.read(place).encoded
    }

    /// Removes what lies on disk.
    func remove() throws { try spill?.remove() }
}

/// An input that is hashed while it is read.
private final class HashedInput {
    private let source: LineInput
    private var hasher = SHA256()

    init(_ source: LineInput) { self.source = source }

    /// The same input; to be read once.
    var input: LineInput {
        LineInput(name: source.name) { [self] in
            let next = try source.begin()
            return {
                let bytes = try next()
                if let bytes { self.hasher.update(data: bytes) }
                return bytes
            }
        }
    }

    /// The hash of what was read.
    var digest: LedgerDigest {
        LedgerDigest(bytes: Array(hasher.finalize())) ?? LedgerDigest(hashing: [])
    }
}
