// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
package import Platform

/// Appends records to hot segments; owned by one thread, which calls `tick()` by `nextDeadlineUs`.
///
/// - A record that was taken is written once the disk allows; only `close()` on a failing disk loses some, and counts them.
/// - Record numbers and batch sequences rise by one, over all segments of the writer.
/// - Memory: one batch of lines, the unsynced batches and a backlog, each bounded by `SegmentLimits`.
package final class SegmentWriter {
    /// The node's name as file names carry it.
    package let node: String
    /// The start of this writer, as in its segments' names and headers.
    package let epoch: UInt64
    /// The error of the latest write or sync that failed, whether it was thrown or only counted; nil once all is written.
    package private(set) var lastError: SegmentError?

    private let output: SegmentOutput
    private let clock: any Clock
    private let limits: SegmentLimits
    private let policy: SegmentSyncPolicy
    private let compressor: FrameCompressor
    private let nodeNumber: UInt64
    private let framing: BatchFraming

    private var raw = ByteStore(capacity: 1_024)
    private var batchRecords: UInt32 = 0
    private var batchOpenedAtUs: Int64 = 0
    private var minStartedAtUs: Int64 = 0
    private var maxStartedAtUs: Int64 = 0
    private var batchSequence: UInt64 = 0
    private var records: UInt64 = 0
    private var refusedRecords: UInt64 = 0
    private var lostRecords: UInt64 = 0
    private var gaps: UInt64 = 0
    private var isClosed = false
    /// A refusal that `append` met and nobody was told of.
    private var untold: SegmentError?

    /// A writer that begins a new epoch; the first segment is made with the first batch.
    ///
    /// Hold the directory's lock and run `SegmentRecovery` before.
    /// - Parameters:
    ///   - directory: created where it is not there.
    ///   - node: the node's name; see `SegmentFormat.nodeName`.
    ///   - files: where to write.
    ///   - clock: for ages, hours and the epoch.
    ///   - sync: when batches become durable.
    ///   - limits: the bounds.
    ///   - epoch: its number; nil takes that of the lock, or the next free one.
    ///   - lock: needed where several processes may write, or something seals meanwhile.
    ///   - keys: the current one encrypts every batch of records; gaps are plain.
    /// - Throws: `SegmentError` of code `directoryUnusable`, or `compressionFailed` for lack of memory.
    package init(
        directory: String, node: String, files: any FileSystem, clock: any Clock,
        sync: SegmentSyncPolicy = .interval(us: 1_000_000), limits: SegmentLimits = .standard, epoch: UInt64? = nil,
        lock: SegmentEpoch? = nil,
        keys: SegmentKeys = .none
    ) throws(SegmentError) {
        do {
            try files.createDirectories(directory)
        } catch {
            throw SegmentError(.directoryUnusable, "The segment directory cannot be made.", segment: directory, cause: error)
        }
        let name = SegmentFormat.nodeName(node)
        let (limits, sync) = (limits.bounded, sync.bounded)
        let start: UInt64
        if let epoch {
            start = epoch
        } else if let lock {
            start = lock.number
        } else {
            start = try SegmentEpoch.next(in: SegmentDirectory(files: files, path: directory), clock: clock)
        }
        self.node = name
        self.epoch = start
        nodeNumber = SegmentFormat.nodeNumber(name)
        framing = BatchFraming(key: keys.current)
        compressor = try FrameCompressor()
        output = SegmentOutput(
            directory: directory, node: name, epoch: start, lock: lock, files: files, clock: clock, policy: sync, limits: limits)
        self.clock = clock
        self.limits = limits
        policy = sync
    }

    /// What was done so far.
    package var counters: SegmentWriterCounters {
        var counted = output.counters
        counted.records = records
        counted.refusedRecords = refusedRecords
        counted.lostRecords = lostRecords
        counted.gaps = gaps
        return counted
    }

    /// Compressed bytes in memory that no file holds.
    package var backlogBytes: Int { output.unwrittenBytes }

    /// The number the next record taken will get.
    package var nextRecord: UInt64 { records }

    /// Every record with a number below this is in a segment; falls back when an abandoned segment is written again.
    package var writtenRecords: UInt64 { output.firstUnwrittenRecord ?? records - UInt64(batchRecords) }

    /// Every record with a number below this is durable, by policy `interval` or `always`.
    package var syncedRecords: UInt64 { output.firstUnsyncedRecord ?? records - UInt64(batchRecords) }

    /// The current segment's name; nil before the first batch and between two segments.
    package var segmentName: String? { output.segmentName }

    /// The next time `tick()` has something to do, on the clock's monotonic time; nil while there is nothing.
    package var nextDeadlineUs: Int64? {
        let batch = batchRecords > 0 ? batchOpenedAtUs + limits.batchAgeUs : nil
        guard let batch, let other = output.nextDeadlineUs else { return batch ?? output.nextDeadlineUs }
        return min(batch, other)
    }

    /// Takes a record.
    ///
    /// Throws only where the record was *not* taken. A disk that fails meanwhile shows in `lastError` and in the next `tick()`.
    /// - Parameters:
    ///   - line: the record, with or without its closing newline.
    ///   - startedAtUs: when its exchange began, microseconds since the Unix epoch.
    /// - Throws: `SegmentError` of code `closed`, `recordInvalid`, `recordTooLarge`, `backlogFull` or `compressionFailed`.
    package func append(_ line: [UInt8], startedAtUs: Int64) throws(SegmentError) {
        let result: Result<Void, SegmentError> = unsafe line.withUnsafeBytes { bytes in
            do throws(SegmentError) {
                return .success(try append(unsafe ByteRun(bytes), startedAtUs: startedAtUs))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Takes a record that lies in memory of the caller's; it is copied once.
    ///
    /// - Parameters:
    ///   - line: the record, with or without its closing newline.
    ///   - startedAtUs: when its exchange began, microseconds since the Unix epoch.
    /// - Throws: as the form for arrays.
    package func append(_ line: ByteRun, startedAtUs: Int64) throws(SegmentError) {
        let hasNewline = !line.isEmpty && line.slice(line.count - 1, line.count).contains(0x0A)
        let content = line.slice(0, hasNewline ? line.count - 1 : line.count)
        do {
            // A newline is the last byte or it is refused.
            try admit(content, isOneLine: !content.contains(0x0A))
        } catch {
            refusedRecords += 1
            throw error
        }
        if batchRecords == 0 {
            raw.reserve(max(limits.batchBytes, content.count + 1))
            batchOpenedAtUs = clock.monotonicUs
            (minStartedAtUs, maxStartedAtUs) = (startedAtUs, startedAtUs)
        }
        raw.append(content)
        raw.append(ByteRun("\n"))
        batchRecords += 1
        records += 1
        minStartedAtUs = min(minStartedAtUs, startedAtUs)
        maxStartedAtUs = max(maxStartedAtUs, startedAtUs)
        if raw.count >= limits.batchBytes { closeBatchAndWrite() }
    }

    /// Puts a gap into the log, behind what was appended before it; written at once where the disk takes it.
    ///
    /// Throws only where the gap was *not* taken: ask again later.
    /// - Parameter gap: what has no record, and why.
    /// - Throws: `SegmentError` of code `closed`, `recordTooLarge`, `backlogFull` or `compressionFailed`.
    package func append(gap: SegmentGap) throws(SegmentError) {
        guard !isClosed else { throw SegmentError(.closed, "The segment writer is closed; open a new one.") }
        guard output.unwrittenBytes == 0 || output.unwrittenBytes + raw.count < limits.backlogBytes else {
            throw SegmentError(.backlogFull, "The disk takes no batches; the gap is refused.", cause: lastError?.cause)
        }
        try noting { () throws(SegmentError) in try closeBatch() }
        let header = SegmentBatchHeader(
            node: nodeNumber, epoch: epoch, batchSequence: batchSequence, firstRecord: records, recordCount: 0,
            minStartedAtUs: 0, maxStartedAtUs: 0, rawLength: 0, compressedLength: 0, frameChecksum: 0)
        let batch = try BatchFraming.batch(of: gap, header)
        output.enqueue(EncodedBatch(bytes: batch, rawBytes: 0, firstRecord: records, recordCount: 0))
        batchSequence += 1
        gaps += 1
        closeBatchAndWrite()
    }

    /// Does what is due: closes the batch by age, writes what waits, syncs, ends the segment by age or hour.
    ///
    /// - Throws: `SegmentError` of code `noSpace`, `writeFailed`, `syncFailed` or `compressionFailed`; all records are kept.
    package func tick() throws(SegmentError) {
        guard !isClosed else { return }
        try noting { () throws(SegmentError) in
            var refusal = untold
            do throws(SegmentError) {
                if batchRecords > 0, clock.monotonicUs - batchOpenedAtUs >= limits.batchAgeUs { try closeBatch() }
                try output.write()
                if output.unwrittenBytes == 0 { refusal = nil }
            } catch {
                refusal = error
            }
            // What was written before is made durable though the disk takes no more.
            do throws(SegmentError) { try output.tick() } catch { refusal = refusal ?? error }
            if let refusal { throw refusal }
        }
    }

    /// Closes the batch, writes and, unless the policy is `never`, syncs, whatever the ages.
    ///
    /// - Throws: as `tick()`.
    package func flush() throws(SegmentError) {
        guard !isClosed else { return }
        try noting { () throws(SegmentError) in
            var refusal: SegmentError?
            do throws(SegmentError) {
                try closeBatch()
                try output.write(ignoringPause: true)
            } catch {
                refusal = error
            }
            if policy != .never {
                do throws(SegmentError) { try output.sync() } catch { refusal = refusal ?? error }
            }
            if let refusal { throw refusal }
        }
    }

    /// Flushes and ends the last segment; the writer takes nothing more, even where this throws.
    ///
    /// - Throws: as `tick()`; records that no file holds are then counted as lost.
    package func close() throws(SegmentError) {
        guard !isClosed else { return }
        defer {
            isClosed = true
            lostRecords = output.unwrittenRecords + UInt64(batchRecords)
        }
        try flush()
        try noting { () throws(SegmentError) in try output.endSegment() }
    }

    private func admit(_ content: ByteRun, isOneLine: Bool) throws(SegmentError) {
        guard !isClosed else { throw SegmentError(.closed, "The segment writer is closed; open a new one.") }
        guard !content.isEmpty, isOneLine else {
            throw SegmentError(.recordInvalid, "A record must be one line that is not empty.")
        }
        guard content.count <= limits.recordBytes, content.count < SegmentFormat.rawBytesLimit else {
            throw SegmentError(
                .recordTooLarge,
                "A record of \(content.count) bytes is over the limit of \(limits.recordBytes); keep less of its bodies.")
        }
        if batchRecords > 0, raw.count + content.count + 1 > limits.batchBytes {
            closeBatchAndWrite()
            if batchRecords > 0 { throw lastError ?? SegmentError(.compressionFailed, "The open batch cannot be closed.") }
        }
        if output.unwrittenBytes > 0, output.unwrittenBytes + raw.count + content.count > limits.backlogBytes {
            throw SegmentError(
                .backlogFull,
                "The disk takes no batches and \(output.unwrittenBytes) bytes wait in memory; the record is refused.",
                cause: lastError?.cause)
        }
    }

    /// For `append`, which must not fail for the disk's sake: the error is kept and counted, and the next `tick()` tries again.
    private func closeBatchAndWrite() {
        do {
            try noting { () throws(SegmentError) in
                try closeBatch()
                try output.write()
            }
        } catch {
            untold = error
        }
    }

    private func closeBatch() throws(SegmentError) {
        guard batchRecords > 0 else { return }
        let first = records - UInt64(batchRecords)
        let header = SegmentBatchHeader(
            node: nodeNumber, epoch: epoch, batchSequence: batchSequence, firstRecord: first, recordCount: batchRecords,
            minStartedAtUs: minStartedAtUs, maxStartedAtUs: maxStartedAtUs, rawLength: UInt32(raw.count), compressedLength: 0,
            frameChecksum: 0)
        let framed = try compressor.compress(raw.run) { frame throws(SegmentError) in
            try framing.batch(header, frame: frame)
        }
        output.enqueue(
            EncodedBatch(bytes: framed, rawBytes: raw.count, firstRecord: first, recordCount: batchRecords))
        batchSequence += 1
        batchRecords = 0
        raw.reset(keeping: 2 * limits.batchBytes)
    }

    private func noting(_ work: () throws(SegmentError) -> Void) throws(SegmentError) {
        do {
            try work()
            if output.unwrittenBytes == 0 { (lastError, untold) = (nil, nil) }
        } catch {
            (lastError, untold) = (error, nil)
            throw error
        }
    }
}
