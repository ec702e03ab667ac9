// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel

/// A record as a build sees it: complete, and with nothing in it that must not be written.
struct IntakeRow {
    /// With the history that the provider kept; redacted.
    var request: CanonicalRequest
    /// Redacted; nil where the record gives no row, but its prompt still joins others.
    var answer: CanonicalAnswer?
    /// Why the record gives no row, or nil.
    var drop: DropReason?
    /// What the quality filters say; empty where they were not asked.
    var verdict = QualityVerdict()
    /// Names of responses by which the record belongs to others: its own, and the one that it continues.
    var responses: [String] = []

    /// Whether the filters were asked.
    var isJudged: Bool { answer != nil || !verdict.reasons.isEmpty }
}

/// What an intake makes of a record.
enum IntakeReading {
    case row(IntakeRow)
    /// The record does not even have a prompt.
    case dropped(DropReason)
    /// It continues a response, and comes again when histories are known.
    case waiting
}

/// The one place through which all passes of a build read records: history, quality, redaction, in this order.
///
/// What it makes of a record is decided by the record, the recipe, the key and the histories alone, so that every pass sees the same. Filters are asked
/// before redaction, because a masked number can break a schema.
/// Owned by one thread; one intake a pass, so that its counts are the pass's.
final class RowIntake {
    private let filters: QualityFilters
    private let history: ResponseHistory
    private var redactor: DatasetRedactor
    /// What pseudonyms are made with.
    let key: RedactionKey

    /// An intake for one pass.
    ///
    /// - Parameters:
    ///   - recipe: its filters, and what is redacted.
    ///   - key: of pseudonyms.
    ///   - history: from which requests are completed; while it is open, it is told of answers.
    init(recipe: DatasetRecipe, key: RedactionKey, history: ResponseHistory) {
        filters = recipe.quality
        self.history = history
        self.key = key
        redactor = DatasetRedactor(kinds: recipe.redact.kinds, key: key)
    }

    /// What was redacted in this pass.
    var redactions: RedactionReport { redactor.report }

    /// Redacts a turn that belongs to a row and is not in its record, as a correction, with the same pseudonyms.
    func redact(_ turn: inout CanonicalTurn) { redactor.redact(&turn) }

    /// Reads a record.
    ///
    /// - Throws: what the history throws where a disk fails; never a `DropReason`.
    func read(_ record: ExchangeRecord) throws -> IntakeReading {
        var request: CanonicalRequest
        do {
            request = try ConversationReader.request(record)
        } catch {
            return .dropped(Selection.refusal(of: record.head) ?? error)
        }
        if !history.isClosed {
            try note(record, request)
            if let link = request.continues, history.wait(record.head.id, for: link) { return .waiting }
        }
        var row = IntakeRow(request: request)
        if case .response(let before) = request.continues { row.responses.append(before) }
        do {
            request = try history.complete(request)
        } catch let reason as DropReason {
            return .dropped(Selection.refusal(of: record.head) ?? reason)
        }
        row.request = request
        do throws(DropReason) {
            let answer = try Selection.answer(record, request, takesRefusals: true)
            if request.dialect == .responses, let own = answer.responseID { row.responses.append(own) }
            row.verdict = filters.verdict(exchange(record, request, answer))
            row.drop = row.verdict.drop
            if row.drop == nil { row.answer = answer }
        } catch {
            row.drop = error
        }
        redact(&row)
        return .row(row)
    }

    /// The row of a record that gave one in an earlier pass; nil where it gives none any more.
    func row(_ record: ExchangeRecord) throws -> (row: IntakeRow, answer: CanonicalAnswer)? {
        guard case .row(let row) = try read(record), let answer = row.answer else { return nil }
        return (row, answer)
    }

    private func redact(_ row: inout IntakeRow) {
        redactor.redact(&row.request)
        if var answer = row.answer {
            redactor.redact(&answer)
            row.answer = answer
        }
    }

    private func exchange(_ record: ExchangeRecord, _ request: CanonicalRequest, _ answer: CanonicalAnswer) -> QualityCase {
        var exchange = QualityCase(head: record.head, request: request, answer: answer)
        exchange.finishReason = answer.finishReason
        exchange.isRefusal = answer.isRefusal
        if let format = request.responseFormat, format.kind != .other {
            exchange.demandsJSON = true
            exchange.responseSchema = format.schema
        }
        if filters.boundsTokens {
            let usage = ExchangeReader.read(record).usage
            exchange.promptTokens = usage.inputTotal
            exchange.answerTokens = usage.outputTotal
        }
        return exchange
    }

    // MARK: Histories

    /// Tells the history of a record's answer; whether the record itself gives a row does not matter.
    func note(_ record: ExchangeRecord) throws {
        guard let request = try? ConversationReader.request(record) else { return }
        try note(record, request)
    }

    private func note(_ record: ExchangeRecord, _ request: CanonicalRequest) throws(DatasetError) {
        guard let response = RowIntake.answer(record, request)?.responseID else { return }
        try history.note(record.head.id, response: response, continues: request.continues)
    }

    /// Puts the turns of a record, which a history needs, into it.
    func keep(_ record: ExchangeRecord) throws {
        guard let request = try? ConversationReader.request(record), let answer = RowIntake.answer(record, request),
            let response = answer.responseID
        else { return }
        try history.keep(record.head.id, response: response, RecordedResponse(request: request, answer: answer))
    }

    /// The answer of an API that keeps histories; nil where there is none.
    private static func answer(_ record: ExchangeRecord, _ request: CanonicalRequest) -> CanonicalAnswer? {
        guard request.dialect == .responses else { return nil }
        return try? ConversationReader.answer(record, to: request)
    }
}
