// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Makes the lines of formats of pairs: the prompt of a row, the answer that the row has, and a recorded one that is worse.
struct PairLines {
    private let pairs: [ExchangeID: [PreferencePair]]
    /// The recorded answers of exchanges that pairs name, each as a list of one message.
    private let answers: RowSpill?

    init(_ pairs: [ExchangeID: [PreferencePair]], answers: RowSpill?) { (self.pairs, self.answers) = (pairs, answers) }

    /// The exchanges whose recorded answers are needed: the row's own answer is in its line, corrected where it was.
    static func partners(_ pair: PreferencePair, of row: PlannedRow) -> [ExchangeID] {
        pair.chosen == row.id ? [pair.rejected] : [pair.chosen, pair.rejected]
    }

    /// The bytes in which an answer waits.
    static func encoded(_ answer: CanonicalTurn) -> [UInt8] {
        var json = JSONWriter(capacity: 1_024)
        MessageWriting().write([answer], to: &json)
        return json.bytes
    }

    /// The lines of a row, one a pair, in the order of the plan.
    ///
    /// - Throws: where the spill cannot be read.
    func lines(
        of planned: PlannedRow, _ stored: SpilledRow, _ choice: ExportChoice
    ) throws -> [(pair: PreferencePair, line: Result<[UInt8], FormatRefusal>)] {
        guard let pairs = pairs[planned.id], let row = PairLines.row(planned, stored) else { return [] }
        var lines: [(PreferencePair, Result<[UInt8], FormatRefusal>)] = []
        for pair in pairs {
            var row = row
            if pair.chosen != planned.id { row.answer = try answer(of: pair.chosen) }
            row.rejected = try answer(of: pair.rejected).map { [$0] } ?? []
            let line = Result { () throws(FormatRefusal) in
                try choice.format.encode(row, profile: choice.profile, options: choice.options)
            }
            lines.append((pair, line))
        }
        return lines
    }

    /// The row as its line in the usual file says it: more than a pair can say is not in it.
    private static func row(_ planned: PlannedRow, _ stored: SpilledRow) -> DatasetRow? {
        guard let root = JSONDocument.read(stored.line)?.root, var row = try? RowReading.conversation(root) else { return nil }
        row.id = planned.id.description
        return row
    }

    private func answer(of id: ExchangeID) throws -> CanonicalTurn? {
        guard let block = try answers?.read(id), let root = JSONDocument.read(block)?.root else { return nil }
        return try MessageReading.turns(root).last
    }
}
