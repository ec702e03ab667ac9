// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// On which side of a split something is, or was.
package enum LedgerSide: String, Sendable, CaseIterable {
    /// No ledger knows it.
    case unknown
    /// It was exported to training, and never in eval.
    case train
    /// It was in an eval set once: never to be trained on, also once it is removed.
    case eval

    /// Of two sides that something was on, the one that counts: eval, then train.
    func joined(_ other: LedgerSide) -> LedgerSide {
        if self == .eval || other == .eval { return .eval }
        return self == .train || other == .train ? .train : .unknown
    }
}

/// A row that entered an eval set.
package struct LedgerEval: Equatable, Sendable {
    /// SHA-256 of the row's canonical content.
    package var item: LedgerDigest
    /// The keys of the groups it belongs to, at least one; their order does not count.
    package var groups: [LedgerKey]
    /// The exchanges it was made of, in the row's order.
    package var exchanges: [ExchangeID]
    /// The data set's name.
    package var dataset: String
    /// The version that it entered in.
    package var version: String
    /// What a gate needs later to tell rows of training apart from this one; the ledger does not look into it.
    package var separation: [UInt8]

    /// A row of eval.
    package init(
        item: LedgerDigest, groups: [LedgerKey], exchanges: [ExchangeID], dataset: String, version: String,
        separation: [UInt8] = []
    ) {
        self.item = item
        self.groups = groups
        self.exchanges = exchanges
        self.dataset = dataset
        self.version = version
        self.separation = separation
    }
}

/// What one build exported to training.
package struct LedgerTrain: Equatable, Sendable {
    /// The data set's name.
    package var dataset: String
    /// The version that was built.
    package var version: String
    /// The keys of the groups.
    package var groups: LedgerKeyList
    /// The rows: the first halves of their ids.
    package var items: LedgerKeyList

    /// One build.
    package init(dataset: String, version: String, groups: LedgerKeyList, items: LedgerKeyList) {
        self.dataset = dataset
        self.version = version
        self.groups = groups
        self.items = items
    }
}

/// External rows that joined the ledger.
///
/// Rows of eval that a gate is to compare with follow as entries of their own; the keys here are known to be on the side in any case.
package struct LedgerImport: Equatable, Sendable {
    /// The side that the rows are on: `train` or `eval`.
    package var side: LedgerSide
    /// The name they are known by.
    package var dataset: String
    /// Their version.
    package var version: String
    /// SHA-256 of the file.
    package var source: LedgerDigest
    /// How many rows the file has.
    package var rows: Int64
    /// The keys of the rows' groups.
    package var groups: LedgerKeyList
    /// The rows: the first halves of their ids.
    package var items: LedgerKeyList

    /// An imported file.
    package init(
        side: LedgerSide, dataset: String, version: String, source: LedgerDigest, rows: Int64, groups: LedgerKeyList,
        items: LedgerKeyList
    ) {
        self.side = side
        self.dataset = dataset
        self.version = version
        self.source = source
        self.rows = rows
        self.groups = groups
        self.items = items
    }
}

/// A row that leaves the eval sets; it still blocks training for ever.
package struct LedgerTombstone: Equatable, Sendable {
    /// The row.
    package var item: LedgerDigest
    /// Why, in a few words.
    package var reason: String

    /// A removal.
    package init(item: LedgerDigest, reason: String) {
        self.item = item
        self.reason = reason
    }
}

/// An item of eval whose group was exported to training before it was known that they belong together.
///
/// Eval wins, but what a model has seen cannot be undone.
package struct LedgerTaint: Equatable, Sendable {
    /// The row of eval.
    package var item: LedgerDigest
    /// The sequence number of the `train` or `import` entry that touched it.
    package var training: Int64
    /// The keys that both have; at least one.
    package var groups: [LedgerKey]

    /// A taint.
    package init(item: LedgerDigest, training: Int64, groups: [LedgerKey]) {
        self.item = item
        self.training = training
        self.groups = groups
    }
}

/// One entry of a ledger.
package enum LedgerEntry: Equatable, Sendable {
    case eval(LedgerEval)
    case train(LedgerTrain)
    case imported(LedgerImport)
    case tombstone(LedgerTombstone)
    case taint(LedgerTaint)

    /// The kinds of entries.
    package enum Kind: String, Sendable, CaseIterable {
        /// A row entered an eval set.
        case eval
        /// A build exported rows to training.
        case train
        /// A file of external rows joined.
        case imported = "import"
        /// A row left the eval sets.
        case tombstone
        /// A row of eval was touched by training.
        case taint
    }

    /// The kind of this entry.
    package var kind: Kind {
        switch self {
        case .eval: .eval
        case .train: .train
        case .imported: .imported
        case .tombstone: .tombstone
        case .taint: .taint
        }
    }
}

/// How long a ledger is, and the hash that stands for all of it.
package struct LedgerHead: Equatable, Sendable, CustomStringConvertible {
    /// How many entries there are.
    package let entries: Int64
    /// The hash of the last one; of an empty ledger, the hash of its name.
    package let hash: LedgerDigest

    /// A head.
    package init(entries: Int64, hash: LedgerDigest) {
        self.entries = entries
        self.hash = hash
    }

    /// The head of a ledger without entries.
    package static func empty(_ name: String) -> LedgerHead {
        LedgerHead(entries: 0, hash: LedgerDigest(hashing: Array("weir-ledger-1\n\(name)".utf8)))
    }

    /// Reads `COUNT:HASH`, or nil.
    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let entries = Int64(parts[0]), entries >= 0, let hash = LedgerDigest(hex: String(parts[1])) else {
            return nil
        }
        self.init(entries: entries, hash: hash)
    }

    /// The number of entries and the hash, as in `12:9f86...`.
    package var description: String { "\(entries):\(hash)" }
}
