// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import Platform

/// Why a range of a segment gives no records.
package enum DamageReason: String, Sendable, CaseIterable {
    /// No sound header where one belongs.
    case badHeader = "bad_header"
    /// A sound header of a version this program does not know.
    case unsupportedVersion = "unsupported_version"
    /// The frame's bytes are not those that were written.
    case badChecksum = "bad_checksum"
    /// Bytes are missing before the next header.
    case missingBytes = "missing_bytes"
    /// Lengths in the header that cannot be.
    case impossibleLength = "impossible_length"
    /// The frame does not decompress to what the header says.
    case badFrame = "bad_frame"
    /// The lines are not as many as the header says.
    case badContent = "bad_content"
    /// The frame does not open with its key: another byte, or another header.
    case badSeal = "bad_seal"
    /// The seek table of a sealed segment is not there, or not that of its frames.
    case badSeekTable = "bad_seek_table"
    /// A sealed segment is not what its manifest says.
    case notAsManifest = "not_as_manifest"
}

/// One batch, taken apart.
package struct SegmentBatch: Sendable {
    /// Where its header begins: the `frame` of its records.
    package let offset: Int64
    /// Where the next batch begins.
    package let next: Int64
    /// Its header.
    package let header: SegmentBatchHeader
    /// The lines with their newlines.
    package let raw: [UInt8]
    /// The lines in `raw`, newlines left out; each lower bound is the `offset` of a record.
    package let lineRanges: [Range<Int>]
}

/// What lies at an offset of a segment.
package enum SegmentStep: Sendable {
    /// A sound batch.
    case batch(SegmentBatch)
    /// Bytes that give no records; reading goes on at `next`.
    case damage(range: Range<Int64>, reason: DamageReason, next: Int64)
    /// A gap: exchanges that have no record.
    case gap(SegmentGapBatch)
    /// A sound batch, encrypted with a key that is not at hand.
    case locked(offset: Int64, next: Int64, keyID: UInt32)
    /// A torn tail, or a batch still being written: ask again later, or stop here where nobody writes.
    case incomplete(offset: Int64)
    /// Nothing more.
    case end(offset: Int64)
}

/// A batch of records with a sound header and checksum, not yet looked into.
struct FoundBatch {
    let place: Range<Int64>
    let header: SegmentBatchHeader
    let frame: [UInt8]

    var rawLength: Int { Int(header.rawLength) }

    func batch(_ raw: [UInt8], _ lines: [Range<Int>]) -> SegmentStep {
        .batch(SegmentBatch(offset: place.lowerBound, next: place.upperBound, header: header, raw: raw, lineRanges: lines))
    }

    func damage(_ reason: DamageReason) -> SegmentStep { .damage(range: place, reason: reason, next: place.upperBound) }
}

/// Reads one segment, batch by batch; owned by one thread.
///
/// Works on a segment that still grows.
/// - Every byte between offset 0 and the end belongs to exactly one batch, damage or incomplete tail.
/// - Memory: the frame and its lines; both are bounded by the bytes in the file and `SegmentFormat.rawBytesLimit`.
package final class SegmentReader {
    /// The segment.
    package let file: SegmentFile
    private let handle: any OpenFile
    private let decompressor: FrameDecompressor
    private let keys: SegmentKeys

    /// Opens a segment.
    ///
    /// - Throws: `SegmentError` of code `readFailed` where it cannot be opened.
    package init(file: SegmentFile, files: any FileSystem, keys: SegmentKeys = .none) throws(SegmentError) {
        self.file = file
        self.keys = keys
        do {
            handle = try files.open(file.path, .read)
        } catch {
            throw SegmentError(.readFailed, "The segment cannot be opened.", segment: file.name, cause: error)
        }
        decompressor = try FrameDecompressor()
    }

    deinit { handle.close() }

    /// What lies at an offset: 0 for the beginning, then the `next` of the step before.
    ///
    /// - Throws: `SegmentError` of code `readFailed` where the device refuses; never for what the bytes are.
    package func next(after offset: Int64) throws(SegmentError) -> SegmentStep {
        try step(at: offset) { found in
            decrypted(found) { frame in
                guard let raw = decompressor.decompress(frame, rawLength: found.rawLength) else { return found.damage(.badFrame) }
                let lines = unsafe raw.withUnsafeBytes { SegmentReader.lines(of: unsafe ByteRun($0), found.header) }
                guard let lines else { return found.damage(.badContent) }
                return found.batch(raw, lines)
            }
        }
    }

    /// The same for whom lines are wanted in memory that is used again.
    ///
    /// - Parameters:
    ///   - offset: as for `next(after:)`.
    ///   - store: the lines of a batch are appended to it; its `raw` is empty, and its `lineRanges` are places in the store.
    /// - Returns: the step.
    /// - Throws: as `next(after:)`.
    func next(after offset: Int64, onto store: inout ByteStore) throws(SegmentError) -> SegmentStep {
        try step(at: offset) { found in
            decrypted(found) { frame in
                let start = store.count
                guard decompressor.decompress(frame, rawLength: found.rawLength, onto: &store) else {
                    return found.damage(.badFrame)
                }
                guard let lines = SegmentReader.lines(of: store.run.slice(start, store.count), found.header, at: start) else {
                    store.count = start
                    return found.damage(.badContent)
                }
                return found.batch([], lines)
            }
        }
    }

    /// The record at a place a fact remembers, without its newline; decompresses one frame.
    ///
    /// - Parameters:
    ///   - frame: the `offset` of the record's batch.
    ///   - offset: the lower bound of the record's line range.
    /// - Returns: the line.
    /// - Throws: `SegmentError` of code `recordNotFound` where no sound record begins there, or `readFailed`.
    package func record(frame: Int64, offset: Int) throws(SegmentError) -> [UInt8] {
        try SegmentReader.record(in: try batch(at: frame), offset: offset, segment: file.name)
    }

    /// The batch that begins at an offset.
    func batch(at frame: Int64) throws(SegmentError) -> SegmentBatch {
        switch try next(after: frame) {
        case .batch(let batch) where batch.offset == frame: return batch
        case .locked(_, _, let id):
            throw SegmentError(
                .keyMissing, "The batch is encrypted with the key \(SegmentKey.name(of: id)), which is not in the key file.",
                segment: file.name, offset: frame)
        default:
            throw SegmentError(
                .recordNotFound, "No sound batch begins here; run segment verify.", segment: file.name, offset: frame)
        }
    }

    static func record(in batch: SegmentBatch, offset: Int, segment: String) throws(SegmentError) -> [UInt8] {
        var (low, high) = (0, batch.lineRanges.count)
        while low < high {
            let middle = (low + high) / 2
            if batch.lineRanges[middle].lowerBound < offset { low = middle + 1 } else { high = middle }
        }
        guard low < batch.lineRanges.count, batch.lineRanges[low].lowerBound == offset else {
            throw SegmentError(
                .recordNotFound, "No record begins at byte \(offset) of this batch; build the index again.", segment: segment,
                offset: batch.offset)
        }
        return Array(batch.raw[batch.lineRanges[low]])
    }

    /// What lies at an offset; what a batch of records gives, `take` says.
    func step(at offset: Int64, _ take: (FoundBatch) -> SegmentStep) throws(SegmentError) -> SegmentStep {
        let size = try fileSize()
        let start = max(0, offset)
        guard start < size else { return .end(offset: start) }
        let bytes = try read(at: start, count: SegmentFormat.headerBytes)
        switch SegmentBatchHeader.read(bytes, at: 0) {
        case .header(let header):
            return try batch(header, at: start, size: size, take)
        case .unsupported(let length):
            let end = start + length
            if end <= size { return .damage(range: start..<end, reason: .unsupportedVersion, next: end) }
            return try missing(from: start, size: size)
        case .none:
            if file.isSealed, try SeekTable.fills(from: start, to: size, self) { return .end(offset: start) }
            return try withoutHeader(bytes, at: start, size: size)
        }
    }

    private func batch(
        _ header: SegmentBatchHeader, at start: Int64, size: Int64, _ take: (FoundBatch) -> SegmentStep
    ) throws(SegmentError) -> SegmentStep {
        let end = start + header.batchLength
        guard end <= size else { return try missing(from: start, size: size) }
        let frame = try read(at: start + Int64(SegmentFormat.headerBytes), count: Int(header.compressedLength))
        guard frame.count == Int(header.compressedLength) else { return .incomplete(offset: start) }
        guard CRC32C.checksum(frame[...]) == header.frameChecksum else {
            let next = try isBoundary(end, size: size) ? end : scan(from: start + 1, size: size) ?? size
            return .damage(range: start..<next, reason: .badChecksum, next: next)
        }
        guard SegmentReader.isPossible(header) else { return .damage(range: start..<end, reason: .impossibleLength, next: end) }
        if header.kind == .gap {
            guard let payload = BatchFraming.payload(of: frame), let gap = SegmentGap(encoded: Array(payload)) else {
                return .damage(range: start..<end, reason: .badContent, next: end)
            }
            return .gap(SegmentGapBatch(offset: start, next: end, gap: gap))
        }
        return take(FoundBatch(place: start..<end, header: header, frame: frame))
    }

    /// Gives the zstd frame of a batch on.
    private func decrypted(_ found: FoundBatch, _ take: ([UInt8]) -> SegmentStep) -> SegmentStep {
        let header = found.header
        guard header.kind == .encrypted else { return take(found.frame) }
        guard let key = keys[header.keyID] else {
            return .locked(offset: found.place.lowerBound, next: found.place.upperBound, keyID: header.keyID)
        }
        guard let payload = BatchFraming.payload(of: found.frame),
            let frame = key.open(payload, authenticating: header.authenticated)
        else { return found.damage(.badSeal) }
        return take(frame)
    }

    private static func isPossible(_ header: SegmentBatchHeader) -> Bool {
        let raw = Int(header.rawLength)
        guard raw <= SegmentFormat.rawBytesLimit, raw <= Int(header.compressedLength) * SegmentFormat.expansionLimit else {
            return false
        }
        if header.kind == .gap { return header.recordCount == 0 && raw <= SegmentFormat.gapBytesLimit }
        return header.recordCount >= 1 && Int(header.recordCount) <= raw / 2 && header.minStartedAtUs <= header.maxStartedAtUs
    }

    /// The lines of a batch without their newlines, `base` added to each place; nil where they are not what the header says.
    private static func lines(of run: ByteRun, _ header: SegmentBatchHeader, at base: Int = 0) -> [Range<Int>]? {
        let count = Int(header.recordCount)
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        var start = 0
        while start < run.count {
            guard ranges.count < count, let end = run.firstIndex(of: 0x0A, from: start), end > start else { return nil }
            ranges.append(base + start..<base + end)
            start = end + 1
        }
        return ranges.count == count ? ranges : nil
    }

    /// A sound header whose frame reaches past the end: cut off, unless a later header shows that bytes are missing before it.
    private func missing(from start: Int64, size: Int64) throws(SegmentError) -> SegmentStep {
        guard let next = try scan(from: start + Int64(SegmentFormat.headerBytes), size: size) else {
            return .incomplete(offset: start)
        }
        return .damage(range: start..<next, reason: .missingBytes, next: next)
    }

    private func withoutHeader(_ bytes: [UInt8], at start: Int64, size: Int64) throws(SegmentError) -> SegmentStep {
        if bytes.count < SegmentFormat.headerBytes, SegmentFormat.prefix.starts(with: bytes.prefix(SegmentFormat.prefix.count)) {
            return .incomplete(offset: start)
        }
        if try isZero(from: start, size: size) { return .incomplete(offset: start) }
        let next = try scan(from: start + 1, size: size) ?? size
        return .damage(range: start..<next, reason: .badHeader, next: next)
    }

    private func isBoundary(_ offset: Int64, size: Int64) throws(SegmentError) -> Bool {
        let bytes = try read(at: offset, count: SegmentFormat.headerBytes)
        if bytes.count < SegmentFormat.headerBytes {
            return SegmentFormat.prefix.starts(with: bytes.prefix(SegmentFormat.prefix.count))
        }
        return SegmentBatchHeader.read(bytes, at: 0) != .none
    }

    /// The next offset from `start` on with a sound header.
    private func scan(from start: Int64, size: Int64) throws(SegmentError) -> Int64? {
        var position = start
        while size - position >= Int64(SegmentFormat.headerBytes) {
            let bytes = try read(at: position, count: SegmentReader.windowBytes)
            var index = 0
            let last = bytes.count - SegmentFormat.headerBytes
            while index <= last, let found = bytes[index...last].firstIndex(of: SegmentFormat.prefix[0]) {
                if SegmentBatchHeader.read(bytes, at: found) != .none { return position + Int64(found) }
                index = found + 1
            }
            guard last >= 0 else { return nil }
            position += Int64(last + 1)
        }
        return nil
    }

    private func isZero(from start: Int64, size: Int64) throws(SegmentError) -> Bool {
        var position = start
        while position < size {
            let bytes = try read(at: position, count: SegmentReader.windowBytes)
            if bytes.isEmpty { return true }
            if bytes.contains(where: { $0 != 0 }) { return false }
            position += Int64(bytes.count)
        }
        return true
    }

    private static let windowBytes = 1 << 20

    func read(at offset: Int64, count: Int) throws(SegmentError) -> [UInt8] {
        do {
            return try handle.read(at: offset, count: count)
        } catch {
            throw SegmentError(.readFailed, "The segment cannot be read.", segment: file.name, offset: offset, cause: error)
        }
    }

    func fileSize() throws(SegmentError) -> Int64 {
        do {
            return try handle.size()
        } catch {
            throw SegmentError(.readFailed, "The segment's size cannot be asked for.", segment: file.name, cause: error)
        }
    }
}
