// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import Platform

/// A segment that was written anew and read back, still under temporary names; owned by one thread.
///
/// Order of calls: `writeFacts` or not, `publish`, then the index follows, then `SegmentSealing.remove` of what it replaces.
package final class SealedDraft {
    /// What it holds.
    package private(set) var manifest: SegmentManifest
    /// Where each line went, in the order in which they lie.
    package let places: [SealedPlace]
    private let directory: SegmentDirectory
    private let records: Records
    /// Whether the file that is replaced gave less than was written to it: facts of it may have lost their records.
    package let isIncomplete: Bool
    private static let factsFrameBytes = 4 << 20

    /// What becomes of the records.
    enum Records {
        /// They were written anew.
        case written
        /// They stay as they are: the file of the generation before gets a second name.
        case kept(SegmentFile)
        /// They are gone.
        case none
    }

    init(
        directory: SegmentDirectory, manifest: SegmentManifest, places: [SealedPlace], records: Records = .written,
        isIncomplete: Bool = false
    ) {
        self.directory = directory
        self.records = records
        self.isIncomplete = isIncomplete
        self.manifest = manifest
        self.places = places
    }

    /// Removes what was written and not published; what cannot be removed is swept later.
    package func discard() {
        for part in [SegmentName.Part.records, .facts] {
            try? directory.files.unlink(SealedFileWriter.temporary(manifest.name.with(part), in: directory))
        }
    }

    /// The name its records will have.
    package var recordsName: String { manifest.name.with(.records).description }

    /// Writes the facts beside the records, and reads them back.
    ///
    /// - Parameters:
    ///   - lines: facts as lines, newline included, some of them at a time; nil at the end.
    ///   - sums: what the manifest is to say of them, and from when to when they began where there are any.
    /// - Throws: `SegmentError`, or what `lines` throws.
    package func writeFacts(
        _ lines: () throws -> [[UInt8]]?, sums: () -> (sums: [String: Int64], startedAtUs: ClosedRange<Int64>?)
    ) throws {
        let name = manifest.name.with(.facts)
        let writer = try SealedFileWriter(name, in: directory, compressor: try FrameCompressor(.dense))
        let span = (manifest.minStartedAtUs ?? 0)...(manifest.maxStartedAtUs ?? 0)
        var written = SHA256()
        var frame = ByteStore(capacity: 1_024)
        while let some = try lines() {
            var rest = some[...]
            while !rest.isEmpty {
                frame.count = 0
                let first = rest.startIndex
                while let line = rest.first, frame.count == 0 || frame.count + line.count <= SealedDraft.factsFrameBytes {
                    unsafe line.withUnsafeBytes { unsafe frame.append(ByteRun($0)) }
                    rest.removeFirst()
                }
                unsafe written.update(bufferPointer: UnsafeRawBufferPointer(start: frame.base, count: frame.count))
                _ = try writer.add(frame.run, lines: rest.startIndex - first, startedAtUs: span)
            }
        }
        let part = try writer.finish()
        try check(name, part, digest: Hex.encode(written.finalize()))
        manifest.facts = part
        let found = sums()
        manifest.sums = found.sums
        // A fact that has no record any more counts for the age of its segment too.
        if let facts = found.startedAtUs {
            manifest.minStartedAtUs = min(manifest.minStartedAtUs ?? facts.lowerBound, facts.lowerBound)
            manifest.maxStartedAtUs = max(manifest.maxStartedAtUs ?? facts.upperBound, facts.upperBound)
        }
    }

    private func check(_ name: SegmentName, _ part: SegmentManifest.Part, digest: String) throws(SegmentError) {
        let path = SealedFileWriter.temporary(name, in: directory)
        let reader = try directory.reader(of: SegmentFile(name: name, path: path, size: part.bytes))
        var read = SHA256()
        var offset: Int64 = 0
        while true {
            switch try reader.next(after: offset) {
            case .batch(let batch):
                read.update(data: batch.raw)
                offset = batch.next
            case .end where Hex.encode(read.finalize()) == digest:
                return
            default:
                throw SegmentError(
                    .sealFailed, "The facts read back are not those written: check the device. The segment stays as it is.",
                    segment: name.description, offset: offset)
            }
        }
    }

    /// Gives the files their names, the manifest last: from here on the segment is sealed.
    ///
    /// - Throws: `SegmentError` of code `writeFailed` or `noSpace`; the old segment still counts.
    package func publish() throws(SegmentError) {
        let files = directory.files
        let name = manifest.name
        do throws(PlatformError) {
            switch records {
            case .written: try rename(.records)
            case .kept(let file): try files.link(file.path, to: PathText.join(directory.path, recordsName))
            case .none: break
            }
            if manifest.facts != nil { try rename(.facts) }
            try files.syncDirectory(directory.path)
            try files.replaceFile(PathText.join(directory.path, name.description), with: manifest.encoded())
        } catch {
            throw SealedFileWriter.failed(name, error)
        }
    }

    private func rename(_ part: SegmentName.Part) throws(PlatformError) {
        let target = manifest.name.with(part)
        try directory.files.rename(
            SealedFileWriter.temporary(target, in: directory), to: PathText.join(directory.path, target.description))
    }
}
