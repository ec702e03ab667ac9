// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Crypto
package import Platform
import Separation

/// What became of a file of rows that joined a ledger.
package struct RowImportSummary: Equatable, Sendable {
    /// Rows that could be read.
    package var rows: Int64 = 0
    /// Rows that the ledger has now and had not before; equal rows are one.
    package var added: Int64 = 0
    /// Rows that it had, or that the file holds twice.
    package var known: Int64 { rows - added }
    /// Rows that could not be read, and were left out.
    package var bad: Int64 = 0
    /// Eval rows of fewer than 20 tokens in a view: they may keep much out of training.
    package var short: Int64 = 0
    /// Training rows that the gate would keep out: a model has seen what is, or ever was, in an eval set.
    package var nearEval: Int64 = 0
    /// Eval rows of which the ledger says now that training has touched them.
    package var tainted: Int64 = 0
    /// The version under which they are known; empty where nothing was added.
    package var version = ""
    /// The ledger's head behind it, as `COUNT:HASH`.
    package var head = ""

    /// Nothing read.
    package init() {}
}

/// Takes rows of any JSONL file into a ledger: eval rows keep all later training apart from them, training rows are never chosen for eval.
///
/// The file is read once; the ledger is told all of it in one transaction, or nothing. A row is known by the bytes of its line, so that
/// a file may be given again. Blocks; belongs in the task world. Memory: about 150 bytes a row; the traits of eval rows wait on disk.
package struct RowImport {
    /// Which side the rows are on.
    package let side: DatasetSide
    /// The name by which the ledger knows them.
    package let name: String
    /// Whether rows that cannot be read are left out; else one of them refuses the file.
    package var skipsBad = false
    /// Whether the ledger is asked and not told.
    package var isDryRun = false

    /// An import; the rest is set where it is wanted.
    package init(side: DatasetSide, name: String) {
        self.side = side
        self.name = name
    }

    /// Reads the rows and tells the ledger.
    ///
    /// - Parameters:
    ///   - input: the rows, in any shape that `RowReader` knows.
    ///   - ledger: the one that they join.
    ///   - directory: where traits may wait; must be there, and be this import's own.
    ///   - files: the file system of the directory.
    ///   - recordedUs: the time for the ledger, microseconds since the Unix epoch.
    ///   - progress: told the number of rows read, every 1,000.
    /// - Returns: the counts, and words about the first rows that could not be read.
    /// - Throws: `DatasetError` `.badRow` naming rows, `.noRows`, `.tooLarge`; what the input, the ledger or the disk throws. Nothing
    ///   has joined then.
    package func run(
        _ input: LineInput, ledger: DatasetLedger, directory: String, files: any FileSystem, recordedUs: Int64,
        progress: (Int64) -> Void = { _ in }
    ) throws -> (summary: RowImportSummary, bad: [String]) {
        var rows = try ImportedRows(side: side, ledger: ledger, directory: directory, files: files)
        do {
            let source = try rows.read(input, skipsBad: skipsBad, progress: progress)
            try tell(&rows, source, ledger, recordedUs)
            try rows.remove()
        } catch {
            // The first error is the one to tell; the next import clears what lies there.
            try? rows.remove()
            throw error
        }
        return (rows.summary, rows.badWords)
    }

    private func tell(_ rows: inout ImportedRows, _ source: LedgerDigest, _ ledger: DatasetLedger, _ recordedUs: Int64) throws {
        let new = try rows.unknown(to: ledger)
        rows.summary.added = Int64(new.count)
        rows.summary.head = ledger.head.description
        guard !new.isEmpty else { return }
        let version = try ledger.nextVersion(of: name)
        let taints = try taints(of: new, ledger)
        rows.summary.tainted = Int64(taints.count)
        guard !isDryRun else { return }
        let file = LedgerImport(
            side: side == .eval ? .eval : .train, dataset: name, version: version, source: source, rows: rows.summary.rows,
            groups: LedgerKeyList(new.flatMap(\.keys)), items: LedgerKeyList(new.map(\.item.key)))
        rows.summary.version = version
        let head = try ledger.append(recordedUs: recordedUs) { appender in
            let own = try appender.add(.imported(file))
            for row in new where side == .eval {
                let eval = LedgerEval(
                    item: row.item, groups: row.keys, exchanges: [], dataset: name, version: version,
                    separation: try rows.separation(of: row))
                try appender.add(.eval(eval))
            }
            for taint in taints {
                try appender.add(
                    .taint(LedgerTaint(item: taint.item, training: taint.training ?? own, groups: taint.groups)))
            }
        }
        rows.summary.head = head.description
    }

    /// Eval rows that share a key with training; an entry of nil is this import's own.
    private func taints(
        of new: [ImportedRow], _ ledger: DatasetLedger
    ) throws -> [(item: LedgerDigest, training: Int64?, groups: [LedgerKey])] {
        var taints: [(item: LedgerDigest, training: Int64?, groups: [LedgerKey])] = []
        if side == .eval {
            let trainings = try ledger.trainings(of: new.flatMap(\.keys))
            for row in new {
                guard let key = row.keys.first(where: { trainings[$0] != nil }) else { continue }
                taints.append((row.item, trainings[key], [key]))
            }
        } else {
            let keys = Set(new.flatMap(\.keys))
            let tainted = try ledger.taintedItems()
            try ledger.forEachEvalItem { item in
                let row = item.row
                guard let key = row.groups.first(where: keys.contains), !tainted.contains(row.item) else { return }
                taints.append((row.item, nil, [key]))
            }
        }
        return taints
    }
}
