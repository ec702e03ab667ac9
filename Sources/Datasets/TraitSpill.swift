// SPDX-License-Identifier: Apache-2.0
import Platform
import Separation

/// Traits of rows on disk, to be read back by place: a row of 2 KB has about 5 KB of them, too much for memory.
struct TraitSpill {
    static let name = "traits.spill"

    /// Where the traits of one row lie.
    struct Place {
        let offset: Int64
        let count: Int
    }

    private let file: any OpenFile
    private let files: any FileSystem
    private var buffer: [UInt8] = []
    private var end: Int64 = 0

    init(in directory: String, files: any FileSystem) throws(PlatformError) {
        self.files = files
        file = try files.open(PathText.join(directory, TraitSpill.name), .readWrite)
    }

    mutating func append(_ traits: SeparationTraits) throws(PlatformError) -> Place {
        let bytes = traits.encoded
        let place = Place(offset: end, count: bytes.count)
        buffer += bytes
        end += Int64(bytes.count)
        if buffer.count >= DatasetLimits.writeBytes { try flush() }
        return place
    }

    /// Writes what is held; to be called before the first read.
    mutating func flush() throws(PlatformError) {
        guard !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The traits at a place.
    ///
    /// - Throws: `PlatformError`, or `SeparationError` where the disk gives other bytes than it was given.
    func read(_ place: Place) throws -> SeparationTraits { try SeparationTraits(encoded: try bytes(at: place)) }

    /// The traits at a place, as they were encoded.
    func bytes(at place: Place) throws(PlatformError) -> [UInt8] { try file.read(at: place.offset, count: place.count) }

    /// Removes the file.
    func remove() throws(PlatformError) {
        file.close()
        try files.unlink(file.path)
    }
}
