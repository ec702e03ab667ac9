// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of ledgers, as released with version 1.
enum LedgerTables {
    static func make(_ db: Database) throws {
        try db.execute(sql: tables)
        try db.execute(sql: guards)
    }

    /// Here `ledger` knows the head, so that a tail that was cut off is missed.
    ///
    /// And `ledger_part` holds what is too long for a payload.
    private static let tables = """
        CREATE TABLE ledger (
            ledger_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, entries INTEGER NOT NULL, head BLOB NOT NULL
        );
        CREATE TABLE ledger_entry (
            ledger_id INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, recorded_us INTEGER NOT NULL,
            payload TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (ledger_id, seq)
        ) WITHOUT ROWID;
        CREATE INDEX ledger_entry_by_kind ON ledger_entry (ledger_id, kind, seq);
        CREATE TABLE ledger_part (
            ledger_id INTEGER NOT NULL, seq INTEGER NOT NULL, list TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (ledger_id, seq, list, part)
        ) WITHOUT ROWID;
        """

    /// Against mistakes, not against malice: who may write the file can drop them, and is found by the chain.
    ///
    /// `REPLACE` deletes without the delete triggers: that is why inserts are looked at, too.
    private static let guards = """
        CREATE TRIGGER ledger_entry_stays BEFORE UPDATE ON ledger_entry BEGIN
            SELECT RAISE(ABORT, 'an entry of a ledger is never changed'); END;
        CREATE TRIGGER ledger_entry_remains BEFORE DELETE ON ledger_entry BEGIN
            SELECT RAISE(ABORT, 'an entry of a ledger is never deleted'); END;
        CREATE TRIGGER ledger_entry_follows BEFORE INSERT ON ledger_entry
            WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_entry WHERE ledger_id = NEW.ledger_id) BEGIN
            SELECT RAISE(ABORT, 'an entry of a ledger follows the one before'); END;
        CREATE TRIGGER ledger_part_stays BEFORE UPDATE ON ledger_part BEGIN
            SELECT RAISE(ABORT, 'a part of an entry is never changed'); END;
        CREATE TRIGGER ledger_part_remains BEFORE DELETE ON ledger_part BEGIN
            SELECT RAISE(ABORT, 'a part of an entry is never deleted'); END;
        CREATE TRIGGER ledger_part_is_new BEFORE INSERT ON ledger_part
            WHEN EXISTS (SELECT 1 FROM ledger_part WHERE (ledger_id, seq, list, part) = (NEW.ledger_id, NEW.seq, NEW.list, NEW.part)) BEGIN
            SELECT RAISE(ABORT, 'a part of an entry is never replaced'); END;
        CREATE TRIGGER ledger_grows BEFORE UPDATE ON ledger
            WHEN NEW.entries <= OLD.entries OR NEW.name <> OLD.name OR NEW.ledger_id <> OLD.ledger_id BEGIN
            SELECT RAISE(ABORT, 'a ledger only grows'); END;
        CREATE TRIGGER ledger_remains BEFORE DELETE ON ledger BEGIN
            SELECT RAISE(ABORT, 'a ledger is never deleted'); END;
        CREATE TRIGGER ledger_is_new BEFORE INSERT ON ledger
            WHEN EXISTS (SELECT 1 FROM ledger WHERE name = NEW.name OR ledger_id = NEW.ledger_id) BEGIN
            SELECT RAISE(ABORT, 'a ledger is never replaced'); END;
        """
}
