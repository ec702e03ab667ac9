// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import GRDB

/// What storing feedback did.
package struct FeedbackStored: Equatable, Sendable {
    /// Pieces that were new.
    package var added = 0
    /// Pieces whose id was there already; the stored ones stay as they are.
    package var duplicates = 0

    /// Nothing stored.
    package init() {}
}

/// What erasing feedback did.
package struct FeedbackErased: Equatable, Sendable {
    /// Pieces that were erased.
    package var count = 0
    /// Whether nothing of it is left in the write-ahead log: false while somebody reads there; see `ControlStore.clearLog()`.
    package var isLogCleared = true

    /// Nothing erased.
    package init() {}
}

/// Which feedback is asked for; nil means no filter.
package struct FeedbackFilter: Equatable, Sendable {
    /// About this exchange.
    package var exchange: ExchangeID?
    /// From this source.
    package var source: String?
    /// Given at or after, microseconds since the Unix epoch.
    package var sinceUs: Int64?
    /// Given before, microseconds since the Unix epoch.
    package var untilUs: Int64?

    /// No filter.
    package init() {}
}

extension ControlStore {
    /// Stores feedback in one transaction; what is there already, by its id, is left as it is.
    ///
    /// - Parameter feedback: at most `ControlStoreLimits.feedbackABatch` pieces.
    /// - Returns: how many were new.
    /// - Throws: `ControlStoreError`, `feedbackFull` where it would be more than is kept; then nothing was stored.
    @discardableResult
    package func add(_ feedback: [Feedback]) throws -> FeedbackStored {
        guard feedback.count <= ControlStoreLimits.feedbackABatch else {
            throw ControlStoreError.badValue("at most \(ControlStoreLimits.feedbackABatch) pieces of feedback are stored at once")
        }
        for piece in feedback { try piece.check() }
        guard !feedback.isEmpty else { return FeedbackStored() }
        return try writing { db in
            var stored = FeedbackStored()
            let known = try ControlStatement("SELECT 1 FROM feedback WHERE id = ?", in: db)
            let insert = try ControlStatement(
                """
                INSERT INTO feedback (id, exchange, at_us, source, score, label, correction, correction_is_json)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, in: db)
            for piece in feedback {
                guard try known.integer(.blob(piece.id.blob)) == nil else {
                    stored.duplicates += 1
                    continue
                }
                let correction = piece.correction?.column ?? (text: .null, isJSON: 0)
                try insert.run(
                    .blob(piece.id.blob), .blob(piece.exchange.blob), .integer(piece.atUs), .text(piece.source),
                    ControlValue(piece.score), ControlValue(piece.label), correction.text, .integer(correction.isJSON))
                stored.added += 1
            }
            try checkSize(in: db)
            return stored
        }
    }

    /// Ends the transaction that stores more than is kept.
    private func checkSize(in db: Database) throws {
        var size: (pieces: Int64, bytes: Int64) = (0, 0)
        try ControlStatement("SELECT pieces, bytes FROM feedback_size", in: db).forEachRow {
            size = ($0.integer(0), $0.integer(1))
            return false
        }
        guard
            size.pieces > ControlStoreLimits.feedbackPieces || size.bytes > ControlStoreLimits.feedbackStoredBytes
        else { return }
        let limits = "\(ControlStoreLimits.feedbackPieces) pieces and \(ControlStoreLimits.feedbackStoredBytes) bytes"
        throw ControlStoreError(
            code: .feedbackFull,
            message: "\(path) would hold more than \(limits) of feedback. Nothing was stored: erase exchanges whose feedback is "
                + "not needed any more (`weir segment erase`), or keep facts for less long (`segments.retain_facts`)",
            path: path)
    }

    /// The latest feedback of each source for many exchanges.
    ///
    /// The latest is that of the latest time; of one time, that of the greatest id.
    /// - Parameter exchanges: in any order, repeats allowed.
    /// - Returns: for each exchange, in their order, what each source said last, by the bytes of the source's name.
    /// - Throws: `ControlStoreError`.
    package func latestFeedback(of exchanges: [ExchangeID]) throws -> [[Feedback]] {
        try reading { db in
            let select = try ControlStatement(FeedbackRow.ofExchange, in: db)
            return try exchanges.map { exchange in
                var found: [Feedback] = []
                try select.forEachRow(.blob(exchange.blob)) { row in
                    let piece = try FeedbackRow.read(row)
                    if let last = found.last, last.source.utf8.elementsEqual(piece.source.utf8) { found.removeLast() }
                    found.append(piece)
                    return true
                }
                return found
            }
        }
    }

    /// All feedback about many exchanges, piece by piece.
    ///
    /// - Parameters:
    ///   - exchanges: in any order; the pieces come in this order, those of one exchange by the bytes of the source's name, then by time, then
    ///     by id.
    ///   - take: takes one piece; it must not use the store.
    /// - Throws: `ControlStoreError`, or what `take` throws.
    package func forEachFeedback(of exchanges: [ExchangeID], _ take: (Feedback) throws -> Void) throws {
        try reading { db in
            let select = try ControlStatement(FeedbackRow.ofExchange, in: db)
            for exchange in exchanges {
                try select.forEachRow(.blob(exchange.blob)) { row in
                    try take(FeedbackRow.read(row))
                    return true
                }
            }
        }
    }

    /// Feedback that passes a filter, the latest first.
    ///
    /// - Parameters:
    ///   - filter: which.
    ///   - limit: at most so many, itself at most `ControlStoreLimits.feedbackListed`.
    ///   - take: takes one piece; it must not use the store.
    /// - Throws: `ControlStoreError`, or what `take` throws.
    package func forEachFeedback(_ filter: FeedbackFilter = FeedbackFilter(), limit: Int, _ take: (Feedback) throws -> Void)
        throws
    {
        try reading { db in
            let select = try ControlStatement(
                """
                SELECT \(FeedbackRow.columns) FROM feedback
                WHERE (?1 IS NULL OR exchange = ?1) AND (?2 IS NULL OR source = ?2) AND at_us >= ?3 AND at_us < ?4
                ORDER BY at_us DESC, id DESC LIMIT ?5
                """, in: db)
            try select.forEachRow(
                filter.exchange.map { .blob($0.blob) } ?? .null, ControlValue(filter.source),
                .integer(filter.sinceUs ?? Int64.min),
                .integer(filter.untilUs ?? Int64.max), .integer(Int64(max(0, min(limit, ControlStoreLimits.feedbackListed))))
            ) { row in
                try take(FeedbackRow.read(row))
                return true
            }
        }
    }

    /// How many pieces of feedback there are.
    ///
    /// - Throws: `ControlStoreError`.
    package func feedbackCount() throws -> Int64 {
        try reading { db in try ControlStatement("SELECT count(*) FROM feedback", in: db).integer() ?? 0 }
    }

    /// Erases all feedback about some exchanges, whose records are erased too; there is no way back.
    ///
    /// What is erased is overwritten in the file, and moved out of the write-ahead log, unless somebody reads there just then: that is said.
    /// What is erased already counts as none, and then too the log is emptied: a death between the two is made good.
    ///
    /// - Parameter exchanges: the exchanges.
    /// - Returns: how many pieces were erased, and whether the log is empty.
    /// - Throws: `ControlStoreError`; then nothing was erased, or only the log is left to be emptied.
    package func eraseFeedback(of exchanges: [ExchangeID]) throws -> FeedbackErased {
        var erased = FeedbackErased()
        erased.count = try writing { db in
            let delete = try ControlStatement("DELETE FROM feedback WHERE exchange = ?", in: db)
            return try exchanges.reduce(into: 0) { count, exchange in
                try delete.run(.blob(exchange.blob))
                count += db.changesCount
            }
        }
        erased.isLogCleared = try clearLog()
        return erased
    }
}

/// A row of feedback.
private enum FeedbackRow {
    static let columns = "id, exchange, at_us, source, score, label, correction, correction_is_json"
    /// All of one exchange: of each source the latest last.
    static let ofExchange = "SELECT \(columns) FROM feedback WHERE exchange = ? ORDER BY source, at_us, id"

    static func read(_ row: ControlStatement) throws(ControlStoreError) -> Feedback {
        guard let id = ExchangeID(blob: row.bytes(0)), let exchange = ExchangeID(blob: row.bytes(1)) else {
            throw ControlStoreError(code: .damaged, message: "a row of feedback has an id that is none")
        }
        var feedback = Feedback(id: id, exchange: exchange, atUs: row.integer(2), source: row.text(3))
        feedback.score = row.isNull(4) ? nil : row.real(4)
        feedback.label = row.isNull(5) ? nil : row.text(5)
        if !row.isNull(6) { feedback.correction = row.integer(7) == 0 ? .text(row.text(6)) : .json(row.bytes(6)) }
        return feedback
    }
}

extension FeedbackCorrection {
    fileprivate var column: (text: ControlValue, isJSON: Int64) {
        switch self {
        case .text(let text): (.text(text), 0)
        case .json(let bytes): (.text(String(decoding: bytes, as: UTF8.self)), 1)
        }
    }
}

extension ExchangeID {
    fileprivate var blob: [UInt8] { LedgerKey(high: high, low: low).bytes }

    fileprivate init?(blob: [UInt8]) {
        guard blob.count == LedgerKey.byteCount else { return nil }
        let key = unsafe blob.withUnsafeBytes { unsafe LedgerKey(at: 0, of: $0) }
        self.init(high: key.high, low: key.low)
    }
}
