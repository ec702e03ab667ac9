// SPDX-License-Identifier: Apache-2.0
package import Platform

/// A directory of segments.
package struct SegmentDirectory: Sendable {
    /// The file system it lies on.
    package let files: any FileSystem
    /// Its path.
    package let path: String
    /// The keys to read it with.
    package let keys: SegmentKeys

    /// A directory that need not exist yet.
    package init(files: any FileSystem, path: String, keys: SegmentKeys = .none) {
        self.files = files
        self.path = path
        self.keys = keys
    }

    /// All segments with records, in write order: by epoch, node, sequence.
    ///
    /// A segment is there once: sealed, by its latest generation, where its manifest is there, else hot. Other files are passed over.
    /// - Returns: the segments; none where the directory does not exist.
    /// - Throws: `SegmentError` of code `directoryUnusable` where it cannot be listed.
    package func list() throws(SegmentError) -> [SegmentFile] {
        try listing().segments
    }

    /// Opens a segment with the directory's keys.
    ///
    /// - Parameter file: the segment.
    /// - Returns: a reader at its beginning.
    /// - Throws: `SegmentError` of code `readFailed`.
    package func reader(of file: SegmentFile) throws(SegmentError) -> SegmentReader {
        try SegmentReader(file: file, files: files, keys: keys)
    }

    /// A segment by its name.
    ///
    /// - Returns: the segment; nil where it is gone or the name is not a segment's.
    package func file(named name: String) -> SegmentFile? {
        guard let parsed = SegmentName(fileName: name) else { return nil }
        let full = PathText.join(path, name)
        guard let status = try? files.status(of: full), !status.isDirectory else { return nil }
        return SegmentFile(name: parsed, path: full, size: status.size)
    }

    /// The manifest of a sealed segment.
    ///
    /// - Parameter file: any of the segment's files.
    /// - Returns: what its generation holds.
    /// - Throws: `SegmentError` of code `readFailed` or `manifestInvalid`.
    package func manifest(of file: SegmentFile) throws(SegmentError) -> SegmentManifest {
        let name = file.fileName.with(.manifest)
        let path = PathText.join(path, name.description)
        return try SegmentManifest(SegmentFile(name: name, path: path, size: 0), files: files)
    }

    /// Sealed segments whose records are gone: their facts and manifests stay.
    ///
    /// - Returns: their facts, in write order; the file of facts need not be there.
    /// - Throws: `SegmentError` of code `directoryUnusable`.
    package func expired() throws(SegmentError) -> [SegmentFile] {
        let listing = try listing()
        let there = Set(listing.segments.map(\.stem))
        return listing.sealed.filter { !there.contains($0.key) }.map { stem, generation in
            let name = SegmentName(stem, generation: generation, .facts)
            let path = PathText.join(path, name.description)
            return SegmentFile(name: name, path: path, size: listing.found.first { $0.fileName == name }?.size ?? 0)
        }.sorted { $0.stem < $1.stem }
    }

    /// What lies in the directory, sorted out.
    func listing() throws(SegmentError) -> SegmentListing {
        do throws(PlatformError) {
            guard try files.status(of: path) != nil else { return SegmentListing() }
            var listing = SegmentListing()
            for name in try files.list(path) {
                guard let parsed = SegmentName(fileName: name) else { continue }
                let full = PathText.join(path, name)
                guard let status = try files.status(of: full), !status.isDirectory else { continue }
                listing.found.append(SegmentFile(name: parsed, path: full, size: status.size))
            }
            return listing
        } catch {
            throw SegmentError(.directoryUnusable, "The segment directory cannot be listed.", segment: path, cause: error)
        }
    }
}

/// The files of a directory of segments, by what they are.
struct SegmentListing {
    /// All that bear the name of a segment or of a part of one.
    var found: [SegmentFile] = []

    /// The latest generation of each segment that has a manifest.
    var sealed: [SegmentStem: Int] {
        var latest: [SegmentStem: Int] = [:]
        for file in found where file.fileName.part == .manifest {
            latest[file.stem] = max(latest[file.stem] ?? 0, file.fileName.generation)
        }
        return latest
    }

    /// Those with records that count, in write order.
    var segments: [SegmentFile] {
        let sealed = sealed
        return found.filter { file in
            switch file.fileName.part {
            case .hot: sealed[file.stem] == nil
            case .records: sealed[file.stem] == file.fileName.generation
            case .facts, .manifest, .hold, .suspect: false
            }
        }.sorted { $0.stem < $1.stem }
    }
}
