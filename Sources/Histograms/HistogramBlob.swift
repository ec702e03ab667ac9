// SPDX-License-Identifier: Apache-2.0

/// The encoding of a histogram: one version byte, the number of filled buckets, then for each the gap to it and its count.
///
/// All numbers after the first byte are little-endian base-128 varints in their shortest form, so that equal histograms have
/// equal bytes. The first gap is the first index; each further gap is the distance to the bucket before, less one.
extension Histogram {
    /// The version that is written; the first byte.
    package static let blobVersion: UInt8 = 1

    /// The bytes for a column of rollups.
    package var blob: [UInt8] {
        let filled = filled
        var out: [UInt8] = [Histogram.blobVersion]
        out.reserveCapacity(4 + filled.count * 3)
        Varint.append(UInt64(filled.count), to: &out)
        var next = 0
        for (index, count) in filled {
            Varint.append(UInt64(index - next), to: &out)
            Varint.append(count, to: &out)
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
        var reader = Varint.Reader(blob)
        try add(&reader)
    }

    /// Adds what `blob` wrote, without a histogram of its own in between.
    ///
    /// - Parameter blob: from outside, so nothing in it is believed.
    /// - Throws: `HistogramError`, its code naming what is wrong; a part may have been added then.
    package mutating func add(blob: UnsafeRawBufferPointer) throws(HistogramError) {
        var reader = unsafe Varint.Reader(blob)
        try add(&reader)
    }

    private mutating func add(_ reader: inout Varint.Reader<some RandomAccessCollection<UInt8>>) throws(HistogramError) {
        guard let version = reader.byte() else { throw HistogramError(.truncated, "the blob is empty") }
        guard version == Histogram.blobVersion else {
            throw HistogramError(.unknownVersion, "version \(version) is not known; a newer program wrote it")
        }
        let filled = try reader.varint()
        guard filled <= UInt64(HistogramScale.bucketCount) else {
            throw HistogramError(.badIndex, "\(filled) buckets are more than the scale has")
        }
        var next = 0
        for _ in 0..<filled {
            let gap = try reader.varint()
            guard gap < UInt64(HistogramScale.bucketCount - next) else {
                throw HistogramError(.badIndex, "a bucket lies beyond the scale")
            }
            let count = try reader.varint()
            guard count > 0 else { throw HistogramError(.emptyBucket, "a bucket is listed with a count of 0") }
            try add(count, at: next + Int(gap))
            next += Int(gap) + 1
        }
        guard reader.isAtEnd else { throw HistogramError(.trailingBytes, "bytes follow the last bucket") }
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

    struct Reader<Bytes: RandomAccessCollection<UInt8>> where Bytes.Index == Int {
        private let bytes: Bytes
        private var at: Int

        init(_ bytes: Bytes) {
            self.bytes = bytes
            at = bytes.startIndex
        }

        var isAtEnd: Bool { at == bytes.endIndex }

        mutating func byte() -> UInt8? {
            guard at < bytes.endIndex else { return nil }
            defer { at += 1 }
            return bytes[at]
        }

        mutating func varint() throws(HistogramError) -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), through: 63, by: 7) {
                guard let next = byte() else { throw HistogramError(.truncated, "the blob ends within a number") }
                let bits = UInt64(next & 0x7F)
                guard shift < 63 || bits <= 1 else { throw HistogramError(.badVarint, "a number does not fit 64 bits") }
                value |= bits << shift
                guard next & 0x80 == 0 else { continue }
                guard next != 0 || shift == 0 else { throw HistogramError(.badVarint, "a number is not in its shortest form") }
                return value
            }
            throw HistogramError(.badVarint, "a number is longer than ten bytes")
        }
    }
}
