// SPDX-License-Identifier: Apache-2.0
import Platform

extension SegmentSealing {
    /// Begins a new generation of a segment of which only the facts are to be written: its records stay as they are, or are gone.
    ///
    /// - Parameter facts: the facts of the generation that is replaced.
    /// - Returns: a draft that has no places.
    /// - Throws: `SegmentError` of code `readFailed` or `manifestInvalid`.
    package func factsDraft(of facts: SegmentFile) throws(SegmentError) -> SealedDraft {
        var manifest = try directory.manifest(of: facts)
        manifest.generation += 1
        manifest.records.file = manifest.name.with(.records).description
        manifest.facts = nil
        let records = directory.file(named: facts.fileName.with(.records).description)
        return SealedDraft(directory: directory, manifest: manifest, places: [], records: records.map { .kept($0) } ?? .none)
    }

    /// Removes a segment's file that another has taken the place of, or that holds nothing, with all that belongs to it.
    ///
    /// - Parameter old: the hot segment, or the records of an earlier generation, which need not be there any more.
    /// - Throws: `SegmentError` of code `writeFailed`; what is left is removed after `sweep` has named it.
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

    /// Removes the copies that were made of damaged ranges of a segment: they may hold what must go with it.
    ///
    /// - Parameter stem: the segment.
    /// - Throws: `SegmentError` of code `writeFailed`.
    package func removeDamagedCopies(of stem: SegmentStem) throws(SegmentError) {
        do throws(PlatformError) { try DamagedCopies.remove(of: stem, in: directory) } catch {
            throw SegmentError(
                .writeFailed, "The copies of damaged ranges cannot be removed.", segment: stem.description, cause: error)
        }
    }

    /// Removes what a death left half-way: temporary files, and parts without a manifest whose older generation is there.
    ///
    /// - Returns: segments that were replaced and of which something is still there, each with the one that replaces it; the index
    ///   may not have followed yet. Neither file need be there: of the old one facts alone may be left, and of the new one the
    ///   records may have been gone before.
    /// - Throws: `SegmentError` of code `directoryUnusable` or `writeFailed`.
    package func sweep() throws(SegmentError) -> [(old: SegmentFile, new: SegmentFile)] {
        let byStem = Dictionary(grouping: try directory.listing().found, by: \.stem)
        var replaced: [(SegmentFile, SegmentFile)] = []
        do throws(PlatformError) {
            try removeTemporaries()
            for (stem, files) in byStem.sorted(by: { $0.key < $1.key }) {
                let manifests = files.filter { $0.fileName.part == .manifest }.map(\.fileName.generation)
                let latest = manifests.max() ?? 0
                let hot = files.first { $0.fileName.part == .hot }
                // Without one that it replaces it is no leftover, but a segment that has lost its manifest.
                for file in files where latest > 0 || hot != nil {
                    guard file.fileName.part == .records || file.fileName.part == .facts else { continue }
                    if file.fileName.generation > latest { try directory.files.unlink(file.path) }
                }
                guard latest > 0 else { continue }
                let new = records(stem, latest)
                if let hot { replaced.append((hot, new)) }
                let parts = files.filter { [.records, .facts, .manifest].contains($0.fileName.part) }
                for old in Set(parts.map(\.fileName.generation)).sorted() where old < latest {
                    replaced.append((records(stem, old), new))
                }
            }
        } catch {
            throw SegmentError(.writeFailed, "What a death left cannot be removed.", segment: directory.path, cause: error)
        }
        return replaced
    }

    private func records(_ stem: SegmentStem, _ generation: Int) -> SegmentFile {
        let name = SegmentName(stem, generation: generation, .records)
        return directory.file(named: name.description)
            ?? SegmentFile(name: name, path: PathText.join(directory.path, name.description), size: 0)
    }

    private func removeTemporaries() throws(PlatformError) {
        for name in try directory.files.list(directory.path) where name.hasSuffix(SegmentFormat.temporaryExtension) {
            guard SegmentName(fileName: String(name.dropLast(SegmentFormat.temporaryExtension.utf8.count))) != nil else {
                continue
            }
            try directory.files.unlink(PathText.join(directory.path, name))
        }
    }
}
