// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import Platform

/// Writes one file of a sealed segment under a temporary name: batches, then a seek table; owned by one thread.
final class SealedFileWriter {
    let name: SegmentName
    private let directory: SegmentDirectory
    private let compressor: FrameCompressor
    private let framing: BatchFraming
    private let node: UInt64
    private let file: any OpenFile
    private var table = SeekTable()
    private var bytes: Int64 = 0
    private var lines: UInt64 = 0
    private var rawBytes: UInt64 = 0
    private var batches: UInt64 = 0
    private var sequence: UInt64 = 0

    /// Begins the file; one that a death left half-way is replaced.
    init(_ name: SegmentName, in directory: SegmentDirectory, compressor: FrameCompressor) throws(SegmentError) {
        self.name = name
        self.directory = directory
        self.compressor = compressor
        framing = BatchFraming(key: directory.keys.current)
        node = SegmentFormat.nodeNumber(name.stem.node)
        let path = SealedFileWriter.temporary(name, in: directory)
        do throws(PlatformError) {
            if try directory.files.status(of: path) != nil { try directory.files.unlink(path) }
            file = try directory.files.open(path, .createNew)
        } catch {
            throw SealedFileWriter.failed(name, error)
        }
    }

    deinit { file.close() }

    static func temporary(_ name: SegmentName, in directory: SegmentDirectory) -> String {
        PathText.join(directory.path, name.description + SegmentFormat.temporaryExtension)
    }

    static func failed(_ name: SegmentName, _ cause: PlatformError) -> SegmentError {
        SegmentError(
            cause.code == .noSpace ? .noSpace : .writeFailed,
            "A sealed file cannot be written; the segment stays as it is and is tried again.", segment: name.description,
            cause: cause)
    }

    /// Writes a batch of whole lines.
    ///
    /// - Returns: where it begins.
    func add(_ raw: ByteRun, lines count: Int, startedAtUs: ClosedRange<Int64>) throws(SegmentError) -> Int64 {
        let header = SegmentBatchHeader(
            node: node, epoch: name.stem.epoch, batchSequence: sequence, firstRecord: lines, recordCount: UInt32(count),
            minStartedAtUs: startedAtUs.lowerBound, maxStartedAtUs: startedAtUs.upperBound, rawLength: UInt32(raw.count),
            compressedLength: 0, frameChecksum: 0)
        let batch = try compressor.compress(raw) { frame throws(SegmentError) in try framing.batch(header, frame: frame) }
        lines += UInt64(count)
        rawBytes += UInt64(raw.count)
        batches += 1
        return try append(batch)
    }

    /// Writes a gap.
    func add(_ gap: SegmentGap) throws(SegmentError) {
        let header = SegmentBatchHeader(
            node: node, epoch: name.stem.epoch, batchSequence: sequence, firstRecord: lines, recordCount: 0, minStartedAtUs: 0,
            maxStartedAtUs: 0, rawLength: 0, compressedLength: 0, frameChecksum: 0)
        _ = try append(try BatchFraming.batch(of: gap, header))
    }

    private func append(_ batch: [UInt8]) throws(SegmentError) -> Int64 {
        let offset = bytes
        if case .header(let header) = SegmentBatchHeader.read(batch, at: 0) { table.add(header) }
        sequence += 1
        try write(batch)
        return offset
    }

    private func write(_ chunk: [UInt8]) throws(SegmentError) {
        do { try file.append(chunk) } catch { throw SealedFileWriter.failed(name, error) }
        bytes += Int64(chunk.count)
    }

    /// Writes the seek table and makes the file durable, still under its temporary name.
    ///
    /// - Returns: its figures, the digest taken from what was read back.
    func finish() throws(SegmentError) -> SegmentManifest.Part {
        try write(table.encoded())
        do { try file.sync() } catch { throw SealedFileWriter.failed(name, error) }
        file.close()
        let digest = try FileDigest.sha256(SealedFileWriter.temporary(name, in: directory), files: directory.files)
        return SegmentManifest.Part(
            file: name.description, bytes: bytes, sha256: digest, lines: lines, rawBytes: rawBytes, batches: batches)
    }
}

/// SHA-256 of whole files.
enum FileDigest {
    private static let windowBytes = 1 << 20

    /// The digest of a file as hex digits.
    ///
    /// - Throws: `SegmentError` of code `readFailed`.
    static func sha256(_ path: String, files: any FileSystem) throws(SegmentError) -> String {
        do throws(PlatformError) {
            let file = try files.open(path, .read)
            defer { file.close() }
            var digest = SHA256()
            var offset: Int64 = 0
            while true {
                let bytes = try file.read(at: offset, count: windowBytes)
                if bytes.isEmpty { return Hex.encode(digest.finalize()) }
                digest.update(data: bytes)
                offset += Int64(bytes.count)
            }
        } catch {
            throw SegmentError(.readFailed, "A sealed file cannot be read.", segment: PathText.name(of: path), cause: error)
        }
    }
}
