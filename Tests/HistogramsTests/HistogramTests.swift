// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Histograms

@Suite struct HistogramTests {
    /// A generator whose sequence every run repeats.
    struct Sequence {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
        /// Values over all octaves alike.
        mutating func value() -> Int64 { Int64((next() & 0xFFFF_FFFF) >> (next() % 32)) }
    }

    /// The formula of the format page, read anew: octaves by halving, not by counting bits.
    private func indexByHalving(_ value: Int64) -> Int {
        var octave = 0
        var top = value
        while top >= 256 {
            top /= 2
            octave += 1
        }
        return octave == 0 ? Int(value) : (octave + 1) * 128 + Int(top) - 128
    }

    @Test func indexIsThatOfTheFormula() {
        var sequence = Sequence(state: 1)
        let edges = (0..<33).flatMap { bit in [-1, 0, 1].map { (Int64(1) << Int64(bit)) + $0 } }.filter { $0 <= 0xFFFF_FFFF }
        for value in Array(0..<70_000) + edges + (0..<50_000).map({ _ in sequence.value() }) {
            #expect(HistogramScale.index(of: value) == indexByHalving(value), "\(value)")
        }
        #expect(HistogramScale.index(of: -5) == 0)
        #expect(HistogramScale.index(of: .min) == 0)
        #expect(HistogramScale.index(of: .max) == HistogramScale.bucketCount - 1)
        #expect(HistogramScale.index(of: HistogramScale.largestValue + 1) == HistogramScale.index(of: 0xFFFF_FFFF))
    }

    @Test func bucketsCoverTheScaleWithoutGapsAndWithinTheError() throws {
        var next: Int64 = 0
        for index in 0..<HistogramScale.bucketCount {
            let bounds = try #require(HistogramScale.bounds(of: index))
            #expect(bounds.lowerBound == next)
            #expect(HistogramScale.index(of: bounds.lowerBound) == index && HistogramScale.index(of: bounds.upperBound) == index)
            let middle = HistogramScale.middle(of: index)
            #expect(bounds.contains(middle))
            for value in [bounds.lowerBound, bounds.upperBound] {
                #expect(abs(middle - value) * 1_000 <= value * 4, "\(value) is shown as \(middle)")
            }
            next = bounds.upperBound + 1
        }
        #expect(next == HistogramScale.largestValue + 1)
        #expect(HistogramScale.bounds(of: -1) == nil && HistogramScale.bounds(of: HistogramScale.bucketCount) == nil)
        #expect(HistogramScale.middle(of: .min) == 0)
        #expect(HistogramScale.bounds(of: HistogramScale.bucketCount - 1)?.contains(HistogramScale.middle(of: .max)) == true)
    }

    @Test(arguments: [1, 2, 3, 7, 10, 99, 100, 101, 1_000, 5_003])
    func percentileIsTheBucketOfTheExactRank(count: Int) throws {
        var sequence = Sequence(state: UInt64(count))
        let values = (0..<count).map { _ in sequence.value() }
        var histogram = Histogram()
        for value in values { try histogram.record(value) }
        let sorted = values.sorted()
        for permille in 0...1_000 {
            let rank = max(1, (permille * count + 999) / 1_000)
            let exact = sorted[rank - 1]
            let shown = try #require(histogram.percentile(permille: permille))
            #expect(HistogramScale.index(of: shown) == HistogramScale.index(of: exact), "p\(permille) of \(count)")
            #expect(abs(shown - exact) * 1_000 <= exact * 4)
        }
        #expect(histogram.percentile(permille: -1) == histogram.percentile(permille: 0))
        #expect(histogram.percentile(permille: 2_000) == histogram.percentile(permille: 1_000))
        #expect(Histogram().percentile(permille: 500) == nil)
    }

    @Test func mergingIsCountingTogether() throws {
        var sequence = Sequence(state: 77)
        var parts = [Histogram](repeating: Histogram(), count: 5)
        var whole = Histogram()
        for turn in 0..<20_000 {
            let value = sequence.value()
            try parts[turn % 5].record(value)
            try whole.record(value)
        }
        for order in [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1]] {
            var merged = Histogram()
            for part in order { try merged.merge(parts[part]) }
            #expect(merged == whole)
            #expect(merged.blob == whole.blob)
            #expect(merged.count == 20_000)
        }
    }

    @Test func percentilesOfHugeCountsDoNotOverflow() throws {
        var histogram = Histogram()
        try histogram.record(10, times: UInt64.max / 2)
        try histogram.record(20, times: UInt64.max / 2)
        #expect(histogram.percentile(permille: 500) == 10)
        #expect(histogram.percentile(permille: 501) == 20)
        let before = histogram
        #expect(throws: HistogramError.self) { try histogram.record(1, times: 10) }
        #expect(throws: HistogramError.self) { try histogram.merge(before) }
        #expect(histogram == before)
    }

    @Test func blobsRoundTrip() throws {
        var sequence = Sequence(state: 3)
        for size in [0, 1, 2, 50, 4_000] {
            var histogram = Histogram()
            for _ in 0..<size { try histogram.record(sequence.value(), times: 1 + sequence.next() % 1_000_000) }
            #expect(try Histogram(blob: histogram.blob) == histogram)
        }
        var edges = Histogram()
        try edges.record(0)
        try edges.record(.max, times: UInt64.max - 1)
        #expect(try Histogram(blob: edges.blob) == edges)
    }

    @Test func draftsHaveTheBytesOfHistograms() throws {
        var sequence = Sequence(state: 5)
        for size in [0, 1, 2, 50, 511, 512, 513, 4_000] {
            var (histogram, draft) = (Histogram(), HistogramDraft())
            for _ in 0..<size {
                let value = sequence.next() % 3 == 0 ? Int64(sequence.next() % 100) : sequence.value()
                try histogram.record(value)
                try draft.record(value)
            }
            #expect(draft.blob == histogram.storedBlob)
        }
    }

    @Test func blobsStayAsTheyWereWritten() throws {
        var histogram = Histogram()
        for (value, times) in [(0, 1), (1, 2), (255, 300), (256, 1), (1_000_000, 5)] {
            try histogram.record(Int64(value), times: UInt64(times))
        }
        #expect(histogram.filled.map(\.index) == [0, 1, 255, 256, 1_780])
        #expect(histogram.blob == [2, 5, 0, 1, 0, 0xFB, 3, 0xAA, 2, 0, 0xE7, 0x17, 3])
    }

    @Test(
        arguments: [
            ([], .truncated), ([1, 0], .unknownVersion), ([3, 0], .unknownVersion), ([2], .truncated), ([2, 1], .truncated),
            ([2, 1, 5], .truncated), ([2, 1, 5, 0x80], .truncated), ([2, 0, 0], .trailingBytes), ([2, 1, 4, 9], .trailingBytes),
            ([2, 0x80, 0x1A], .truncated), ([2, 0x81, 0x1A], .badIndex), ([2, 1, 0x80, 0x34], .badIndex),
            ([2, 2, 0xFE, 0x33, 0], .badIndex), ([2, 1, 0x85, 0], .badVarint),
            ([2, 1, 5] + [UInt8](repeating: 0xFF, count: 9) + [2], .badVarint),
            ([2, 1, 5] + [UInt8](repeating: 0x80, count: 10) + [1], .badVarint),
            ([2, 1, 5] + [UInt8](repeating: 0xFF, count: 9) + [1], .overflow),
            ([2, 2, 1, 0xFD] + [UInt8](repeating: 0xFF, count: 8) + [1, 0], .overflow),
        ] as [([UInt8], HistogramError.Code)])
    func namesWhatIsWrongWithABlob(blob: [UInt8], code: HistogramError.Code) {
        let error = #expect(throws: HistogramError.self) { try Histogram(blob: blob) }
        #expect(error?.code == code)
        #expect(error?.description.contains(code.rawValue) == true)
    }

    @Test func neverTrapsOnAnyBlob() throws {
        var sequence = Sequence(state: 9)
        var histogram = Histogram()
        for _ in 0..<40 { try histogram.record(sequence.value()) }
        let good = histogram.blob
        for _ in 0..<20_000 {
            var blob = good
            for _ in 0...Int(sequence.next() % 3) {
                blob[Int(sequence.next() % UInt64(blob.count))] = UInt8(truncatingIfNeeded: sequence.next())
            }
            if sequence.next() % 4 == 0 { blob = Array(blob[..<Int(sequence.next() % UInt64(blob.count))]) }
            // What is read at all is in its one form.
            if let read = try? Histogram(blob: blob) { #expect(read.blob == blob) }
        }
    }
}
