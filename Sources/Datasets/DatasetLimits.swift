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
    /// Names in `group_by`.
    package static let groupNames = 16
    /// Values of one list of a selection.
    package static let selectionValues = 256
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
    /// Keys, and exchanges, of one eval row in the ledger.
    package static let ledgerKeys = 1_000
    /// Characters of an example's prompt, and of its answer, in the report.
    package static let exampleCharacters = 1_200
    /// Rows that are handed to the search for near duplicates at once.
    package static let nearRows = 2_048
    /// A group of at most so many rows may be of eval, however few rows there are.
    package static let evalGroupRows = 20
    /// A larger one only where it has at most one of so many rows.
    package static let evalGroupShare = 200
    /// A still larger one never.
    package static let evalGroupRowsAtMost = 1_000
    /// Bytes gathered before a file is written to.
    package static let writeBytes = 1 << 20
    /// Bytes of an existing manifest that are read to learn whose directory it is.
    package static let manifestBytes = 64 << 20
    /// Visits of schemas in one check of a value by a JSON schema; beyond, the check says that it does not know.
    package static let schemaSteps = 500_000
    /// Progress is reported after this many records.
    package static let recordsPerReport = 1_000
}
