// SPDX-License-Identifier: Apache-2.0

/// Limits of the index, with the reason of each.
package enum FactStoreLimits {
    /// Facts read at a time while streaming: a page of some hundred kilobytes.
    package static let pageFacts = 512
    /// Pieces of metadata asked for in one statement.
    static let pairsAStatement = 64
    /// Exchanges in a chunk of columns: its row numbers take two bytes, and it is built in some tens of milliseconds.
    package static let chunkFacts = 65_536
    /// Numbers of a column unpacked at a time, so that what a fold looks at stays in the nearest caches.
    static let pageColumns = 4_096
    /// Fewer exchanges are not packed into a chunk: reading them as rows takes no longer than some milliseconds.
    package static let leastChunkFacts = 4_096
    /// Chunks packed, or hours rolled up, in one transaction, so that nobody waits long for the database.
    static let builtATransaction = 4
    /// Cells that an hour is rolled up into; one with more stays rows, which then are read no slower.
    static let cellsAnHour = 16_384
    /// Metadata keys that rollups are told apart by.
    package static let declaredKeys = 8
    /// Sets of metadata whose declared part is remembered in one transaction.
    static let knownSets = 65_536
    /// Rows a question may answer with; above it the question wants a filter, not a bigger table.
    package static let queryRows = 100_000
    /// Shapes whose ids are remembered from one commit to the next: some 2 KB each.
    static let knownShapes = 4_096
    /// Seconds to wait for another connection's transaction.
    package static let busySeconds = 10.0
    /// Bytes kept of a reason or name in the list of losses.
    package static let reasonBytes = 512
}
