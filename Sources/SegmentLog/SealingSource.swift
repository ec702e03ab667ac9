// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform

/// All lines of a segment that is to be written anew, in memory, and what the segment says beside them; owned by one thread.
struct SealingSource: ~Copyable {
    private(set) var bytes = ByteStore(capacity: 64)
    /// The lines without their newlines.
    private(set) var lines: [Range<Int>] = []
    private(set) var gaps: [SegmentGap] = []
    private(set) var recordNumbers: [Range<UInt64>] = []
    private(set) var damage: [SegmentDamage] = []

    /// Reads a segment whole.
    ///
    /// - Throws: `SegmentError` of code `readFailed`, `keyMissing`, or `sealFailed` where it is too large to be held.
    init(_ file: SegmentFile, in directory: SegmentDirectory, limits: SegmentLimits) throws(SegmentError) {
        let reader = try directory.reader(of: file)
        let total = try reader.rawBytesByHeaders()
        try SealingSource.bound(total, file, limits)
        bytes.reserve(Int(total))
        unsafe MemoryAdvice.fillsWhole(bytes.base, count: bytes.capacity)
        var offset: Int64 = 0
        while true {
            try SealingSource.bound(Int64(bytes.count), file, limits)
            switch try reader.next(after: offset, onto: &bytes) {
            case .batch(let batch):
                take(batch)
                offset = batch.next
            case .gap(let gap):
                gaps.append(gap.gap)
                offset = gap.next
            case .locked(_, _, let id):
                throw SegmentError(
                    .keyMissing,
                    "The segment is encrypted with the key \(SegmentKey.name(of: id)), which is not in the key file.",
                    segment: file.name, offset: offset)
            case .damage(let range, let reason, let next):
                damage.append(SegmentDamage(range: range, reason: reason))
                offset = next
            case .incomplete(let start):
                let end = try reader.fileSize()
                if end > start { damage.append(SegmentDamage(range: start..<end, reason: .missingBytes)) }
                return
            case .end:
                return
            }
        }
    }

    private static func bound(_ total: Int64, _ file: SegmentFile, _ limits: SegmentLimits) throws(SegmentError) {
        guard total > limits.sealedSourceBytes else { return }
        throw SegmentError(
            .sealFailed, "The segment holds \(total) bytes of records or more, too many to be sealed; it stays as it is.",
            segment: file.name)
    }

    private mutating func take(_ batch: SegmentBatch) {
        lines.append(contentsOf: batch.lineRanges)
        let first = batch.header.firstRecord
        let (end, overflow) = first.addingReportingOverflow(UInt64(batch.header.recordCount))
        guard !overflow else { return }
        if let last = recordNumbers.last, last.upperBound == first {
            recordNumbers[recordNumbers.count - 1] = last.lowerBound..<end
        } else {
            recordNumbers.append(first..<end)
        }
    }

    /// A line, without its newline.
    func line(_ index: Int) -> ByteRun { bytes.run.slice(lines[index].lowerBound, lines[index].upperBound) }

    /// A line with its newline.
    func whole(_ index: Int) -> ByteRun { bytes.run.slice(lines[index].lowerBound, lines[index].upperBound + 1) }
}
