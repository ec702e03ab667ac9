// SPDX-License-Identifier: Apache-2.0

/// What version 5 changes: the rows of a chunk stand by dimension, and it says from where to where.
///
/// Chunks follow from the rows, so none is moved: they are dropped, and packed anew by the next `FactStore.build`.
enum SchemaFive {
    /// From version 4.
    static let all = """
        DELETE FROM chunk_column;
        DROP TABLE chunk;
        CREATE TABLE chunk (
            chunk_id INTEGER PRIMARY KEY, first_start INTEGER NOT NULL UNIQUE, last_start INTEGER NOT NULL, facts INTEGER NOT NULL,
            runs BLOB NOT NULL
        );
        """
}
