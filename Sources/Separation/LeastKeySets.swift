// SPDX-License-Identifier: Apache-2.0

/// The key of a row: 128 bits, such as the id of an exchange, that no other row has.
package struct SeparationKey: Hashable, Comparable, Sendable {
    /// The upper 64 bits.
    package let high: UInt64
    /// The lower 64 bits.
    package let low: UInt64

    /// A key from its halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Whether the bytes of one come before those of the other.
    package static func < (left: SeparationKey, right: SeparationKey) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// Rows in sets that stay together; the root of a set is its row with the least key, whatever was united in which order.
///
/// A value, owned by one thread.
package struct LeastKeySets: Sendable {
    private let keys: [SeparationKey]
    private var parents: [UInt32]

    /// Every row alone.
    ///
    /// - Parameter keys: of the rows, each another; at most `SeparationLimits.rows`.
    package init(keys: [SeparationKey]) {
        self.keys = keys
        parents = (0..<keys.count).map { UInt32(truncatingIfNeeded: $0) }
    }

    /// How many rows there are.
    package var count: Int { keys.count }

    /// The row with the least key of a row's set.
    package mutating func root(of row: Int) -> Int {
        var at = row
        while Int(parents[at]) != at {
            parents[at] = parents[Int(parents[at])]
            at = Int(parents[at])
        }
        return at
    }

    /// Puts the sets of two rows together.
    ///
    /// - Returns: whether they were apart.
    @discardableResult
    package mutating func unite(_ a: Int, _ b: Int) -> Bool {
        let (x, y) = (root(of: a), root(of: b))
        guard x != y else { return false }
        if keys[x] < keys[y] { parents[y] = UInt32(x) } else { parents[x] = UInt32(y) }
        return true
    }

    /// The roots of all rows.
    package mutating func roots() -> [Int] { (0..<count).map { root(of: $0) } }
}
