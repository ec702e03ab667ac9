// SPDX-License-Identifier: Apache-2.0

/// How often each bucket of `HistogramScale` was met: a mergeable state from which percentiles follow.
///
/// A value without a world of its own. Merging is adding, so that the histograms of many hours and nodes add up exactly.
/// It takes 26 KiB once something is counted.
package struct Histogram: Equatable, Sendable {
    /// By bucket index; empty where nothing was counted.
    private var buckets: [UInt64] = []
    /// How many values were counted.
    package private(set) var count: UInt64 = 0

    /// Nothing counted.
    package init() {}

    /// Counts a value.
    ///
    /// - Parameters:
    ///   - value: clamped to the scale.
    ///   - times: how often it was met.
    /// - Throws: `HistogramError` of code `overflow` where the sum of all counts does not fit; nothing is changed then.
    package mutating func record(_ value: Int64, times: UInt64 = 1) throws(HistogramError) {
        try add(times, at: HistogramScale.index(of: value))
    }

    /// Adds another histogram.
    ///
    /// - Throws: `HistogramError` of code `overflow`; nothing is changed then.
    /// - Complexity: O(buckets).
    package mutating func merge(_ other: Histogram) throws(HistogramError) {
        // The sum of all counts bounds the sum of each bucket.
        let (sum, isOver) = count.addingReportingOverflow(other.count)
        guard !isOver else { throw HistogramError.overflow }
        count = sum
        if buckets.isEmpty { makeRoom() }
        for (index, times) in other.buckets.enumerated() { buckets[index] += times }
    }

    /// The buckets that were met, in order.
    package var filled: [(index: Int, count: UInt64)] {
        buckets.enumerated().filter { $0.element > 0 }.map { (index: $0.offset, count: $0.element) }
    }

    /// The value at a percentile by nearest rank, `(p x N + 999) / 1000`, the first being 1.
    ///
    /// - Parameter permille: 0 to 1000, clamped; 500 is the median.
    /// - Returns: the middle of the bucket that holds the rank, at most 0.4 % from the exact value; nil where nothing was counted.
    package func percentile(permille: Int) -> Int64? {
        guard count > 0 else { return nil }
        let p = UInt64(min(max(permille, 0), 1_000))
        // The same as (p x N + 999) / 1000, without the product of large numbers.
        let rank = max(1, count / 1_000 * p + (count % 1_000 * p + 999) / 1_000)
        var seen: UInt64 = 0
        for (index, times) in buckets.enumerated() {
            seen += times
            if seen >= rank { return HistogramScale.middle(of: index) }
        }
        return nil
    }

    /// Adds to one bucket.
    mutating func add(_ times: UInt64, at index: Int) throws(HistogramError) {
        guard times > 0 else { return }
        let (sum, isOver) = count.addingReportingOverflow(times)
        guard !isOver else { throw HistogramError.overflow }
        count = sum
        if buckets.isEmpty { makeRoom() }
        buckets[index] += times
    }

    private mutating func makeRoom() { buckets = [UInt64](repeating: 0, count: HistogramScale.bucketCount) }

    /// Lets somebody add to many buckets at once.
    ///
    /// - Parameter body: takes the buckets and their sum; where it throws, both are as it left them.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    mutating func withBuckets<T>(
        _ body: (UnsafeMutableBufferPointer<UInt64>, inout UInt64) throws(HistogramError) -> T
    ) throws(HistogramError) -> T {
        if buckets.isEmpty { makeRoom() }
        defer { if count == 0 { buckets = [] } }
        var sum = count
        defer { count = sum }
        return try buckets.withUnsafeMutableBufferPointer { (buckets) throws(HistogramError) in try body(buckets, &sum) }
    }
}
