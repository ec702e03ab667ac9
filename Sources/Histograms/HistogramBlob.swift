// SPDX-License-Identifier: Apache-2.0

/// The encoding of a histogram: one version byte, the number of filled buckets, then each of them.
///
/// A bucket is the gap to it, doubled, plus 1 where it was met more than once; then its count less 2 follows. The first gap is the first
/// index; each further gap is the distance to the bucket before, less one. All numbers after the first byte are little-endian base-128
/// varints in their shortest form, so that equal histograms have equal bytes. An hour of few exchanges takes a byte or two for each.
extension Histogram {
    /// The version that is written; the first byte.
    ///
    /// Version 1 gave every bucket its count.
    package static let blobVersion: UInt8 = 2

    /// The bytes for a column of rollups.
    package var blob: [UInt8] { Histogram.blob(of: filled) }

    /// The bytes for a column of rollups; nil where nothing was counted.
    package var storedBlob: [UInt8]? { count == 0 ? nil : blob }

    /// The bytes of buckets in order, none of them with a count of 0.
    static func blob(of filled: [(index: Int, count: UInt64)]) -> [UInt8] {
        var out: [UInt8] = [blobVersion]
        out.reserveCapacity(4 + filled.count * 3)
        Varint.append(UInt64(filled.count), to: &out)
        var next = 0
        for (index, count) in filled {
            Varint.append(UInt64(index - next) << 1 | (count > 1 ? 1 : 0), to: &out)
            if count > 1 { Varint.append(count - 2, to: &out) }
            next = index + 1
        }
        return out
    }

    /// Reads what `blob` wrote.
    ///
    /// - Parameter blob: from outside, so nothing in it is believed.
    /// - Throws: `HistogramError`, its code naming what is wrong.
    package init(blob: [UInt8]) throws(HistogramError) {
        self.init()
        try unsafe blob.withUnsafeBufferPointer { (bytes) throws(HistogramError) in
            try unsafe add(blob: UnsafeRawBufferPointer(bytes))
        }
    }

    /// Adds what `blob` wrote, without a histogram of its own in between.
    ///
    /// - Parameter blob: from outside, so nothing in it is believed.
    /// - Throws: `HistogramError`, its code naming what is wrong; a part may have been added then.
    package mutating func add(blob: UnsafeRawBufferPointer) throws(HistogramError) {
        var reader = unsafe Varint.Reader(blob)
        guard let version = reader.byte() else { throw HistogramError(.truncated, "the blob is empty") }
        guard version == Histogram.blobVersion else {
            throw HistogramError(.unknownVersion, "version \(version) is not known; another program wrote it")
        }
        let filled = try reader.varint()
        guard filled <= UInt64(HistogramScale.bucketCount) else {
            throw HistogramError(.badIndex, "\(filled) buckets are more than the scale has")
        }
        guard filled > 0 else {
            guard reader.isAtEnd else { throw HistogramError(.trailingBytes, "bytes follow the last bucket") }
            return
        }
        let rest = reader
        let isAtEnd = try withBuckets { (buckets, sum) throws(HistogramError) in
            try unsafe Histogram.add(filled, rest, to: buckets, &sum)
        }
        guard isAtEnd else { throw HistogramError(.trailingBytes, "bytes follow the last bucket") }
    }

    /// Adds so many buckets of a blob, and tells whether it ends behind them.
    ///
    /// Whoever asks for months reads millions of buckets: the reader and the sum are variables of its own, which stay in registers.
    private static func add(
        _ filled: UInt64, _ blob: Varint.Reader, to buckets: UnsafeMutableBufferPointer<UInt64>, _ sum: inout UInt64
    ) throws(HistogramError) -> Bool {
        var (reader, total, next) = (blob, sum, UInt64(0))
        defer { sum = total }
        for _ in 0..<filled {
            let word = try reader.varint()
            guard word >> 1 < UInt64(HistogramScale.bucketCount) - next else {
                throw HistogramError(.badIndex, "a bucket lies beyond the scale")
            }
            var count: UInt64 = 1
            if word & 1 != 0 {
                let (more, isOver) = try reader.varint().addingReportingOverflow(2)
                guard !isOver else { throw HistogramError.overflow }
                count = more
            }
            let (larger, isOver) = total.addingReportingOverflow(count)
            guard !isOver else { throw HistogramError.overflow }
            total = larger
            next &+= word >> 1 &+ 1
            unsafe buckets[Int(truncatingIfNeeded: next) - 1] &+= count
        }
        return reader.isAtEnd
    }
}

/// Unsigned integers in groups of seven bits, the lowest first.
enum Varint {
    static func append(_ value: UInt64, to out: inout [UInt8]) {
        var left = value
        while left >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        out.append(UInt8(truncatingIfNeeded: left))
    }

    @safe struct Reader {
        private let bytes: UnsafeRawBufferPointer
        private var at = 0

        init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

        var isAtEnd: Bool { at == bytes.count }

        mutating func byte() -> UInt8? {
            guard at < bytes.count else { return nil }
            defer { at += 1 }
            return unsafe bytes[at]
        }

        @inline(__always)
        mutating func varint() throws(HistogramError) -> UInt64 {
            // Most numbers are one byte.
            if at < bytes.count, unsafe bytes[at] < 0x80 {
                defer { at += 1 }
                return UInt64(unsafe bytes[at])
            }
            let (value, end) = try longVarint()
            at = end
            return value
        }

        /// A number and where the next one begins; it changes nothing, so that whoever calls it may keep the place in a register.
        @inline(never)
        private func longVarint() throws(HistogramError) -> (value: UInt64, end: Int) {
            var reader = self
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), through: 63, by: 7) {
                guard let next = reader.byte() else { throw HistogramError(.truncated, "the blob ends within a number") }
                let bits = UInt64(next & 0x7F)
                guard shift < 63 || bits <= 1 else { throw HistogramError(.badVarint, "a number does not fit 64 bits") }
                value |= bits << shift
                guard next & 0x80 == 0 else { continue }
                guard next != 0 || shift == 0 else { throw HistogramError(.badVarint, "a number is not in its shortest form") }
                return (value, reader.at)
            }
            throw HistogramError(.badVarint, "a number is longer than ten bytes")
        }
    }
}
