// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import ExchangeModel
import Platform
import Separation

/// An eval row as a data set has it that is being replaced: where its line lies, and what is said of it.
struct PublishedRow {
    let id: ExchangeID
    let path: String
    let offset: Int64
    let count: Int
    let traits: TraitSpill.Place
    let promptKey: SeparationDigest
    let promptTokens: Int64
    /// What its lineage says of its stratum, group and origin, as far as there is one.
    var stratum = ""
    var group: ExchangeID?
    var from = Array("{}".utf8)

    /// Its line, without the newline.
    ///
    /// - Throws: `PlatformError`, `DatasetError` `.sourceChanged` where the file is not as it was.
    func line(_ files: any FileSystem) throws -> [UInt8] {
        let file = try files.open(path, .read)
        defer { file.close() }
        let bytes = try file.read(at: offset, count: count)
        guard bytes.count == count else {
            throw DatasetError(.sourceChanged, subject: path, "'\(path)' changed during the build. Build again.")
        }
        return bytes
    }

    func offer(order: Digest128) -> RowOffer {
        RowOffer(candidate: Candidate.noPoint, id: id, group: group ?? id, order: order, stratum: stratum)
    }

    func planned(_ offer: RowOffer) -> PlannedRow {
        PlannedRow(
            offer: offer, side: .eval, traits: traits, promptKey: promptKey, promptTokens: promptTokens,
            reason: DatasetPlan.pinnedReason + "; its exchange is gone")
    }
}

/// The eval rows that earlier versions of a data set have; those of which no exchange is left are looked for in the data set itself.
struct PublishedRows {
    let pinned: [PinnedRow]
    private(set) var rows: [ExchangeID: PublishedRow] = [:]

    /// - Parameters:
    ///   - pinned: all of them.
    ///   - known: those that can be made anew.
    ///   - isForgotten: whether a row must not be taken over.
    ///   - directory: the data set that is being replaced; nil where there is none.
    ///   - files: where it lies.
    ///   - traits: takes the traits of what is found.
    /// - Throws: `PlatformError`, `DatasetError` `.tooLarge` for a line that is too long.
    init(
        _ pinned: [PinnedRow], besides known: Set<ExchangeID>, isForgotten: (ExchangeID) throws -> Bool, in directory: String?,
        _ files: any FileSystem,
        traits: inout TraitSpill
    ) throws {
        self.pinned = pinned
        let wanted = try pinned.filter { try !known.contains($0.id) && !isForgotten($0.id) }
        guard let directory, !wanted.isEmpty else { return }
        let numbers = try findLines(of: wanted, PathText.join(directory, "eval.jsonl"), files, &traits)
        guard !numbers.isEmpty else { return }
        try readLineage(PathText.join(directory, "lineage.jsonl"), files, numbers)
    }

    /// A line is a row's where its hash is that which the ledger has.
    private mutating func findLines(
        of wanted: [PinnedRow], _ path: String, _ files: any FileSystem, _ traits: inout TraitSpill
    ) throws -> [Int64: ExchangeID] {
        guard try files.status(of: path) != nil else { return [:] }
        var items = Dictionary(wanted.map { ($0.item, $0.id) }, uniquingKeysWith: { first, _ in first })
        var numbers: [Int64: ExchangeID] = [:]
        var offset: Int64 = 0
        var reader = RowReader()
        try LineReading.forEachLine(of: path, files) { line, number in
            defer { offset += Int64(line.count) + 1 }
            guard let id = items.removeValue(forKey: LedgerDigest(hashing: Array(line))) else { return }
            guard let read = try? reader.read(line) else { return }
            let own = SeparationTraits(turns: read.row.turns.map(\.separated))
            rows[id] = PublishedRow(
                id: id, path: path, offset: offset, count: line.count, traits: try traits.append(own), promptKey: own.promptKey,
                promptTokens: Int64(own.tokenCount(.prompt)))
            numbers[number] = id
        }
        try traits.flush()
        return numbers
    }

    private mutating func readLineage(_ path: String, _ files: any FileSystem, _ numbers: [Int64: ExchangeID]) throws {
        guard try files.status(of: path) != nil else { return }
        try LineReading.forEachLine(of: path, files) { line, _ in
            guard let root = JSONDocument.read(line)?.root, root["file"]?.equals("eval.jsonl") == true,
                let id = root["row"]?.int.flatMap({ numbers[$0] })
            else { return }
            rows[id]?.stratum = root["stratum"]?.string ?? ""
            rows[id]?.group = root["group"]?.string.flatMap(ExchangeID.init(text:))
            if let from = root["from"]?.lexeme { rows[id]?.from = Array(from) }
        }
    }
}
