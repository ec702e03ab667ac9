// SPDX-License-Identifier: Apache-2.0
package import Platform

/// A range of a segment that gives no records.
package struct SegmentDamage: Sendable, Equatable {
    /// The bytes.
    package let range: Range<Int64>
    /// Why.
    package let reason: DamageReason
}

/// What a whole segment was found to hold.
package struct SegmentVerification: Sendable {
    /// The file name.
    package let name: String
    /// Bytes of the file.
    package internal(set) var fileBytes: Int64 = 0
    /// Sound batches.
    package internal(set) var batches: UInt64 = 0
    /// Records in them.
    package internal(set) var records: UInt64 = 0
    /// Bytes of their lines.
    package internal(set) var rawBytes: UInt64 = 0
    /// Bytes of the batches in the file, headers included.
    package internal(set) var compressedBytes: UInt64 = 0
    /// Earliest `started_at_us` of a sound batch.
    package internal(set) var minStartedAtUs: Int64?
    /// Latest `started_at_us` of a sound batch.
    package internal(set) var maxStartedAtUs: Int64?
    /// Damaged ranges, the first `SegmentLimits.damageListed`.
    package internal(set) var damage: [SegmentDamage] = []
    /// Damaged ranges in all.
    package internal(set) var damageCount = 0
    /// Bytes in damaged ranges.
    package internal(set) var damagedBytes: Int64 = 0
    /// Gaps.
    package internal(set) var gaps: UInt64 = 0
    /// Exchanges that have no record, by those gaps.
    package internal(set) var missingRecords: UInt64 = 0
    /// Batches encrypted with keys that are not at hand; they are not decoded.
    package internal(set) var lockedBatches: UInt64 = 0
    /// The ids of those keys.
    package internal(set) var missingKeys: Set<String> = []
    /// The id of the key of the last encrypted batch that was decoded; nil where none was.
    package internal(set) var encryptedWith: String?
    /// Whether a sync of it failed: what was written then lies in a later segment too.
    package internal(set) var isSuspect = false
    /// Where an incomplete tail begins; normal for the segment being written.
    package internal(set) var incompleteAt: Int64?
    /// Why reading had to stop, where it had to.
    package internal(set) var error: SegmentError?

    /// Whether every byte belongs to a sound batch.
    package var isClean: Bool { damageCount == 0 && incompleteAt == nil && error == nil }
}

/// Reads segments through and says what they hold.
package enum SegmentVerify {
    /// Verifies all segments of a directory, one after the other, decompressing every frame.
    ///
    /// - Parameters:
    ///   - directory: where they lie.
    ///   - files: the file system.
    ///   - limits: how much damage is listed.
    ///   - keys: to decode encrypted frames.
    ///   - progress: called after each segment.
    /// - Returns: one entry per segment in write order.
    /// - Throws: `SegmentError` of code `directoryUnusable`; what is wrong with a segment stands in its entry.
    package static func verify(
        directory: String, files: any FileSystem, limits: SegmentLimits = .standard, keys: SegmentKeys = .none,
        progress: (SegmentVerification) -> Void = { _ in }
    ) throws(SegmentError) -> [SegmentVerification] {
        var all: [SegmentVerification] = []
        let directory = SegmentDirectory(files: files, path: directory, keys: keys)
        for file in try directory.list() {
            let found = verify(file, in: directory, limits: limits)
            progress(found)
            all.append(found)
        }
        return all
    }

    /// Verifies one segment; a sealed one against its manifest too.
    ///
    /// - Parameters:
    ///   - file: the segment.
    ///   - directory: where it lies, with the keys to decode its frames.
    ///   - limits: how much damage is listed.
    /// - Returns: what it holds; an unreadable one has its `error` set.
    package static func verify(_ file: SegmentFile, in directory: SegmentDirectory, limits: SegmentLimits = .standard)
        -> SegmentVerification
    {
        var found = walk(file, in: directory, limits: limits, decoding: true)
        guard file.isSealed, found.error == nil else { return found }
        do throws(SegmentError) {
            let manifest = try directory.manifest(of: file)
            for part in [manifest.records, manifest.facts].compactMap({ $0 }) {
                guard let name = SegmentName(fileName: part.file) else { continue }
                if name.part == .records { found.check(against: part, limits: limits) }
                let path = PathText.join(directory.path, part.file)
                // Damage that was found by its place needs no second name.
                if found.damageCount > 0, name.part == .records { continue }
                if try FileDigest.sha256(path, files: directory.files) != part.sha256 {
                    found.note(0..<part.bytes, .notAsManifest, limits: limits)
                }
            }
        } catch {
            found.error = error
        }
        return found
    }

    /// Whether the facts of a sealed segment are those that its manifest names.
    ///
    /// - Parameters:
    ///   - file: the segment.
    ///   - directory: where it lies.
    /// - Returns: false where they are missing, damaged or in no manifest.
    package static func hasSoundFacts(_ file: SegmentFile, in directory: SegmentDirectory) -> Bool {
        guard let facts = (try? directory.manifest(of: file))?.facts else { return false }
        let path = PathText.join(directory.path, facts.file)
        return (try? FileDigest.sha256(path, files: directory.files)) == facts.sha256
    }

    /// Verifies one segment without keys; see the form with a directory.
    package static func verify(_ file: SegmentFile, files: any FileSystem, limits: SegmentLimits = .standard)
        -> SegmentVerification
    {
        verify(file, in: SegmentDirectory(files: files, path: PathText.parent(of: file.path)), limits: limits)
    }

    static func walk(
        _ file: SegmentFile, in directory: SegmentDirectory, limits: SegmentLimits, decoding: Bool
    ) -> SegmentVerification {
        var found = SegmentVerification(name: file.name)
        let mark = PathText.join(directory.path, SegmentName(file.stem, .suspect).description)
        found.isSuspect = (try? directory.files.status(of: mark)) != nil
        do {
            let reader = try directory.reader(of: file)
            found.fileBytes = try reader.fileSize()
            var table = SeekTable()
            var end: Int64 = 0
            var offset: Int64? = 0
            while let position = offset {
                end = position
                let step = try decoding ? reader.next(after: position) : reader.skim(after: position)
                table.note(step)
                offset = found.note(step, limits: limits)
            }
            if file.isSealed { try found.checkTail(from: end, table, reader, limits: limits) }
        } catch {
            found.error = error
        }
        return found
    }
}

extension SegmentVerification {
    /// Counts a step.
    ///
    /// - Returns: where to go on; nil at the end.
    mutating func note(_ step: SegmentStep, limits: SegmentLimits) -> Int64? {
        switch step {
        case .batch(let batch):
            batches += 1
            if batch.header.kind == .encrypted { encryptedWith = SegmentKey.name(of: batch.header.keyID) }
            records += UInt64(batch.header.recordCount)
            rawBytes += UInt64(batch.header.rawLength)
            compressedBytes += UInt64(batch.next - batch.offset)
            minStartedAtUs = min(minStartedAtUs ?? Int64.max, batch.header.minStartedAtUs)
            maxStartedAtUs = max(maxStartedAtUs ?? Int64.min, batch.header.maxStartedAtUs)
            return batch.next
        case .gap(let batch):
            gaps += 1
            missingRecords += batch.gap.count
            return batch.next
        case .locked(_, let next, let keyID):
            lockedBatches += 1
            missingKeys.insert(SegmentKey.name(of: keyID))
            return next
        case .damage(let range, let reason, let next):
            note(range, reason, limits: limits)
            return next
        case .incomplete(let offset):
            incompleteAt = offset
            return nil
        case .end:
            return nil
        }
    }

    /// Looks at the end of a sealed segment: its seek table and nothing else, the table of just these batches.
    mutating func checkTail(from end: Int64, _ table: SeekTable, _ reader: SegmentReader, limits: SegmentLimits)
        throws(SegmentError)
    {
        if let start = incompleteAt {
            incompleteAt = nil
            return note(start..<max(start, fileBytes), .missingBytes, limits: limits)
        }
        guard damageCount == 0 else { return }
        let tail = try reader.read(at: end, count: Int(clamping: min(fileBytes - end, Int64(1 << 24))))
        if tail != table.encoded() { note(end..<max(end, fileBytes), .badSeekTable, limits: limits) }
    }

    /// Looks whether all that a manifest counts is there.
    mutating func check(against part: SegmentManifest.Part, limits: SegmentLimits) {
        guard damageCount == 0, lockedBatches == 0 else { return }
        if records != part.lines || rawBytes != part.rawBytes || fileBytes != part.bytes || batches != part.batches {
            note(0..<fileBytes, .notAsManifest, limits: limits)
        }
    }

    /// Counts a damaged range.
    mutating func note(_ range: Range<Int64>, _ reason: DamageReason, limits: SegmentLimits) {
        damageCount += 1
        damagedBytes += range.upperBound - range.lowerBound
        if damage.count < limits.damageListed { damage.append(SegmentDamage(range: range, reason: reason)) }
    }
}
