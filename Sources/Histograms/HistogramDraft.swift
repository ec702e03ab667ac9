// SPDX-License-Identifier: Apache-2.0

/// Counts values of which there may be few: its bytes are those of a `Histogram` of the same values.
///
/// While they are few it holds two bytes for each, not a bucket for each value between 0 and the largest. A value without a world of its own.
package struct HistogramDraft: Sendable {
    private var few: [UInt16] = []
    private var many = Histogram()
    private static let fewMost = 512

    /// Nothing counted.
    package init() {}

    /// Counts a value.
    ///
    /// - Parameter value: clamped to the scale.
    /// - Throws: `HistogramError` of code `overflow` where the sum of all counts does not fit.
    package mutating func record(_ value: Int64) throws(HistogramError) {
        let index = HistogramScale.index(of: value)
        guard many.count > 0 || few.count >= HistogramDraft.fewMost else { return few.append(UInt16(truncatingIfNeeded: index)) }
        for index in few { try many.add(1, at: Int(index)) }
        few = []
        try many.add(1, at: index)
    }

    /// The bytes for a column of rollups; nil where nothing was counted.
    package var blob: [UInt8]? {
        guard many.count == 0 else { return many.blob }
        guard !few.isEmpty else { return nil }
        var filled: [(index: Int, count: UInt64)] = []
        for index in few.sorted() {
            if let last = filled.last, last.index == Int(index) {
                filled[filled.count - 1].count += 1
            } else {
                filled.append((Int(index), 1))
            }
        }
        return Histogram.blob(of: filled)
    }
}
