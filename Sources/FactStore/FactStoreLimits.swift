// SPDX-License-Identifier: Apache-2.0

/// Limits of the index, with the reason of each.
package enum FactStoreLimits {
    /// Facts read at a time while streaming: a page of some hundred kilobytes.
    package static let pageFacts = 512
    /// Facts or their metadata asked for in one statement by their ids.
    static let idsAStatement = 64
    /// Rows a question may answer with; above it the question wants a filter, not a bigger table.
    package static let queryRows = 100_000
    /// Seconds to wait for another connection's transaction.
    package static let busySeconds = 10.0
    /// Bytes kept of a reason or name in the list of losses.
    package static let reasonBytes = 512
}
