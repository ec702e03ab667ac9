// SPDX-License-Identifier: Apache-2.0

/// What a recorded response adds to a history.
package struct RecordedResponse: Equatable, Sendable {
    /// What its request said and then its answer, without the request's own instructions.
    package var turns: [CanonicalTurn]
    /// What its request continued.
    package var continues: HistoryLink?
    /// What a row of the turns leaves out or changes.
    package var changes: RowChanges = []

    /// What an exchange adds.
    ///
    /// - Parameters:
    ///   - request: as read, not joined.
    ///   - answer: to it.
    package init(request: CanonicalRequest, answer: CanonicalAnswer) {
        turns = Array(request.turns.dropFirst(request.instructionTurns)) + [answer.turn]
        continues = request.continues
        changes = request.changes.union(answer.changes).subtracting(RecordedResponse.settings)
    }

    /// Changes that concern a request's settings and not its turns.
    private static let settings: RowChanges = [
        .responseFormatRemoved, .toolStrictnessRemoved, .toolSchemaRespelled, .extraChoicesIgnored,
    ]

    /// Turns and a link.
    package init(turns: [CanonicalTurn], continues: HistoryLink?) {
        self.turns = turns
        self.continues = continues
    }
}

/// Completes requests whose history the provider keeps.
package enum HistoryJoin {
    /// The request with every turn that the model saw: its own instructions, then the history, then what it says itself.
    ///
    /// Pure; a history is followed from the newest response to the oldest.
    /// - Parameters:
    ///   - request: as read; one that continues nothing comes back as it is.
    ///   - response: gives what was recorded under a response's id, or nil; what it throws is thrown on.
    /// - Returns: a request without a link, its calls and results checked and in order.
    /// - Throws: `DropReason`: `.historyMissing` where a response was not recorded or continues itself, and for a conversation, into which
    ///   others may write; `.conversationTooLong` at the limit of turns; else what is wrong with calls and results.
    /// - Complexity: O(all turns).
    package static func complete(
        _ request: CanonicalRequest, response: (String) throws -> RecordedResponse?
    ) throws -> CanonicalRequest {
        guard request.continues != nil else { return request }
        var request = request
        let own = request.turns.dropFirst(request.instructionTurns)
        let history = try turns(before: request.continues, changes: &request.changes, response: response)
        request.turns = Array(request.turns.prefix(request.instructionTurns)) + history + own
        request.continues = nil
        try ConversationReader.settle(&request)
        return request
    }

    private static func turns(
        before link: HistoryLink?, changes: inout RowChanges, response: (String) throws -> RecordedResponse?
    ) throws -> [CanonicalTurn] {
        var newestFirst: [[CanonicalTurn]] = []
        var count = 0
        var seen: Set<String> = []
        var next = link
        while let link = next {
            guard case .response(let id) = link, seen.insert(id).inserted, let found = try response(id) else {
                throw DropReason.historyMissing
            }
            count += found.turns.count
            guard count <= DatasetLimits.turns, newestFirst.count < DatasetLimits.turns else {
                throw DropReason.conversationTooLong
            }
            newestFirst.append(found.turns)
            changes.formUnion(found.changes)
            next = found.continues
        }
        return newestFirst.reversed().flatMap { $0 }
    }
}
