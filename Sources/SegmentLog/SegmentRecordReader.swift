// SPDX-License-Identifier: Apache-2.0

/// Fetches single records by the places facts remember; owned by one thread.
///
/// Keeps the last segment open and its last batch decompressed, so that asking in file order decompresses each batch once.
package final class SegmentRecordReader {
    private let directory: SegmentDirectory
    private var reader: SegmentReader?
    private var batch: SegmentBatch?

    /// A reader over a directory.
    package init(directory: SegmentDirectory) {
        self.directory = directory
    }

    /// The record at a place, without its newline.
    ///
    /// - Parameters:
    ///   - segment: the segment's name.
    ///   - frame: the offset of its batch.
    ///   - offset: where its line begins in the batch's lines.
    /// - Returns: the line.
    /// - Throws: `SegmentError` of code `recordNotFound` where there is none, or `readFailed`.
    package func record(segment: String, frame: Int64, offset: Int) throws(SegmentError) -> [UInt8] {
        if reader?.file.name != segment {
            batch = nil
            reader = nil
            guard let file = directory.file(named: segment) else {
                throw SegmentError(.recordNotFound, "The segment is not there any more.", segment: segment, offset: frame)
            }
            reader = try directory.reader(of: file)
        }
        if batch?.offset != frame, let reader {
            batch = nil
            batch = try reader.batch(at: frame)
        }
        guard let batch else { throw SegmentError(.recordNotFound, "No batch was read.", segment: segment, offset: frame) }
        return try SegmentReader.record(in: batch, offset: offset, segment: segment)
    }
}
