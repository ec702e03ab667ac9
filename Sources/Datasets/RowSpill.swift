// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Platform

/// Blocks of bytes in the order in which the source delivered their exchanges, to be read back in the order of the files.
struct RowSpill {
    private struct Place {
        let offset: Int64
        let count: Int
    }

    private let file: any OpenFile
    private let files: any FileSystem
    private var places: [ExchangeID: Place] = [:]
    private var buffer: [UInt8] = []
    private var end: Int64 = 0

    init(_ name: String, in directory: String, files: any FileSystem) throws(PlatformError) {
        self.files = files
        file = try files.open(PathText.join(directory, name), .readWrite)
    }

    var count: Int { places.count }

    func holds(_ key: ExchangeID) -> Bool { places[key] != nil }

    mutating func append(_ key: ExchangeID, _ block: [UInt8]) throws(PlatformError) {
        places[key] = Place(offset: end, count: block.count)
        buffer += block
        end += Int64(block.count)
        if buffer.count >= DatasetLimits.writeBytes { try flush() }
    }

    /// Writes what is held; to be called before the first read.
    mutating func flush() throws(PlatformError) {
        guard !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// A block, or nil where it was never put here or the file gives less than it was given.
    func read(_ key: ExchangeID) throws(PlatformError) -> [UInt8]? {
        guard let place = places[key] else { return nil }
        let bytes = try file.read(at: place.offset, count: place.count)
        return bytes.count == place.count ? bytes : nil
    }

    /// Removes the file.
    func remove() throws(PlatformError) {
        file.close()
        try files.unlink(file.path)
    }
}
