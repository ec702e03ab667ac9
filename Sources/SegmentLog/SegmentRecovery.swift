// SPDX-License-Identifier: Apache-2.0
package import Platform

/// What recovery did to one segment.
package struct SegmentRecovered: Sendable {
    /// What the segment was found to hold before anything was cut; frames are checked by checksum, not decompressed.
    package let found: SegmentVerification
    /// Bytes of an incomplete tail that were cut off.
    package internal(set) var truncatedBytes: Int64 = 0
    /// Copies of damaged ranges, as paths.
    package internal(set) var setAside: [String] = []
    /// What could not be done, in words.
    package internal(set) var problems: [String] = []
}

/// What recovery did to a directory.
package struct RecoveryReport: Sendable {
    /// The segments read through, in write order.
    package internal(set) var segments: [SegmentRecovered] = []
    /// Older segments that were not read.
    package internal(set) var skippedSegments = 0

    /// Bytes of incomplete tails cut off.
    package var truncatedBytes: Int64 { segments.reduce(0) { $0 + $1.truncatedBytes } }
    /// Damaged ranges found.
    package var damageCount: Int { segments.reduce(0) { $0 + $1.found.damageCount } }
    /// Records in sound batches of the segments read.
    package var records: UInt64 { segments.reduce(0) { $0 + $1.found.records } }
    /// Everything that could not be done, in words.
    package var problems: [String] { segments.flatMap(\.problems) }
}

/// Puts the latest segments in order before a writer starts; idempotent.
package enum SegmentRecovery {
    /// Cuts incomplete tails off the latest segments and copies damaged ranges aside.
    ///
    /// Hold the directory's lock, or name the segments of other writers: a tail that one of them is writing would be cut.
    /// - Parameters:
    ///   - directory: created where it is not there.
    ///   - files: the file system.
    ///   - limits: how many segments are read and how much is copied aside.
    ///   - isLive: whether a living process writes a segment; such a one is left alone.
    /// - Returns: what was found and done; trouble with single segments stands there.
    /// - Throws: `SegmentError` of code `directoryUnusable`, for nothing else.
    package static func recover(
        directory: String, files: any FileSystem, limits: SegmentLimits = .standard,
        isLive: (SegmentFile) -> Bool = { _ in false }
    ) throws(SegmentError) -> RecoveryReport {
        do {
            try files.createDirectories(directory)
        } catch {
            throw SegmentError(.directoryUnusable, "The segment directory cannot be made.", segment: directory, cause: error)
        }
        let place = SegmentDirectory(files: files, path: directory)
        let all = try place.list().filter { !$0.isSealed }
        let latest = all.suffix(max(0, limits.recoveredSegments))
        var report = RecoveryReport()
        report.skippedSegments = all.count - latest.count
        for file in latest where !isLive(file) {
            var recovered = SegmentRecovered(found: SegmentVerify.walk(file, in: place, limits: limits, decoding: false))
            if let error = recovered.found.error { recovered.problems.append(error.description) }
            let copies = DamagedCopies(directory: directory, files: files, limits: limits)
            recovered.problems += copies.make(of: file, recovered.found.damage[...], noting: &recovered.setAside)
            cutTail(file, files, &recovered)
            report.segments.append(recovered)
        }
        return report
    }

    private static func cutTail(_ file: SegmentFile, _ files: any FileSystem, _ recovered: inout SegmentRecovered) {
        guard let end = recovered.found.incompleteAt else { return }
        do {
            let opened = try files.open(file.path, .readWrite)
            defer { opened.close() }
            try opened.truncate(to: end)
            try opened.sync()
            recovered.truncatedBytes = recovered.found.fileBytes - end
        } catch {
            recovered.problems.append("The incomplete tail of \(file.name) at \(end) cannot be cut off: \(error.message)")
        }
    }
}
