// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

extension DatasetRow {
    /// What the formats are written from, of an exchange as it was read.
    ///
    /// What the caller attached is not in it: it may name people, and no filter looks at it.
    init(_ head: ExchangeHead, _ request: CanonicalRequest, _ answer: CanonicalAnswer) {
        self.init(id: head.id.description, prompt: request.turns, answer: answer.turn)
        tools = request.tools
        // A schema may be `true`, which no format has a place for.
        if let schema = request.responseFormat?.schema, schema.first == UInt8(ascii: "{") { responseSchema = schema }
        meta = RowMeta(
            task: head.attribution.task, environment: head.attribution.environment, model: request.model, provider: head.provider)
    }

    /// Whether the format that every data set is written in can say request and answer.
    ///
    /// - Throws: why not.
    static func check(_ request: CanonicalRequest, _ answer: CanonicalAnswer) throws(DropReason) {
        var row = DatasetRow(id: "", prompt: request.turns, answer: answer.turn)
        row.tools = request.tools
        try check(row)
    }

    /// Whether it can say an answer, whatever was asked.
    ///
    /// - Throws: why not.
    static func check(answer: CanonicalTurn) throws(DropReason) {
        try check(DatasetRow(id: "", prompt: [CanonicalTurn(role: .user, blocks: [.text("?")])], answer: answer))
    }

    private static func check(_ row: DatasetRow) throws(DropReason) {
        do throws(FormatRefusal) {
            try RowDemands(.chat, ExportOptions()).check(row, isUniform: false)
        } catch {
            throw error.dropReason
        }
    }
}

extension FormatRefusal {
    /// The reason under which an exchange is dropped that even the widest format refuses.
    fileprivate var dropReason: DropReason {
        switch self {
        case .imageContent: .imageContent
        case .answerEmpty, .answerMissing: .emptyAnswer
        case .noUserTurn, .promptEmpty: .noUserTurn
        case .textAfterToolCall: .textAfterToolCall
        case .toolArgumentsNotObject: .toolArgumentsNotJSON
        case .toolResultsUnpaired: .orphanToolResult
        default: .requestMalformed
        }
    }
}

extension RowChanges {
    /// What reading an exchange left out, whatever the format; `row` is what came of it.
    init(of request: CanonicalRequest, _ answer: CanonicalAnswer, in row: DatasetRow) {
        self = request.changes.union(answer.changes)
        // JSON without a schema, or a grammar: no format has a place for it.
        if request.responseFormat != nil, row.responseSchema == nil { insert(.responseFormatRemoved) }
    }
}
