// SPDX-License-Identifier: Apache-2.0

/// The buckets of every histogram: integer log-linear, 128 an octave, the same in Swift and in SQL.
///
/// A value below 256 is its own bucket. Above, with `e = bitlen(v) - 8`, the index is `((e + 1) << 7) + ((v >> e) - 128)`.
/// A bucket's middle is at most 0.4 % away from any of its values.
package enum HistogramScale {
    /// The largest value, 2^32 - 1; larger ones are counted as this.
    @inlinable package static var largestValue: Int64 { 0xFFFF_FFFF }
    /// How many buckets there are.
    @inlinable package static var bucketCount: Int { 3_328 }

    /// The bucket of a value.
    ///
    /// - Parameter value: clamped to 0 and `largestValue`.
    /// - Returns: 0 up to `bucketCount`, exclusive.
    @inlinable @inline(__always)
    package static func index(of value: Int64) -> Int {
        let clamped = min(max(value, 0), largestValue)
        guard clamped >= 256 else { return Int(clamped) }
        let e = Int64.bitWidth - clamped.leadingZeroBitCount - 8
        return ((e + 1) << 7) + Int((clamped >> Int64(e)) - 128)
    }

    /// The buckets of many values.
    ///
    /// - Parameters:
    ///   - values: clamped like one.
    ///   - null: what stands for no value.
    ///   - wanted: below 0 where a value does not matter.
    ///   - indices: filled from its begin, with as many as there are values: -1 for what is null or does not matter.
    package static func indices(
        of values: UnsafeBufferPointer<Int64>, null: Int64, where wanted: UnsafeBufferPointer<Int32>,
        into indices: UnsafeMutableBufferPointer<Int32>
    ) {
        for i in 0..<min(values.count, wanted.count, indices.count) {
            guard wanted[i] >= 0, values[i] != null else {
                indices[i] = -1
                continue
            }
            indices[i] = Int32(truncatingIfNeeded: index(of: values[i]))
        }
    }

    /// The values of a bucket, both ends included; nil for an index that is none.
    package static func bounds(of index: Int) -> ClosedRange<Int64>? {
        guard (0..<bucketCount).contains(index) else { return nil }
        guard index >= 256 else { return Int64(index)...Int64(index) }
        let e = Int64(index >> 7) - 1
        let low = (Int64(index & 127) + 128) << e
        return low...(low + (1 << e) - 1)
    }

    /// The value that stands for a bucket: its lower end plus half its width.
    ///
    /// - Parameter index: of a bucket; outside of the scale the nearest one counts.
    /// - Returns: at most 0.4 % away from every value of the bucket.
    package static func middle(of index: Int) -> Int64 {
        let clamped = min(max(index, 0), bucketCount - 1)
        guard let bounds = bounds(of: clamped) else { return 0 }
        return bounds.lowerBound + (bounds.upperBound - bounds.lowerBound + 1) >> 1
    }
}
