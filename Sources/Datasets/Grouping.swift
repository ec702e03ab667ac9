// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Separation

/// Sets of candidates that must stay on one side; the root of a set is its candidate with the smallest record id.
struct UnionFind {
    private var parent: [UInt32]
    private let ids: [ExchangeID]

    init(ids: [ExchangeID]) {
        self.ids = ids
        parent = Array(0..<UInt32(ids.count))
    }

    mutating func root(of member: UInt32) -> UInt32 {
        var at = member
        while parent[Int(at)] != at {
            parent[Int(at)] = parent[Int(parent[Int(at)])]
            at = parent[Int(at)]
        }
        return at
    }

    mutating func unite(_ a: UInt32, _ b: UInt32) {
        let (x, y) = (root(of: a), root(of: b))
        guard x != y else { return }
        if ids[Int(x)] < ids[Int(y)] { parent[Int(y)] = x } else { parent[Int(x)] = y }
    }
}

/// Which candidates belong together, and which are the last of their conversation.
///
/// Two records are joined where
/// - their whole prompts are equal, whatever the model;
/// - one's history passes through the other's prompt and answer: it is a successor, or a branch from it;
/// - one's history passes through the other's whole prompt and there lets the assistant speak (another answer was kept or edited);
/// - they share a value of a metadata name in `group_by`.
///
/// A common system prompt, or a common first turn of a longer prompt, joins nothing. Records whose answer was dropped still
/// join others by their prompt. All of this is a property of the set of records, not of their order.
struct Grouping {
    let none = Candidate.noPoint
    let candidates: [Candidate]
    let trie: ConversationTrie
    private var sets: UnionFind
    /// By point: some candidate whose prompt ends there.
    private var promptOwner: [UInt32]
    /// By point: of the candidates whose answer ends there, the one with the smallest id.
    private(set) var endOwner: [UInt32]
    /// By candidate: another one with the same end.
    private(set) var nextAtEnd: [UInt32]
    /// By point, where there are any: how many more than one end there.
    private(set) var repetitions: [UInt32: Int64] = [:]

    init(candidates: [Candidate], trie: ConversationTrie, keys: [(key: SeparationDigest, candidate: UInt32)]) {
        self.candidates = candidates
        self.trie = trie
        sets = UnionFind(ids: candidates.map(\.id))
        promptOwner = Array(repeating: none, count: trie.count)
        endOwner = promptOwner
        nextAtEnd = Array(repeating: none, count: candidates.count)
        joinEqualPoints()
        joinHistories()
        join(keys: keys)
    }

    private mutating func joinEqualPoints() {
        for (position, candidate) in candidates.enumerated() {
            let own = UInt32(position)
            let atPrompt = promptOwner[Int(candidate.prompt)]
            if atPrompt == none { promptOwner[Int(candidate.prompt)] = own } else { sets.unite(own, atPrompt) }
            guard candidate.isKept else { continue }
            add(own, toEnd: candidate.end)
        }
    }

    private mutating func add(_ own: UInt32, toEnd end: UInt32) {
        let first = endOwner[Int(end)]
        guard first != none else {
            endOwner[Int(end)] = own
            return
        }
        sets.unite(own, first)
        repetitions[end, default: 0] += 1
        if candidates[Int(own)].id < candidates[Int(first)].id {
            nextAtEnd[Int(own)] = first
            endOwner[Int(end)] = own
        } else {
            nextAtEnd[Int(own)] = nextAtEnd[Int(first)]
            nextAtEnd[Int(first)] = own
        }
    }

    /// Walks from each distinct prompt up to the nearest point that another record owns; that record's own walk goes on from there.
    private mutating func joinHistories() {
        for (position, owner) in promptOwner.enumerated() where owner != none {
            var point = UInt32(position)
            while point != ConversationTrie.root {
                if endOwner[Int(point)] != none {
                    sets.unite(owner, endOwner[Int(point)])
                    break
                }
                let isAnswer = trie.isAssistant[Int(point)]
                point = trie.parents[Int(point)]
                if isAnswer, promptOwner[Int(point)] != none {
                    sets.unite(owner, promptOwner[Int(point)])
                    break
                }
            }
        }
    }

    private mutating func join(keys: [(key: SeparationDigest, candidate: UInt32)]) {
        var owners: [SeparationDigest: UInt32] = [:]
        for (key, candidate) in keys {
            if let owner = owners[key] { sets.unite(owner, candidate) } else { owners[key] = candidate }
        }
    }

    /// The candidate whose id names the group of another.
    mutating func group(of candidate: UInt32) -> UInt32 { sets.root(of: candidate) }

    /// Puts the groups of two candidates together.
    mutating func unite(_ a: UInt32, _ b: UInt32) { sets.unite(a, b) }

    /// Candidates that may become rows, without those that a later request holds and without repetitions; by reason the rest is counted.
    ///
    /// - Parameter pinned: candidates that are rows in any case, as they were in an earlier build.
    /// - Returns: rows in the candidates' order, and how many were dropped under which reason.
    func leaves(pinned: Set<UInt32> = []) -> (rows: [UInt32], dropped: [DropReason: Int64]) {
        let isPassed = passedPoints()
        var rows: [UInt32] = []
        var dropped: [DropReason: Int64] = [:]
        for (position, candidate) in candidates.enumerated() where candidate.isKept {
            if pinned.contains(UInt32(position)) {
                rows.append(UInt32(position))
            } else if isPassed[Int(candidate.end)] {
                dropped[.superseded, default: 0] += 1
            } else if endOwner[Int(candidate.end)] != UInt32(position) {
                dropped[.duplicateConversation, default: 0] += 1
            } else {
                rows.append(UInt32(position))
            }
        }
        return (rows, dropped)
    }

    /// By point: whether the prompt of a record that may become a row passes through it, or ends there.
    func passedPoints() -> [Bool] {
        var isPassed = Array(repeating: false, count: trie.count)
        for candidate in candidates where candidate.isKept {
            var point = candidate.prompt
            while point != ConversationTrie.root, !isPassed[Int(point)] {
                isPassed[Int(point)] = true
                point = trie.parents[Int(point)]
            }
        }
        return isPassed
    }
}
