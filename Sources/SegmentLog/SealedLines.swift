// SPDX-License-Identifier: Apache-2.0

/// The lines of a sealed file, a batch at a time, for whom any damage is an error; owned by one thread.
package struct SealedLines {
    private let reader: SegmentReader
    private var offset: Int64 = 0

    /// Begins at the first line.
    ///
    /// - Parameters:
    ///   - file: records or facts.
    ///   - directory: where they lie.
    /// - Throws: `SegmentError` of code `readFailed`.
    package init(_ file: SegmentFile, in directory: SegmentDirectory) throws(SegmentError) {
        reader = try directory.reader(of: file)
    }

    /// The lines of the next batch without their newlines, or nil at the end.
    ///
    /// - Throws: `SegmentError` of code `readFailed`, `keyMissing`, or `sealFailed` where the file is damaged.
    package mutating func next() throws(SegmentError) -> [[UInt8]]? {
        while true {
            switch try reader.next(after: offset) {
            case .batch(let batch):
                offset = batch.next
                return batch.lineRanges.map { Array(batch.raw[$0]) }
            case .gap(let gap): offset = gap.next
            case .end: return nil
            case .locked(_, _, let id):
                throw SegmentError(
                    .keyMissing, "The file is encrypted with the key \(SegmentKey.name(of: id)), which is not in the key file.",
                    segment: reader.file.name, offset: offset)
            case .damage, .incomplete:
                throw SegmentError(
                    .sealFailed, "The sealed file is damaged; see `weir segment verify`.", segment: reader.file.name,
                    offset: offset)
            }
        }
    }
}
