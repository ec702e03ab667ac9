// SPDX-License-Identifier: Apache-2.0
import Platform

/// A batch as its bytes, with what must be known to write it again.
struct EncodedBatch {
    let bytes: [UInt8]
    let rawBytes: Int
    let firstRecord: UInt64
    let recordCount: UInt32
}

/// The file side of a writer: the current segment, what could not be written, what is not synced; owned by one thread.
///
/// - A batch is in `unwritten`, or in the current segment and perhaps in `unsynced`, until it is synced.
/// - A segment that was left is never opened again.
/// - After an error the current segment ends with a whole batch, or it was left.
final class SegmentOutput {
    private struct Current {
        let file: any OpenFile
        let name: String
        let path: String
        let openedAtUs: Int64
        let openedHour: Int64
        var goodBytes: Int64 = 0
        var rawBytes: Int64 = 0
    }

    private let directory: String
    private let node: String
    private let epoch: UInt64
    private let lock: SegmentEpoch?
    /// The epoch's lock where it had to be taken anew.
    private var renewedLock: (any HeldLock)?
    private let files: any FileSystem
    private let clock: any Clock
    private let policy: SegmentSyncPolicy
    private let limits: SegmentLimits

    private var current: Current?
    private var nextSequence: UInt64 = 0
    private var unwritten: [EncodedBatch] = []
    private var unsynced: [EncodedBatch] = []
    private var unsyncedBytes = 0
    private var firstUnsyncedAtUs: Int64?
    private var pauseUs: Int64 = 0
    private var blockedUntilUs: Int64?
    private var retryAtUs: Int64?
    private(set) var unwrittenBytes = 0
    private(set) var counters = SegmentWriterCounters()

    init(
        directory: String, node: String, epoch: UInt64, lock: SegmentEpoch?, files: any FileSystem, clock: any Clock,
        policy: SegmentSyncPolicy,
        limits: SegmentLimits
    ) {
        self.directory = directory
        self.node = node
        self.epoch = epoch
        self.lock = lock
        self.files = files
        self.clock = clock
        self.policy = policy
        self.limits = limits
    }

    var segmentName: String? { current?.name }
    var firstUnwrittenRecord: UInt64? { unwritten.first?.firstRecord }
    var firstUnsyncedRecord: UInt64? { unsynced.first?.firstRecord ?? unwritten.first?.firstRecord }
    var unwrittenRecords: UInt64 { unwritten.reduce(0) { $0 + UInt64($1.recordCount) } }

    func enqueue(_ batch: EncodedBatch) {
        unwritten.append(batch)
        unwrittenBytes += batch.bytes.count
    }

    /// Writes what waits, unless a failing device or a full disk is given a pause.
    func write(ignoringPause: Bool = false) throws(SegmentError) {
        guard !unwritten.isEmpty else { return }
        if !ignoringPause, let heldUntilUs, clock.monotonicUs < heldUntilUs { return }
        try endSegmentIfDue()
        var hasFailed = false
        while let batch = unwritten.first {
            do {
                try put(batch)
            } catch {
                try afterFailedWrite(error, isSecond: hasFailed)
                hasFailed = true
                continue
            }
            unwritten.removeFirst()
            unwrittenBytes -= batch.bytes.count
            if policy == .always || unsyncedBytes >= limits.unsyncedBytes { try sync() }
            if let current, current.rawBytes >= limits.segmentBytes { try endSegment() }
        }
        retryAtUs = nil
        if !hasFailed { (pauseUs, blockedUntilUs) = (0, nil) }
    }

    /// Makes the current segment durable; where that fails, writes what was unsynced to another one and syncs that.
    func sync() throws(SegmentError) {
        for attempt in 0..<2 {
            guard let segment = current, firstUnsyncedAtUs != nil else { return }
            do {
                return try syncNow(segment)
            } catch {
                markSuspect(segment)
                abandon()
                if attempt == 1 {
                    pause()
                    throw SegmentError(
                        .syncFailed,
                        "A segment cannot be made durable; its batches are kept and written again. Check the device.",
                        segment: segment.name, offset: segment.goodBytes, cause: error)
                }
            }
            try writeUnsyncedAgain()
        }
    }

    /// Makes what a segment holds durable, or counts that it cannot be.
    private func syncNow(_ segment: Current) throws(PlatformError) {
        do throws(PlatformError) {
            try segment.file.sync()
            // A file that has lost its name takes bytes and syncs them, and nobody will ever find them.
            _ = try files.size(of: segment.path)
        } catch {
            counters.syncFailures += 1
            throw error
        }
        counters.syncs += 1
        (unsynced, unsyncedBytes, firstUnsyncedAtUs) = ([], 0, nil)
        // What is durable stays so without the lock: that it cannot be had only counts, and is tried again.
        do throws(PlatformError) { try keepLock() } catch { counters.writeFailures += 1 }
    }

    /// Syncs by age, and ends a segment by age or hour.
    func tick() throws(SegmentError) {
        if case .interval(let us) = policy, let first = firstUnsyncedAtUs, clock.monotonicUs - first >= us { try sync() }
        try endSegmentIfDue()
    }

    /// The next time something is due, on the monotonic clock.
    var nextDeadlineUs: Int64? {
        var due = Int64.max
        if !unwritten.isEmpty { due = heldUntilUs ?? clock.monotonicUs }
        if case .interval(let us) = policy, let first = firstUnsyncedAtUs { due = min(due, first + us) }
        if let current {
            let untilNextHour = SegmentOutput.hourUs - SegmentOutput.remainder(clock.wallUs)
            due = min(due, current.openedAtUs + limits.segmentAgeUs, clock.monotonicUs + untilNextHour)
        }
        return due == Int64.max ? nil : due
    }

    /// Until when nothing is written, for the sake of a failing device or a full disk.
    private var heldUntilUs: Int64? {
        guard let retryAtUs else { return blockedUntilUs }
        return max(retryAtUs, blockedUntilUs ?? retryAtUs)
    }

    /// Ends the current segment; what is unwritten stays.
    func endSegment() throws(SegmentError) {
        let name = current?.name
        if policy != .never { try sync() }
        guard current?.name == name else { return }
        current?.file.close()
        current = nil
    }

    private static let hourUs: Int64 = 3_600_000_000

    private static func remainder(_ wallUs: Int64) -> Int64 {
        let rest = wallUs % hourUs
        return rest < 0 ? rest + hourUs : rest
    }

    private static func hour(_ wallUs: Int64) -> Int64 { (wallUs - remainder(wallUs)) / hourUs }

    private func endSegmentIfDue() throws(SegmentError) {
        guard let current else { return }
        let isOld = clock.monotonicUs - current.openedAtUs >= limits.segmentAgeUs
        if isOld || SegmentOutput.hour(clock.wallUs) != current.openedHour { try endSegment() }
    }

    private func put(_ batch: EncodedBatch) throws(PlatformError) {
        let segment = try openSegment()
        try segment.file.append(batch.bytes)
        current?.goodBytes += Int64(batch.bytes.count)
        current?.rawBytes += Int64(batch.rawBytes)
        counters.batches += 1
        counters.rawBytes += UInt64(batch.rawBytes)
        counters.writtenBytes += UInt64(batch.bytes.count)
        guard policy != .never else { return }
        unsynced.append(batch)
        unsyncedBytes += batch.bytes.count
        if firstUnsyncedAtUs == nil { firstUnsyncedAtUs = clock.monotonicUs }
    }

    private func openSegment() throws(PlatformError) -> Current {
        if let current { return current }
        for _ in 0..<SegmentOutput.nameTries {
            let name = SegmentFile.name(node: node, epoch: epoch, sequence: nextSequence)
            let path = PathText.join(directory, name)
            // The number is used up only once the file is there, so that a full disk leaves no gaps.
            guard try files.status(of: path) == nil else {
                nextSequence += 1
                continue
            }
            // Somebody may have taken the directory away.
            try files.createDirectories(directory)
            // Before there is a segment that might be sealed as one of the dead.
            try keepLock()
            let file = try files.open(path, .createNew)
            nextSequence += 1
            try makeNameDurable(file, path)
            let opened = Current(
                file: file, name: name, path: path, openedAtUs: clock.monotonicUs, openedHour: SegmentOutput.hour(clock.wallUs))
            counters.segments += 1
            current = opened
            return opened
        }
        throw PlatformError(errno: SegmentOutput.nameTaken, operation: "open", path: directory)
    }

    private func keepLock() throws(PlatformError) {
        if let new = try lock?.renewed(files: files) { renewedLock = new }
    }

    private func makeNameDurable(_ file: any OpenFile, _ path: String) throws(PlatformError) {
        do throws(PlatformError) {
            try files.syncDirectory(directory)
        } catch {
            file.close()
            discard(path)
            throw error
        }
    }

    private static let nameTries = 64
    private static let nameTaken: Int32 = 17

    /// Leaves no torn bytes behind where that is possible; then either asks for one more try (returns) or gives up (throws).
    private func afterFailedWrite(_ error: PlatformError, isSecond: Bool) throws(SegmentError) {
        let isFull = error.code == .noSpace
        let place = (current?.name ?? "", current?.goodBytes ?? 0)
        if isFull { counters.noSpaceFailures += 1 } else { counters.writeFailures += 1 }
        if let segment = current {
            var isWhole = false
            do {
                try segment.file.truncate(to: segment.goodBytes)
                isWhole = true
            } catch {
                counters.writeFailures += 1
            }
            if !isFull || !isWhole { leave(segment) }
        }
        if isFull {
            retryAtUs = clock.monotonicUs + limits.noSpacePauseUs
            throw SegmentError(
                .noSpace, "The disk is full; batches are kept in memory. Free space on the data directory's file system.",
                segment: place.0, offset: place.1, cause: error)
        }
        if isSecond {
            pause()
            throw SegmentError(
                .writeFailed, "Two segments in a row could not be written; batches are kept in memory. Check the device.",
                segment: place.0, offset: place.1, cause: error)
        }
    }

    /// Leaves a segment that takes no more; what it holds is synced first, for what is durable there need not be written twice.
    private func leave(_ segment: Current) {
        if !unsynced.isEmpty {
            do throws(PlatformError) { try syncNow(segment) } catch { markSuspect(segment) }
        }
        abandon()
    }

    /// Leaves the current segment for ever; what it held unsynced goes back to the head of the queue.
    private func abandon() {
        guard let segment = current else { return }
        segment.file.close()
        if segment.goodBytes == 0 { discard(segment.path) }
        current = nil
        counters.abandonedSegments += 1
        counters.rewrittenBatches += UInt64(unsynced.count)
        unwritten.insert(contentsOf: unsynced, at: 0)
        unwrittenBytes += unsyncedBytes
        (unsynced, unsyncedBytes, firstUnsyncedAtUs) = ([], 0, nil)
    }

    /// Marks a segment whose sync failed: what the kernel shows of it may not be on the disk.
    ///
    /// Its batches are written again elsewhere whether the mark can be made or not, so that the failure only counts.
    private func markSuspect(_ segment: Current) {
        guard segment.goodBytes > 0, let stem = SegmentName(fileName: segment.name)?.stem else { return }
        let path = PathText.join(directory, SegmentName(stem, .suspect).description)
        do throws(PlatformError) { _ = try files.open(path, .append).close() } catch { counters.writeFailures += 1 }
    }

    /// Removes an empty segment; one that cannot be removed is harmless to every reader, so the failure only counts.
    private func discard(_ path: String) {
        do { try files.unlink(path) } catch { counters.writeFailures += 1 }
    }

    private func writeUnsyncedAgain() throws(SegmentError) {
        var hasFailed = false
        while let batch = unwritten.first {
            do {
                try put(batch)
            } catch {
                try afterFailedWrite(error, isSecond: hasFailed)
                hasFailed = true
                continue
            }
            unwritten.removeFirst()
            unwrittenBytes -= batch.bytes.count
        }
    }

    private func pause() {
        pauseUs = min(max(pauseUs * 2, limits.failurePauseUs.lowerBound), limits.failurePauseUs.upperBound)
        blockedUntilUs = clock.monotonicUs + pauseUs
    }
}
