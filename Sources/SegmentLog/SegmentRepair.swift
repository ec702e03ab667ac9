// SPDX-License-Identifier: Apache-2.0
package import Platform

/// Mends what can be mended without losing a byte: manifests are made anew from the files they describe.
///
/// Hold the sealer's lock (`SegmentDirectory.sealersLock`).
package enum SegmentRepair {
    /// Makes the manifests anew that are missing or damaged, where the records they describe are sound.
    ///
    /// - Parameters:
    ///   - directory: the segments.
    ///   - clock: for the manifest.
    /// - Returns: the manifests made, and what could not be mended, in words.
    /// - Throws: `SegmentError` of code `directoryUnusable`.
    package static func mendManifests(in directory: SegmentDirectory, clock: any Clock) throws(SegmentError)
        -> (mended: [String], problems: [String])
    {
        let listing = try directory.listing()
        var mended: [String] = []
        var problems: [String] = []
        let byStem = Dictionary(grouping: listing.found, by: \.stem)
        for file in listing.found where file.fileName.part == .records {
            let others = byStem[file.stem] ?? []
            let hasManifest = others.contains { $0.fileName == file.fileName.with(.manifest) }
            // An older generation is a leftover, and so is a part without any manifest whose hot segment is still there: sweeping
            // is for those.
            let isReplaced = others.contains { other in
                other.fileName.part == .hot && !hasManifest
                    || [.records, .manifest].contains(other.fileName.part)
                        && other.fileName.generation > file.fileName.generation
            }
            guard !isReplaced, (try? directory.manifest(of: file)) == nil else { continue }
            do {
                let manifest = try manifest(of: file, in: directory, clock: clock)
                let path = PathText.join(directory.path, manifest.name.description)
                do { try directory.files.replaceFile(path, with: manifest.encoded()) } catch {
                    throw SealedFileWriter.failed(manifest.name, error)
                }
                mended.append(manifest.name.description)
            } catch {
                problems.append("\(file.name): \(error)")
            }
        }
        return (mended, problems)
    }

    private static func manifest(of file: SegmentFile, in directory: SegmentDirectory, clock: any Clock) throws(SegmentError)
        -> SegmentManifest
    {
        let records = try part(file, in: directory)
        let factsName = file.fileName.with(.facts)
        var facts: SegmentManifest.Part?
        if let found = directory.file(named: factsName.description) { facts = try part(found, in: directory).part }
        var manifest = SegmentManifest(
            stem: file.stem, generation: file.fileName.generation, sealedAtUs: clock.wallUs, records: records.part, facts: facts,
            minStartedAtUs: records.found.minStartedAtUs, maxStartedAtUs: records.found.maxStartedAtUs)
        manifest.gaps = records.gaps
        manifest.keyID = records.found.encryptedWith
        return manifest
    }

    private static func part(_ file: SegmentFile, in directory: SegmentDirectory) throws(SegmentError)
        -> (part: SegmentManifest.Part, found: SegmentVerification, gaps: [SegmentGap])
    {
        let found = SegmentVerify.walk(file, in: directory, limits: .standard, decoding: true)
        if let error = found.error { throw error }
        guard found.isClean, found.lockedBatches == 0 else {
            throw SegmentError(
                .sealFailed, "The sealed file is damaged itself; `weir segment verify` says where.", segment: file.name)
        }
        var gaps: [SegmentGap] = []
        if found.gaps > 0 { gaps = try SealingSource(file, in: directory, limits: .standard).gaps }
        let digest = try FileDigest.sha256(file.path, files: directory.files)
        let part = SegmentManifest.Part(
            file: file.name, bytes: found.fileBytes, sha256: digest, lines: found.records, rawBytes: found.rawBytes,
            batches: found.batches)
        return (part, found, gaps)
    }
}
