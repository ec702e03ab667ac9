// SPDX-License-Identifier: Apache-2.0
import ByteCoding

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
        let total = try SealingSource.rawBytes(reader)
        guard total <= limits.sealedSourceBytes else {
            throw SegmentError(
                .sealFailed, "The segment holds \(total) bytes of records, too many to be sealed; it stays as it is.",
                segment: file.name)
        }
        bytes.reserve(Int(total))
        var offset: Int64 = 0
        while true {
            switch try reader.next(after: offset) {
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

    private static func rawBytes(_ reader: SegmentReader) throws(SegmentError) -> Int64 {
        var total: Int64 = 0
        var offset: Int64 = 0
        while true {
            switch try reader.step(at: offset, decoding: false) {
            case .batch(let batch):
                total += Int64(batch.header.rawLength)
                offset = batch.next
            case .gap(let gap): offset = gap.next
            case .damage(_, _, let next), .locked(_, let next, _): offset = next
            case .incomplete, .end: return total
            }
        }
    }

    private mutating func take(_ batch: SegmentBatch) {
        let start = bytes.count
        unsafe batch.raw.withUnsafeBytes { unsafe bytes.append(ByteRun($0)) }
        lines.append(contentsOf: batch.lineRanges.map { $0.lowerBound + start..<$0.upperBound + start })
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
