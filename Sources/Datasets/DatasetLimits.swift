// SPDX-License-Identifier: Apache-2.0

/// Limits of the compiler.
package enum DatasetLimits {
    /// A body larger than this many bytes is dropped and counted: it is parsed in memory.
    package static let bodyBytes = 64 << 20
    /// A conversation of more turns is dropped and counted.
    package static let turns = 20_000
    /// Calls in one turn of the assistant's.
    package static let callsPerTurn = 1_024
    /// Blocks or items in one answer.
    package static let itemsPerAnswer = 16_384
    /// Records in one build; each costs about 200 bytes of memory.
    package static let records = 8_000_000
    /// Distinct points of all conversations in one build; each costs about 60 bytes of memory.
    package static let points = 64_000_000
    /// Segments named in a manifest.
    package static let segments = 1_000_000
    /// Characters of a name in a recipe.
    package static let nameBytes = 100
    /// Characters of any other text in a recipe.
    package static let textBytes = 512
    /// Names in `group_by`.
    package static let groupNames = 16
    /// Bytes gathered before a file is written to.
    package static let writeBytes = 1 << 20
    /// Bytes of an existing manifest that are read to learn whose directory it is.
    package static let manifestBytes = 64 << 20
    /// Progress is reported after this many records.
    package static let recordsPerReport = 1_000
}
