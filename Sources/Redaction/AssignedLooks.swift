// SPDX-License-Identifier: Apache-2.0

/// How often values are looked at from places within the same row of characters.
///
/// A row such as `pwd=pwd=pwd=...` has a name at every fourth byte, and from each a value could begin that reaches as far as a value may.
/// Where a few looks have failed, no other begins before the place that they reached: so no byte is read more often than that.
struct AssignedLooks {
    /// Looks from places that an earlier one has passed, that one included.
    static let most = 4

    /// Where the looks that failed ended.
    private var end = 0
    private var count = 0
    /// Characters read by all looks of this text.
    private(set) var read = 0

    /// Whether a value that begins at an offset is looked at.
    mutating func admits(_ start: Int) -> Bool {
        if start >= end { count = 0 }
        count += 1
        return count <= AssignedLooks.most
    }

    /// Notes that a look has read from one offset up to another.
    mutating func reached(_ end: Int, from start: Int) {
        self.end = max(self.end, end)
        read += end - start
    }
}
