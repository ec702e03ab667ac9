// SPDX-License-Identifier: Apache-2.0

/// A length of time that exchanges are rolled up by; its periods begin at multiples of it since the Unix epoch.
///
/// Hours are made from rows, every other unit from the periods of the one below. The raw value names its tables, `rollup_...`
/// and `rolled_...`, and their first column.
package enum RollupUnit: String, CaseIterable, Comparable, Sendable {
    /// An hour, as UTC has it.
    case hour
    /// A UTC day.
    case day
    /// Seven UTC days, the first a Thursday, as 1970-01-01 was.
    case week

    /// How long each of its periods is.
    package var lengthUs: Int64 {
        switch self {
        case .hour: 3_600_000_000
        case .day: 24 * RollupUnit.hour.lengthUs
        case .week: 7 * RollupUnit.day.lengthUs
        }
    }

    /// The unit that its periods are made from; nil for hours.
    var below: RollupUnit? {
        switch self {
        case .hour: nil
        case .day: .hour
        case .week: .day
        }
    }

    /// The begin of the period that a start lies in.
    func begin(of start: Int64) -> Int64 {
        let rest = (start &+ SchemaTwo.epochUs) % lengthUs
        return start &- (rest < 0 ? rest + lengthUs : rest)
    }

    /// Shorter before longer.
    package static func < (a: RollupUnit, b: RollupUnit) -> Bool { a.lengthUs < b.lengthUs }
}
