// SPDX-License-Identifier: Apache-2.0
import Separation

/// A gate that takes rows in a few at a time: as many as are good for its speed, as few as are good for memory.
struct GateFiller {
    private(set) var gate: SeparationGate
    private var waiting: [SeparationTraits] = []
    private var bytes = 0

    init(isStrict: Bool) { gate = SeparationGate(isStrict: isStrict) }

    /// Takes a row; its number is the number of rows before it.
    mutating func add(_ row: SeparationTraits) throws(SeparationError) {
        waiting.append(row)
        bytes += row.heldBytes
        if waiting.count >= DatasetLimits.nearRows || bytes >= DatasetLimits.handBytes { try finish() }
    }

    /// Puts the last rows in; to be called before the gate is asked.
    mutating func finish() throws(SeparationError) {
        try gate.add(waiting)
        waiting.removeAll(keepingCapacity: true)
        bytes = 0
    }
}

extension SeparationTraits {
    /// The bytes of memory that hold the row's tokens and shingles.
    fileprivate var heldBytes: Int { 8 * (tokens.count + promptShingles.count + firstShingles.count) }
}
