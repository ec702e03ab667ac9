// SPDX-License-Identifier: Apache-2.0

/// Finds records by when their exchanges began.
package enum SegmentSearch {
    /// Gives out the lines of the batches in which exchanges of some times may be; others of those batches as well.
    ///
    /// - Parameters:
    ///   - startedAtUs: the times, in any order.
    ///   - epoch: older writers are passed over.
    ///   - directory: where the segments lie, with the keys to read them.
    ///   - limit: segments read, the latest ones.
    ///   - body: takes a line without its newline.
    /// - Throws: `SegmentError` where the directory cannot be listed or a segment cannot be read, of code `keyMissing` where a batch
    ///   in which one of them may be is encrypted with a key that is not at hand: what was not found may then be there.
    package static func lines(
        startedAtUs: [Int64], since epoch: UInt64, directory: SegmentDirectory, limit: Int = 256,
        _ body: (ArraySlice<UInt8>) -> Void
    ) throws(SegmentError) {
        let times = startedAtUs.sorted()
        guard !times.isEmpty else { return }
        for file in try directory.list().filter({ $0.epoch >= epoch }).suffix(limit) {
            // One that was removed meanwhile holds nothing.
            guard let reader = try directory.readerNow(of: file) else { continue }
            var next: Int64? = 0
            while let offset = next {
                next = try lines(times, reader, at: offset, body)
            }
        }
    }

    /// One step; where to go on, or nil.
    private static func lines(
        _ times: [Int64], _ reader: SegmentReader, at offset: Int64, _ body: (ArraySlice<UInt8>) -> Void
    ) throws(SegmentError) -> Int64? {
        switch try reader.skim(after: offset) {
        case .batch(let batch):
            let range = batch.header.minStartedAtUs...batch.header.maxStartedAtUs
            guard holds(times, range) else { return batch.next }
            switch try reader.next(after: batch.offset) {
            case .batch(let whole):
                for line in whole.lineRanges { body(whole.raw[line]) }
            case .locked(_, _, let id):
                throw SegmentError(
                    .keyMissing, "The batch is encrypted with the key \(SegmentKey.name(of: id)), which is not in the key file.",
                    segment: reader.file.name, offset: batch.offset)
            case .damage, .gap, .incomplete, .end: break
            }
            return batch.next
        case .gap(let gap): return gap.next
        case .damage(_, _, let next), .locked(_, let next, _): return next
        case .incomplete, .end: return nil
        }
    }

    /// Whether one of the sorted times lies within.
    private static func holds(_ times: [Int64], _ range: ClosedRange<Int64>) -> Bool {
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low < times.count && times[low] <= range.upperBound
    }
}
