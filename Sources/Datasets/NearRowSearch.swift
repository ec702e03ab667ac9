// SPDX-License-Identifier: Apache-2.0
import Separation

/// Finds rows that share too much with others (G1 to G3), in bounded memory; both lie in a spill.
///
/// Exact, as the gate is; whether two rows are near does not depend on which of them asks.
struct NearRowSearch {
    let leaves: [LeafFacts]
    let spill: TraitSpill

    /// Which of some rows are near to any of others.
    ///
    /// Those of the others that are near to any of the rows are sought first: they are few, as a rule, and one gate holds them.
    /// - Parameters:
    ///   - rows: places of leaves; eval candidates, few.
    ///   - others: places of leaves; trained rows, many.
    /// - Returns: places of leaves.
    /// - Throws: what reading the spill throws, or `SeparationError`.
    func rows(_ rows: [Int], nearAnyOf others: [Int]) throws -> Set<Int> {
        guard !rows.isEmpty, !others.isEmpty else { return [] }
        let close = try hits(of: others, on: rows)
        return try hits(of: rows, on: close.sorted())
    }

    /// Which of the rows that ask are near to any that is held.
    private func hits(of asking: [Int], on held: [Int]) throws -> Set<Int> {
        var found: Set<Int> = []
        var left = held[...]
        var probe = GateProbe()
        while !left.isEmpty {
            let gate = try fill(from: &left)
            for row in asking where !found.contains(row) {
                if gate.violation(of: try spill.read(leaves[row].traits), using: &probe) != nil { found.insert(row) }
            }
        }
        return found
    }

    /// A gate of the first rows of those left, as many as fit.
    private func fill(from left: inout ArraySlice<Int>) throws -> SeparationGate {
        var filler = GateFiller(isStrict: false)
        var bytes = 0
        while let row = left.first, bytes == 0 || bytes + leaves[row].traits.count <= DatasetLimits.nearGateBytes {
            try filler.add(try spill.read(leaves[row].traits))
            bytes += leaves[row].traits.count
            left.removeFirst()
        }
        try filler.finish()
        return filler.gate
    }
}
