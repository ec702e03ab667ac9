// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Separation

/// The records whose answers a row holds: of each answer one, however often it was given.
struct RowRecords {
    /// The row's own record, then of each answer before it the record with the smallest id, the last answer first.
    var ids: [ExchangeID] = []
    /// How many more records gave one of these answers to the same prompt.
    var repetitions: Int64 = 0
}

extension Grouping {
    /// The records in a row; those of an opening that many conversations share are counted and not named, row after row.
    ///
    /// - Complexity: O(turns of the row).
    func records(in row: UInt32) -> RowRecords {
        var records = RowRecords()
        walk(from: candidates[Int(row)].end) { point in
            guard endOwner[Int(point)] != none else { return true }
            records.ids.append(candidates[Int(records.ids.isEmpty ? row : endOwner[Int(point)])].id)
            records.repetitions += repetitions[point] ?? 0
            return true
        }
        return records
    }

    /// The ids of all kept records with the same prompt and answer as a row's, sorted.
    func recordsWithTheAnswer(of row: UInt32) -> [ExchangeID] {
        var ids: [ExchangeID] = []
        forEachAtEnd(candidates[Int(row)].end) { ids.append(candidates[Int($0)].id) }
        return ids.sorted()
    }

    /// The ids of all kept records whose answer lies in any of the rows, each once, in no order that means anything.
    ///
    /// - Complexity: O(points and records), however many rows share them.
    func records(inAnyOf rows: [UInt32]) -> [ExchangeID] {
        var isPassed = Array(repeating: false, count: trie.count)
        var ids: [ExchangeID] = []
        for row in rows {
            walk(from: candidates[Int(row)].end) { point in
                guard !isPassed[Int(point)] else { return false }
                isPassed[Int(point)] = true
                forEachAtEnd(point) { ids.append(candidates[Int($0)].id) }
                return true
            }
        }
        return ids
    }

    /// Which rows hold the answer of a marked record, their own or one before it.
    func rows(_ rows: [UInt32], holding isMarked: [Bool]) -> [Bool] {
        var isHeld = Array(repeating: false, count: trie.count)
        for (candidate, isMarked) in zip(candidates, isMarked) where candidate.isKept && isMarked {
            isHeld[Int(candidate.end)] = true
        }
        return rows.map { row in
            var found = false
            walk(from: candidates[Int(row)].end) { point in
                found = isHeld[Int(point)]
                return !found
            }
            return found
        }
    }

    /// The group keys of rows: those of all records whose answers they hold, the row's own first, then those of the last answers.
    ///
    /// - Parameters:
    ///   - rows: the rows.
    ///   - keys: of candidates, as the survey found them.
    ///   - limit: at most so many a row.
    /// - Returns: keys by row; rows without any are left out.
    func keys(
        of rows: [UInt32], among keys: [(key: SeparationDigest, candidate: UInt32)], limit: Int
    ) -> [UInt32: [SeparationDigest]] {
        guard !keys.isEmpty else { return [:] }
        var (own, atEnd): ([UInt32: [SeparationDigest]], [UInt32: [SeparationDigest]]) = ([:], [:])
        for (key, candidate) in keys where candidates[Int(candidate)].isKept {
            own[candidate, default: []].append(key)
            atEnd[candidates[Int(candidate)].end, default: []].append(key)
        }
        atEnd = atEnd.mapValues { $0.sorted() }
        var found: [UInt32: [SeparationDigest]] = [:]
        for row in rows {
            var set = Set(own[row] ?? [])
            walk(from: candidates[Int(row)].end) { point in
                for key in atEnd[point] ?? [] {
                    if set.count >= limit { break }
                    set.insert(key)
                }
                return set.count < limit
            }
            if !set.isEmpty { found[row] = set.sorted() }
        }
        return found
    }

    /// Gives the points from one back to the beginning, as long as the body wants more.
    private func walk(from end: UInt32, _ body: (UInt32) -> Bool) {
        var point = end
        while point != ConversationTrie.root, body(point) { point = trie.parents[Int(point)] }
    }

    private func forEachAtEnd(_ point: UInt32, _ body: (UInt32) -> Void) {
        var at = endOwner[Int(point)]
        while at != none {
            body(at)
            at = nextAtEnd[Int(at)]
        }
    }
}
