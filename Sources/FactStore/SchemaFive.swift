// SPDX-License-Identifier: Apache-2.0

/// What version 5 changes: the rows of a chunk stand by dimension, and it says from where to where.
///
/// Chunks follow from the rows, so none is moved: they are dropped, and packed anew by the next `FactStore.build`.
enum SchemaFive {
    /// From version 4.
    static let all = """
        DELETE FROM chunk_column;
        DELETE FROM chunk;
        ALTER TABLE chunk ADD COLUMN runs BLOB NOT NULL DEFAULT x'';
        """
}
