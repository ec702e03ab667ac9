// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The table of feedback, as released with version 2, and its size, with version 3.
enum FeedbackTables {
    static func make(_ db: Database) throws {
        try db.execute(sql: all)
    }

    static func makeSize(_ db: Database) throws {
        try db.execute(sql: size)
    }

    /// Erasure deletes; nothing changes a row.
    private static let all = """
        CREATE TABLE feedback (
            feedback_id INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, exchange BLOB NOT NULL, at_us INTEGER NOT NULL,
            source TEXT NOT NULL, score REAL, label TEXT, correction TEXT, correction_is_json INTEGER NOT NULL
        );
        CREATE INDEX feedback_by_exchange ON feedback (exchange, source, at_us, id);
        CREATE INDEX feedback_by_time ON feedback (at_us, id);
        CREATE TRIGGER feedback_stays BEFORE UPDATE ON feedback BEGIN
            SELECT RAISE(ABORT, 'feedback is never changed: give another'); END;
        CREATE TRIGGER feedback_is_new BEFORE INSERT ON feedback
            WHEN EXISTS (SELECT 1 FROM feedback WHERE id = NEW.id OR feedback_id = NEW.feedback_id) BEGIN
            SELECT RAISE(ABORT, 'feedback is never replaced'); END;
        """

    /// How much there is, kept by triggers: counting it anew for every batch would take longer than storing it.
    private static let size = """
        CREATE TABLE feedback_size (
            feedback_size_id INTEGER PRIMARY KEY CHECK (feedback_size_id = 1), pieces INTEGER NOT NULL, bytes INTEGER NOT NULL
        );
        INSERT INTO feedback_size SELECT 1, count(*), coalesce(sum(\(bytes(of: "feedback"))), 0) FROM feedback;
        CREATE TRIGGER feedback_grows AFTER INSERT ON feedback BEGIN
            UPDATE feedback_size SET pieces = pieces + 1, bytes = bytes + \(bytes(of: "NEW")); END;
        CREATE TRIGGER feedback_shrinks AFTER DELETE ON feedback BEGIN
            UPDATE feedback_size SET pieces = pieces - 1, bytes = bytes - \(bytes(of: "OLD")); END;
        """

    /// What a row takes on the disk, about: what is of no fixed length, and the rest with its places in the indexes.
    private static func bytes(of row: String) -> String {
        "(200 + length(CAST(coalesce(\(row).correction, '') AS BLOB)) + length(CAST(coalesce(\(row).label, '') AS BLOB)))"
    }
}
