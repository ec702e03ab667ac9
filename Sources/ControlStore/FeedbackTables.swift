// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The table of feedback, as released with version 2.
enum FeedbackTables {
    static func make(_ db: Database) throws {
        try db.execute(sql: all)
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
}
