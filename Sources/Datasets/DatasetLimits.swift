// SPDX-License-Identifier: Apache-2.0

/// Limits of the compiler.
package enum DatasetLimits {
    /// A body larger than this many bytes is dropped and counted: it is parsed in memory.
    package static let bodyBytes = 64 << 20
    /// A conversation of more turns is dropped and counted.
    package static let turns = 20_000
    /// Calls in one turn of the assistant's.
    package static let callsPerTurn = 1_024
    /// Answers to one request that are told apart.
    package static let choices = 256
    /// Blocks or items in one answer.
    package static let itemsPerAnswer = 16_384
    /// Records in one build; each costs about 200 bytes of memory.
    package static let records = 8_000_000
    /// Distinct points of all conversations in one build; each costs about 60 bytes of memory.
    package static let points = 64_000_000
    /// Characters of a name in a recipe.
    package static let nameBytes = 100
    /// Characters of any other text in a recipe.
    package static let textBytes = 512
    /// Bytes of a path in a recipe.
    package static let pathBytes = 4_096
    /// Names in `group_by`.
    package static let groupNames = 16
    /// Group keys of one row.
    package static let groupKeys = 256
    /// Values of one list of a selection.
    package static let selectionValues = 256
    /// Answers of an API that keeps histories, in one build; each costs about 150 bytes of memory.
    package static let responses = 4_000_000
    /// Bytes of the turns that histories are completed from: they wait in a file.
    package static let historySpillBytes: Int64 = 64 << 30
    /// Exchanges whose payloads a preview reads.
    package static let previewRecords: Int64 = 2_000
    /// Exchanges that a preview shows.
    package static let previewExamples = 3
    /// Pairs of task and model that a preview counts.
    package static let previewGroups = 20
    /// Exchanges that a comparison of two data sets names.
    package static let differenceNames = 100
    /// A line of JSONL longer than this is an error.
    package static let lineBytes = 256 << 20
    /// Bytes of shingles that stay in memory; what is more goes to a file beside the data set.
    package static let shingleBytes = 256 << 20
    /// Threads that look for near duplicates.
    package static let threads = 2
    /// Keys of one eval row in the ledger, and exchanges beside its own.
    package static let ledgerKeys = 1_000
    /// Scalars of an example's prompt, and of its answer, in the report.
    package static let exampleScalars = 1_200
    /// Rows that are handed to the search for near duplicates at once.
    package static let nearRows = 2_048
    /// Bytes of such rows after which they are handed on, however few they are.
    package static let handBytes = 32 << 20
    /// Bytes of stored traits that one gate holds while eval candidates are compared with what was trained on: 400 MB of memory.
    package static let nearGateBytes = 32 << 20
    /// A stratum of fewer training rows is not warned of by its name, nor is a build refused that empties it.
    package static let narrowSliceRows: Int64 = 20
    /// Bytes of traits that are shown to the gate at once.
    package static let gateBytes = 4 << 20
    /// A group of at most so many rows may be of eval, however few rows there are.
    package static let evalGroupRows = 20
    /// A larger one only where it has at most one of so many rows.
    package static let evalGroupShare = 200
    /// A still larger one never.
    package static let evalGroupRowsAtMost = 1_000
    /// Eval rows of which the report says how near the nearest training row is.
    package static let nearestRows = 10_000
    /// Rows of one file that joins the ledger as eval; each becomes an entry.
    package static let importEvalRows = 500_000
    /// Rows of one file that joins the ledger as training; each costs about 100 bytes of memory.
    package static let importTrainRows = 4_000_000
    /// Rows that cannot be read and are named, of one file.
    package static let namedBadRows = 10
    /// Bytes of record lines that are read ahead of the pass that uses them; as records they take up to four times as much.
    package static let readAheadBytes = 4 << 20
    /// Bytes gathered before a file is written to.
    package static let writeBytes = 1 << 20
    /// Bytes of an existing manifest that are read to learn whose directory it is.
    package static let manifestBytes = 64 << 20
    /// Visits of schemas in one check of a value by a JSON schema; beyond, the check says that it does not know.
    package static let schemaSteps = 500_000
    /// Exchanges whose feedback is read at once.
    package static let feedbackExchanges = 1_000
    /// Corrections of an eval row of an earlier version that are tried for the bytes that it then had.
    package static let correctionsTried = 64
    /// Exchanges with one prompt, the newest, whose answers are held against each other.
    package static let pairRecords = 64
    /// Pairs of better and worse answers that one prompt gives.
    package static let pairsPerPrompt = 16
    /// Milliseconds after which the same prompt is no regeneration of the answer before.
    package static let regenerationMs: UInt64 = 3_600_000
    /// Progress is reported after this many records.
    package static let recordsPerReport = 1_000
}
