// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

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
    private let none = Candidate.noPoint
    private let candidates: [Candidate]
    private let trie: ConversationTrie
    private var sets: UnionFind
    /// By point: some candidate whose prompt, or whose answer, ends there.
    private var promptOwner: [UInt32]
    private var endOwner: [UInt32]
    /// By candidate: another one with the same end.
    private var nextAtEnd: [UInt32]

    init(candidates: [Candidate], trie: ConversationTrie, keys: [(key: Digest128, candidate: UInt32)]) {
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
            let atEnd = endOwner[Int(candidate.end)]
            if atEnd != none {
                sets.unite(own, atEnd)
                nextAtEnd[position] = atEnd
            }
            endOwner[Int(candidate.end)] = own
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

    private mutating func join(keys: [(key: Digest128, candidate: UInt32)]) {
        var owners: [Digest128: UInt32] = [:]
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
        var isPassed = Array(repeating: false, count: trie.count)
        for candidate in candidates where candidate.isKept {
            var point = candidate.prompt
            while point != ConversationTrie.root, !isPassed[Int(point)] {
                isPassed[Int(point)] = true
                point = trie.parents[Int(point)]
            }
        }
        var rows: [UInt32] = []
        var dropped: [DropReason: Int64] = [:]
        for (position, candidate) in candidates.enumerated() where candidate.isKept {
            if pinned.contains(UInt32(position)) {
                rows.append(UInt32(position))
            } else if isPassed[Int(candidate.end)] {
                dropped[.superseded, default: 0] += 1
            } else if smallestAtEnd(candidate.end) != UInt32(position) {
                dropped[.duplicateConversation, default: 0] += 1
            } else {
                rows.append(UInt32(position))
            }
        }
        return (rows, dropped)
    }

    private func smallestAtEnd(_ point: UInt32) -> UInt32 {
        var smallest = endOwner[Int(point)]
        var at = smallest
        while at != none {
            if candidates[Int(at)].id < candidates[Int(smallest)].id { smallest = at }
            at = nextAtEnd[Int(at)]
        }
        return smallest
    }

    /// The ids of all kept records whose answer lies in a row: its own, its predecessors, its repetitions; sorted.
    func recordsIn(row: UInt32) -> [ExchangeID] {
        var ids: [ExchangeID] = []
        var point = candidates[Int(row)].end
        while point != ConversationTrie.root {
            var at = endOwner[Int(point)]
            while at != none {
                ids.append(candidates[Int(at)].id)
                at = nextAtEnd[Int(at)]
            }
            point = trie.parents[Int(point)]
        }
        return ids.sorted()
    }
}
