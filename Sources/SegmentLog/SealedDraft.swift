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
    /// Nothing but the facts is written: the records are gone.
    private let isFactsOnly: Bool

    init(directory: SegmentDirectory, manifest: SegmentManifest, places: [SealedPlace], isFactsOnly: Bool = false) {
        self.directory = directory
        self.isFactsOnly = isFactsOnly
        self.manifest = manifest
        self.places = places
    }

    /// The name its records will have.
    package var recordsName: String { manifest.name.with(.records).description }

    /// Writes the facts beside the records, and reads them back.
    ///
    /// - Parameters:
    ///   - lines: facts as lines, newline included, one batch of them at a time; nil at the end.
    ///   - sums: what the manifest is to say of them.
    /// - Throws: `SegmentError`, or what `lines` throws.
    package func writeFacts(_ lines: () throws -> [[UInt8]]?, sums: () -> [String: Int64]) throws {
        let name = manifest.name.with(.facts)
        let writer = try SealedFileWriter(name, in: directory, compressor: try FrameCompressor(.dense))
        let span = (manifest.minStartedAtUs ?? 0)...(manifest.maxStartedAtUs ?? 0)
        var written = SHA256()
        var frame = ByteStore(capacity: 1_024)
        while let some = try lines() {
            frame.count = 0
            for line in some { unsafe line.withUnsafeBytes { unsafe frame.append(ByteRun($0)) } }
            guard !some.isEmpty else { continue }
            unsafe written.update(bufferPointer: UnsafeRawBufferPointer(start: frame.base, count: frame.count))
            _ = try writer.add(frame.run, lines: some.count, startedAtUs: span)
        }
        let part = try writer.finish()
        try check(name, part, digest: Hex.encode(written.finalize()))
        manifest.facts = part
        manifest.sums = sums()
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
            for part in [SegmentName.Part.records, .facts] where part == .records ? !isFactsOnly : manifest.facts != nil {
                let target = name.with(part)
                try files.rename(
                    SealedFileWriter.temporary(target, in: directory), to: PathText.join(directory.path, target.description))
            }
            try files.syncDirectory(directory.path)
            try files.replaceFile(PathText.join(directory.path, name.description), with: manifest.encoded())
        } catch {
            throw SealedFileWriter.failed(name, error)
        }
    }
}

extension SegmentSealing {
    /// Begins a new generation of a segment whose records are gone: only its facts are to be written.
    ///
    /// - Parameter facts: the facts of the generation that is replaced.
    /// - Returns: a draft that has no places.
    /// - Throws: `SegmentError` of code `readFailed` or `manifestInvalid`.
    package func factsDraft(of facts: SegmentFile) throws(SegmentError) -> SealedDraft {
        var manifest = try directory.manifest(of: facts)
        manifest.generation += 1
        manifest.facts = nil
        return SealedDraft(directory: directory, manifest: manifest, places: [], isFactsOnly: true)
    }

    /// Removes a segment's file that another has taken the place of, or that holds nothing, with all that belongs to it.
    ///
    /// - Parameter old: the hot segment, or the records of an earlier generation.
    /// - Throws: `SegmentError` of code `writeFailed`; what is left is removed by `sweep`.
    package func remove(_ old: SegmentFile) throws(SegmentError) {
        let names =
            old.isSealed
            ? [.records, .facts, .manifest].map { old.fileName.with($0) } : [old.fileName, SegmentName(old.stem, .suspect)]
        do throws(PlatformError) {
            for name in names {
                let path = PathText.join(directory.path, name.description)
                if try directory.files.status(of: path) != nil { try directory.files.unlink(path) }
            }
            try directory.files.syncDirectory(directory.path)
        } catch {
            throw SegmentError(.writeFailed, "A segment that was replaced cannot be removed.", segment: old.name, cause: error)
        }
    }

    /// Removes what a death left half-way: temporary files, and parts without a manifest whose older generation is there.
    ///
    /// - Returns: segments that were replaced and are still there, each with the one that replaces it; the index may not have
    ///   followed yet.
    /// - Throws: `SegmentError` of code `directoryUnusable` or `writeFailed`.
    package func sweep() throws(SegmentError) -> [(old: SegmentFile, new: SegmentFile)] {
        let listing = try directory.listing()
        let sealed = listing.sealed
        var replaced: [(SegmentFile, SegmentFile)] = []
        do throws(PlatformError) {
            for name in try directory.files.list(directory.path) where name.hasSuffix(SegmentFormat.temporaryExtension) {
                guard SegmentName(fileName: String(name.dropLast(SegmentFormat.temporaryExtension.utf8.count))) != nil else {
                    continue
                }
                try directory.files.unlink(PathText.join(directory.path, name))
            }
            for file in listing.found {
                let latest = sealed[file.stem] ?? 0
                guard file.fileName.part == .records || file.fileName.part == .facts else { continue }
                // Without one that it replaces it is no leftover, but a segment that has lost its manifest.
                let hasOlder = listing.found.contains { older in
                    older.stem == file.stem && older.fileName.generation < file.fileName.generation
                        && (older.fileName.part == .hot || older.fileName.part == .manifest)
                }
                if file.fileName.generation > latest, hasOlder { try directory.files.unlink(file.path) }
            }
        } catch {
            throw SegmentError(.writeFailed, "What a death left cannot be removed.", segment: directory.path, cause: error)
        }
        for file in listing.found where file.fileName.part == .hot || file.fileName.part == .records {
            guard let latest = sealed[file.stem], file.fileName.generation < latest else { continue }
            let name = SegmentName(file.stem, generation: latest, .records)
            let path = PathText.join(directory.path, name.description)
            replaced.append((file, SegmentFile(name: name, path: path, size: 0)))
        }
        return replaced
    }
}
