// SPDX-License-Identifier: Apache-2.0
import Separation

/// Rows of a spill that are shown to the gate: some at a time, shared among threads.
enum GateShare {
    /// Which of the rows are shown at once: as many as fit a bound of their bytes, one at least.
    static func parts(of rows: [TraitSpill.Place]) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var (start, bytes) = (0, 0)
        for (at, row) in rows.enumerated() {
            if at > start, bytes + row.count > DatasetLimits.gateBytes || at - start >= DatasetLimits.nearRows {
                parts.append(start..<at)
                (start, bytes) = (at, 0)
            }
            bytes += row.count
        }
        if start < rows.count { parts.append(start..<rows.count) }
        return parts
    }

    /// What the gate finds of each row.
    ///
    /// - Throws: what reading the spill throws.
    static func violations(
        of rows: [TraitSpill.Place], in spill: TraitSpill, _ gate: SeparationGate
    ) throws -> [GateViolation?] {
        // Files are read by the thread that owns them.
        let encoded = try rows.map { try spill.bytes(at: $0) }
        let parts = WorkShare.parts(of: encoded.count, each: 64)
        let answers = WorkShare.map(parts.count, threads: DatasetLimits.threads) { part in
            Result<[GateViolation?], any Error> {
                var probe = GateProbe()
                return try encoded[parts[part]].map { bytes -> GateViolation? in
                    gate.violation(of: try SeparationTraits(encoded: bytes), using: &probe)
                }
            }
        }
        return try answers.flatMap { try $0.get() }
    }
}
