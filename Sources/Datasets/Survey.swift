// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import Dialects
import ExchangeModel

/// The first pass: what each record is, by hashes only.
struct Survey {
    private let recipe: DatasetRecipe
    private let groupNames: [String]
    private(set) var trie = ConversationTrie()
    private(set) var candidates: [Candidate] = []
    private(set) var keys: [(key: Digest128, candidate: UInt32)] = []
    private(set) var dropped: [DropReason: Int64] = [:]
    private(set) var inputs = InputDigest()
    private(set) var seen: Int64 = 0
    private var ids: Set<ExchangeID> = []

    init(recipe: DatasetRecipe) {
        self.recipe = recipe
        groupNames = recipe.sortedGroupNames
    }

    /// Takes one input; what the recipe's filters leave out is not even seen.
    mutating func take(_ input: DatasetInput) throws(DatasetError) {
        switch input {
        case .unreadable(let id, _):
            try count()
            inputs.add(unreadable: id)
            dropped[.payloadUnreadable, default: 0] += 1
        case .record(let record, _):
            inputs.add(record)
            try take(record)
        }
    }

    private mutating func count() throws(DatasetError) {
        seen += 1
        guard seen <= Int64(DatasetLimits.records) else {
            throw DatasetError(.tooLarge, "More than \(DatasetLimits.records) records: narrow the recipe, by task or by time.")
        }
    }

    private mutating func take(_ record: ExchangeRecord) throws(DatasetError) {
        let request: CanonicalRequest
        do {
            request = try Selection.request(record)
        } catch {
            try count()
            let reason = ids.insert(record.head.id).inserted ? Selection.refusal(of: record.head) ?? error : .duplicateRecord
            dropped[reason, default: 0] += 1
            return
        }
        try count()
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

/// What a build was made from, whatever the order and whatever the segments: a hash over the sorted hashes of the records.
struct InputDigest {
    private var digests: [Digest128] = []

    /// Takes a record: all of it, as it stands in a segment.
    mutating func add(_ record: ExchangeRecord) { digests.append(Digest128(SHA256.hash(data: record.encodedLine()))) }

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

    /// The request, where the record holds all of it.
    static func request(_ record: ExchangeRecord) throws(DropReason) -> CanonicalRequest {
        let request = try ConversationReader.request(record)
        guard request.continues == nil else { throw .historyMissing }
        return request
    }

    /// The answer, where everything about the exchange lets it become a row.
    static func answer(_ record: ExchangeRecord, _ request: CanonicalRequest) throws(DropReason) -> CanonicalAnswer {
        if let reason = refusal(of: record.head) { throw reason }
        guard request.continues == nil else { throw .historyMissing }
        let answer = try ConversationReader.answer(record, to: request)
        guard !answer.isRefusal else { throw .refusal }
        try ChatRow.check(request.turns)
        try ChatRow.check([answer.turn])
        return answer
    }
}
