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

    /// Opens a segment that was listed a while ago: by its new name where it was sealed since.
    ///
    /// - Parameter file: as it was listed.
    /// - Returns: a reader; nil where the segment is gone.
    /// - Throws: `SegmentError` where it is there and cannot be opened, or the directory cannot be listed.
    package func readerNow(of file: SegmentFile) throws(SegmentError) -> SegmentReader? {
        do throws(SegmentError) { return try reader(of: file) } catch {
            guard error.cause?.code == .notFound else { throw error }
            guard let now = try list().first(where: { $0.stem == file.stem && $0.name != file.name }) else { return nil }
            return try reader(of: now)
        }
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
        try listing().expired.map(facts)
    }

    /// All segments with records, and the facts of all whose records are gone, by one look at the directory.
    ///
    /// - Returns: the segments as `list()` gives them; of the others the names of their facts, in write order.
    /// - Throws: `SegmentError` of code `directoryUnusable`.
    package func survey() throws(SegmentError) -> (segments: [SegmentFile], expired: [SegmentName]) {
        let listing = try listing()
        return (listing.segments, listing.expired)
    }

    /// The facts of a segment whose records are gone, as a file that need not be there; its size is 0 then.
    ///
    /// - Parameter name: as `survey()` gave it.
    /// - Returns: the file.
    package func facts(_ name: SegmentName) -> SegmentFile {
        file(named: name.description)
            ?? SegmentFile(name: name, path: PathText.join(path, name.description), size: 0)
    }

    /// What lies in the directory, sorted out.
    func listing() throws(SegmentError) -> SegmentListing {
        do throws(PlatformError) {
            guard try files.status(of: path) != nil else { return SegmentListing() }
            var listing = SegmentListing()
            for name in try files.list(path) {
                guard let parsed = SegmentName(fileName: name) else { continue }
                let full = PathText.join(path, name)
                var size: Int64 = 0
                if parsed.part == .hot || parsed.part == .records {
                    guard let status = try files.status(of: full), !status.isDirectory else { continue }
                    size = status.size
                }
                listing.found.append(SegmentFile(name: parsed, path: full, size: size))
            }
            return listing
        } catch {
            throw SegmentError(.directoryUnusable, "The segment directory cannot be listed.", segment: path, cause: error)
        }
    }
}

/// The files of a directory of segments, by what they are.
struct SegmentListing {
    /// All that bear the name of a segment or of a part of one; sizes are known of those with records.
    var found: [SegmentFile] = []

    /// The latest generation of each segment that has a manifest.
    var sealed: [SegmentStem: Int] {
        var latest: [SegmentStem: Int] = [:]
        for file in found where file.fileName.part == .manifest {
            latest[file.stem] = max(latest[file.stem] ?? 0, file.fileName.generation)
        }
        return latest
    }

    /// The facts of sealed segments whose records are gone, in write order.
    var expired: [SegmentName] {
        let there = Set(segments.map(\.stem))
        return sealed.filter { !there.contains($0.key) }.map { SegmentName($0.key, generation: $0.value, .facts) }
            .sorted { $0.stem < $1.stem }
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
