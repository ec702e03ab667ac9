// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel

/// A row to be written: no payload yet.
struct PlannedRow {
    let candidate: UInt32
    let id: ExchangeID
    let group: ExchangeID
    let side: DatasetSide
    let order: Digest128
}

/// The first pass: what each record is, by hashes only.
struct Survey {
    private let recipe: DatasetRecipe
    private let groupNames: [String]
    private(set) var trie = ConversationTrie()
    private(set) var candidates: [Candidate] = []
    private(set) var keys: [(key: Digest128, candidate: UInt32)] = []
    private(set) var dropped: [DropReason: Int64] = [:]
    private(set) var segments: [String: Int64] = [:]
    private(set) var seen: Int64 = 0
    private var ids: Set<ExchangeID> = []

    init(recipe: DatasetRecipe) {
        self.recipe = recipe
        groupNames = recipe.sortedGroupNames
    }

    /// Takes one input; what the recipe's filters leave out is not even seen.
    mutating func take(_ input: DatasetInput) throws(DatasetError) {
        switch input {
        case .unreadable(_, let location):
            try count(location)
            dropped[.payloadUnreadable, default: 0] += 1
        case .record(let record, let location):
            guard recipe.admits(record.head) else { return }
            try take(record, at: location)
        }
    }

    private mutating func count(_ location: PayloadLocation) throws(DatasetError) {
        seen += 1
        guard seen <= Int64(DatasetLimits.records) else {
            throw DatasetError(.tooLarge, "More than \(DatasetLimits.records) records: narrow the recipe, by task or by time.")
        }
        guard segments[location.segment] != nil || segments.count < DatasetLimits.segments else {
            throw DatasetError(.tooLarge, "More than \(DatasetLimits.segments) segments: narrow the recipe by time.")
        }
        segments[location.segment, default: 0] += 1
    }

    private mutating func take(_ record: ExchangeRecord, at location: PayloadLocation) throws(DatasetError) {
        let request: CanonicalRequest
        do {
            request = try ConversationReader.request(record)
        } catch {
            guard recipe.model == nil || RequestedModel.matches(recipe.model, record) else { return }
            try count(location)
            let reason = ids.insert(record.head.id).inserted ? Selection.refusal(of: record.head) ?? error : .duplicateRecord
            dropped[reason, default: 0] += 1
            return
        }
        if let wanted = recipe.model, request.model?.utf8.elementsEqual(wanted.utf8) != true { return }
        try count(location)
        guard ids.insert(record.head.id).inserted else {
            dropped[.duplicateRecord, default: 0] += 1
            return
        }
        try add(record, request)
    }

    private mutating func add(_ record: ExchangeRecord, _ request: CanonicalRequest) throws(DatasetError) {
        var chain = TurnChain()
        var prompt = ConversationTrie.root
        for turn in request.turns { prompt = try trie.extend(prompt, by: turn, chain: &chain) }
        var end = Candidate.noPoint
        do {
            let answer = try Selection.answer(record, request)
            end = try trie.extend(prompt, by: answer.turn, chain: &chain)
        } catch let error as DatasetError {
            throw error
        } catch let reason as DropReason {
            dropped[reason, default: 0] += 1
        } catch {
            dropped[.answerMalformed, default: 0] += 1
        }
        let own = UInt32(clamping: candidates.count)
        candidates.append(Candidate(id: record.head.id, prompt: prompt, end: end, hasTools: !request.tools.isEmpty))
        for (name, value) in record.head.attribution.metadata
        where groupNames.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            keys.append((Digest128(SHA256.hash(data: Array(name.utf8) + [0] + Array(value.utf8))), own))
        }
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
    static func answer(_ record: ExchangeRecord, _ request: CanonicalRequest) throws(DropReason) -> CanonicalAnswer {
        if let reason = refusal(of: record.head) { throw reason }
        let answer = try ConversationReader.answer(record, to: request)
        try ChatRow.check(request.turns)
        try ChatRow.check([answer.turn])
        return answer
    }
}

/// The model of a request that could not be read any further.
enum RequestedModel {
    static func matches(_ model: String?, _ record: ExchangeRecord) -> Bool {
        guard let model, record.requestBody.kept == .full, let body = record.requestBody.content,
            body.count <= DatasetLimits.bodyBytes
        else { return false }
        return JSONDocument.read(body)?.root["model"]?.equals(model) ?? false
    }
}

/// What the first pass leads to: the rows in their order, side by side.
struct DatasetPlan {
    private(set) var rows: [DatasetSide: [PlannedRow]] = [.eval: [], .train: []]
    private(set) var dropped: [DropReason: Int64]
    private(set) var hasTools = false
    private(set) var conversationCount: Int64 = 0
    /// Groups with at least one row, by side.
    private(set) var groupCounts: [DatasetSide: Int64] = [.eval: 0, .train: 0]
    private(set) var largestGroup: Int64 = 0
    let seen: Int64
    let segments: [(name: String, count: Int64)]
    let grouping: Grouping

    init(survey: Survey, recipe: DatasetRecipe) {
        var grouping = Grouping(candidates: survey.candidates, trie: survey.trie, keys: survey.keys)
        let split = Split(recipe: recipe)
        let leaves = grouping.leaves()
        dropped = survey.dropped.merging(leaves.dropped) { $0 + $1 }
        seen = survey.seen
        segments = survey.segments.map { ($0.key, $0.value) }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        conversationCount = Int64(leaves.rows.count)
        for candidate in leaves.rows {
            let id = survey.candidates[Int(candidate)].id
            let group = survey.candidates[Int(grouping.group(of: candidate))].id
            let side = split.side(ofGroup: group)
            rows[side, default: []].append(
                PlannedRow(candidate: candidate, id: id, group: group, side: side, order: split.order(ofRecord: id)))
        }
        self.grouping = grouping
        for side in DatasetSide.allCases { settle(side, limit: side == .eval ? recipe.maxEvalRows : recipe.maxTrainRows) }
        let kept = rows.values.joined()
        hasTools = kept.contains { survey.candidates[Int($0.candidate)].hasTools }
    }

    private mutating func settle(_ side: DatasetSide, limit: Int64?) {
        var sorted = (rows[side] ?? []).sorted { ($0.order, $0.id) < ($1.order, $1.id) }
        if let limit, Int64(sorted.count) > limit {
            dropped[.overLimit, default: 0] += Int64(sorted.count) - limit
            sorted.removeLast(sorted.count - Int(limit))
        }
        rows[side] = sorted
        var sizes: [ExchangeID: Int64] = [:]
        for row in sorted { sizes[row.group, default: 0] += 1 }
        groupCounts[side] = Int64(sizes.count)
        largestGroup = max(largestGroup, sizes.values.max() ?? 0)
    }
}
