// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel
import Separation

/// The first pass: what each record is, by hashes only.
struct Survey {
    private let groupNames: [String]
    private let isLoose: Bool
    private(set) var trie = ConversationTrie()
    private(set) var candidates: [Candidate] = []
    private(set) var keys: [(key: SeparationDigest, candidate: UInt32)] = []
    /// By candidate: what rows of one prompt template have in common.
    private(set) var templates: [UInt64] = []
    private(set) var dropped: [DropReason: Int64] = [:]
    private(set) var inputs = InputDigest()
    private(set) var seen: Int64 = 0
    /// Whether the recipe takes any of them: the others are eval rows of earlier versions.
    private(set) var selectsAny = false
    /// Records outside the selection that histories were completed from.
    private(set) var historyRecords: Int64 = 0
    /// What the quality filters said; only the records that they were asked about.
    private(set) var quality = QualityFunnel()
    /// By candidate, where the recipe compares words alone: what its conversation says.
    private(set) var words: [Digest128] = []
    private var ids: Set<ExchangeID> = []

    init(recipe: DatasetRecipe) {
        groupNames = recipe.sortedGroupNames
        isLoose = recipe.quality.duplicates == .loose
    }

    /// Whether a record was taken.
    func holds(_ id: ExchangeID) -> Bool { ids.contains(id) }

    /// Notes a record outside the selection of which rows hold a part.
    mutating func note(history record: ExchangeRecord) {
        inputs.add(record)
        historyRecords += 1
    }

    /// Takes one input; what the recipe's filters leave out is not even seen, and what waits for its history is not seen yet.
    mutating func take(_ input: DatasetInput, by intake: RowIntake) throws {
        switch input {
        case .unreadable(let id, _):
            selectsAny = true
            try count()
            inputs.add(unreadable: id)
            dropped[.payloadUnreadable, default: 0] += 1
        case .locked(let id, _):
            selectsAny = true
            try count()
            inputs.add(unreadable: id)
            dropped[.keyMissing, default: 0] += 1
        case .record(let record, let place):
            let reading = try intake.read(record)
            selectsAny = selectsAny || place.isSelected
            if case .waiting = reading { return }
            inputs.add(record, lineDigest: place.lineDigest)
            try count()
            try take(record, reading)
        }
    }

    private mutating func count() throws(DatasetError) {
        seen += 1
        guard seen <= Int64(DatasetLimits.records) else {
            throw DatasetError(.tooLarge, "More than \(DatasetLimits.records) records: narrow the recipe, by task or by time.")
        }
    }

    private mutating func take(_ record: ExchangeRecord, _ reading: IntakeReading) throws(DatasetError) {
        guard ids.insert(record.head.id).inserted else {
            dropped[.duplicateRecord, default: 0] += 1
            return
        }
        switch reading {
        case .waiting: break
        case .dropped(let reason): dropped[reason, default: 0] += 1
        case .row(let row): try add(record, row)
        }
    }

    private mutating func add(_ record: ExchangeRecord, _ row: IntakeRow) throws(DatasetError) {
        var chain = TurnChain()
        var prompt = ConversationTrie.root
        for turn in row.request.turns { prompt = try trie.extend(prompt, by: turn, chain: &chain) }
        var end = Candidate.noPoint
        if let answer = row.answer { end = try trie.extend(prompt, by: answer.turn, chain: &chain) }
        if let reason = row.drop { dropped[reason, default: 0] += 1 }
        if row.isJudged { quality.count(row.verdict) }
        let own = UInt32(clamping: candidates.count)
        candidates.append(
            Candidate(
                id: record.head.id, prompt: prompt, end: end, trail: AnswerTrail(record, row.request, groupNames: groupNames)))
        templates.append(LeafSurvey.template(of: row.request.turns.filter { $0.role == .system }.map(\.separated)))
        if isLoose { words.append(row.answer.map { QualityDuplicates.key(row.request, $0, isLoose: true) } ?? Digest128([])) }
        for name in row.responses { keys.append((SeparationDigest(of: "\0response=\(name)"), own)) }
        for (name, value) in record.head.attribution.metadata
        where groupNames.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            keys.append((SeparationDigest(of: "\(name)=\(value)"), own))
        }
    }

    /// Rows that were left out as repetitions, each with the one that says the same and stays.
    func repetitions(of rows: [UInt32], among all: [UInt32]) -> [(row: UInt32, stays: UInt32)] {
        let stays = Dictionary(rows.map { (words[Int($0)], $0) }, uniquingKeysWith: { first, _ in first })
        let kept = Set(rows)
        return all.compactMap { row in kept.contains(row) ? nil : stays[words[Int(row)]].map { (row, $0) } }
    }

    /// Of rows that say the same in other letters and signs, those that stay: pinned ones, else the one with the smallest id.
    ///
    /// - Parameters:
    ///   - rows: candidates.
    ///   - pinned: those that stay in any case.
    /// - Returns: the rows that stay, in their order; all where the recipe compares turns.
    func withoutRepetitions(_ rows: [UInt32], pinned: Set<UInt32>) -> [UInt32] {
        guard isLoose else { return rows }
        var duplicates = QualityDuplicates()
        for row in rows where !pinned.contains(row) { duplicates.note(candidates[Int(row)].id, key: words[Int(row)]) }
        let held = Set(pinned.map { words[Int($0)] })
        return rows.filter { row in
            if pinned.contains(row) { return true }
            let key = words[Int(row)]
            return !held.contains(key) && !duplicates.isDuplicate(candidates[Int(row)].id, key: key)
        }
    }
}

/// What a build was made from, whatever the order and whatever the segments: a hash over the sorted hashes of the records.
struct InputDigest {
    private var digests: [Digest128] = []

    /// Takes a record: all of it, as it stands in a segment, by the hash of its line where that is known.
    mutating func add(_ record: ExchangeRecord, lineDigest: Digest128? = nil) {
        digests.append(lineDigest ?? Digest128(SHA256.hash(data: record.encodedLine())))
    }

    /// Takes a record whose payload cannot be read any more.
    mutating func add(unreadable id: ExchangeID) {
        digests.append(Digest128(SHA256.hash(data: Array("unreadable ".utf8) + id.textBytes)))
    }

    /// Hex SHA-256 over the hashes, each its first 16 bytes, in ascending order.
    var sha256: String {
        var hasher = SHA256()
        for digest in digests.sorted() {
            for word in [digest.high, digest.low] { withUnsafeBytes(of: word.bigEndian) { hasher.update(bufferPointer: $0) } }
        }
        return Hex.encode(hasher.finalize())
    }
}

/// What may become a row.
enum Selection {
    /// Why the exchange as such is not taken, or nil.
    static func refusal(of head: ExchangeHead) -> DropReason? {
        if head.outcome != .completed { return .outcomeNotCompleted }
        if head.status != 200 { return .statusNotOK }
        return nil
    }

    /// The answer, where everything about the exchange lets it become a row.
    ///
    /// - Parameters:
    ///   - record: the exchange.
    ///   - request: its request, complete.
    ///   - takesRefusals: whether an answer that the provider marked as a refusal is one; quality filters then decide.
    /// - Returns: the answer.
    /// - Throws: why there is none.
    static func answer(
        _ record: ExchangeRecord, _ request: CanonicalRequest, takesRefusals: Bool = false
    ) throws(DropReason) -> CanonicalAnswer {
        if let reason = refusal(of: record.head) { throw reason }
        guard request.continues == nil else { throw .historyMissing }
        let answer = try ConversationReader.answer(record, to: request)
        guard takesRefusals || !answer.isRefusal else { throw .refusal }
        try DatasetRow.check(request, answer)
        return answer
    }
}
