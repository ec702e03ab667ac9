// SPDX-License-Identifier: Apache-2.0
extension SegmentReader {
    /// What lies at an offset, told by header and checksum alone: nothing is decompressed, so a batch has no lines.
    ///
    /// - Parameter offset: 0 for the beginning, then the `next` of the step before.
    /// - Returns: the step.
    /// - Throws: `SegmentError` of code `readFailed` where the device refuses; never for what the bytes are.
    package func skim(after offset: Int64) throws(SegmentError) -> SegmentStep { try step(at: offset, decoding: false) }
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
