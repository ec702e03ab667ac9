// SPDX-License-Identifier: Apache-2.0
package import FactStore
import Platform

/// Where the parts of a data directory lie.
package struct IndexPaths: Equatable, Sendable {
    /// The directory of segments.
    package let segments: String
    /// The database.
    package let index: String
    /// The lock of those who write the database.
    package let lock: String

    /// The paths of a data directory.
    package init(dataDirectory: String) {
        segments = PathText.join(dataDirectory, "segments")
        index = PathText.join(dataDirectory, "index.sqlite")
        lock = PathText.join(dataDirectory, "index.lock")
    }

    /// Opens the index for writing, making or migrating it under the lock, so that two processes never do so at once.
    ///
    /// - Parameter waitUs: how long to wait for the lock at most, microseconds.
    /// - Returns: the index; the lock is free again.
    /// - Throws: `IndexingError` where the lock never came, `FactStoreError` where the index cannot be opened.
    package func openForWriting(waitUs: Int64) throws -> FactStore {
        let held = IndexLock(path: lock)
        try held.acquire(waitUs: waitUs)
        defer { held.release() }
        return try FactStore.open(path: index, mode: .readWrite)
    }
}
