// SPDX-License-Identifier: Apache-2.0
extension SegmentReader {
    /// What lies at an offset, told by header and checksum alone: nothing is decompressed, so a batch has no lines.
    ///
    /// - Parameter offset: 0 for the beginning, then the `next` of the step before.
    /// - Returns: the step.
    /// - Throws: `SegmentError` of code `readFailed` where the device refuses; never for what the bytes are.
    package func skim(after offset: Int64) throws(SegmentError) -> SegmentStep { try step(at: offset) { $0.batch([], []) } }

    /// Bytes of lines by the headers up to the first place where none is; nothing else is read.
    ///
    /// - Returns: a sum to make room by, not to believe: the frames are not looked at.
    /// - Throws: `SegmentError` of code `readFailed`.
    func rawBytesByHeaders() throws(SegmentError) -> Int64 {
        let size = try fileSize()
        var total: Int64 = 0
        var offset: Int64 = 0
        while offset < size,
            case .header(let header) = SegmentBatchHeader.read(try read(at: offset, count: SegmentFormat.headerBytes), at: 0)
        {
            if header.kind != .gap { total += Int64(header.rawLength) }
            offset += header.batchLength
        }
        return total
    }
}

extension SegmentVerify {
    /// What a segment holds by its headers and checksums; frames are not decompressed.
    ///
    /// - Parameters:
    ///   - file: the segment.
    ///   - directory: where it lies.
    ///   - limits: how much damage is listed.
    /// - Returns: what it holds; an unreadable one has its `error` set.
    package static func skim(_ file: SegmentFile, in directory: SegmentDirectory, limits: SegmentLimits = .standard)
        -> SegmentVerification
    {
        walk(file, in: directory, limits: limits, decoding: false)
    }
}
