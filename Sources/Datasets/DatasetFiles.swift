// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel
import Platform

/// What the manifest says of a file.
struct FileSeal: Equatable {
    let name: String
    let sha256: String
    let rows: Int64
    let bytes: Int64
}

/// Writes one file of lines through a buffer, hashing as it goes.
struct LineFile {
    private let file: any OpenFile
    private let name: String
    private var buffer: [UInt8] = []
    private var hasher = SHA256()
    private var rows: Int64 = 0
    private var bytes: Int64 = 0

    init(_ name: String, in directory: String, files: any FileSystem) throws(PlatformError) {
        self.name = name
        file = try files.open(PathText.join(directory, name), .createNew)
    }

    /// Appends a line.
    ///
    /// - Parameter line: without its newline.
    /// - Throws: where the disk refuses.
    mutating func append(_ line: some Collection<UInt8>) throws(PlatformError) {
        buffer.append(contentsOf: line)
        buffer.append(0x0A)
        rows += 1
        if buffer.count >= DatasetLimits.writeBytes { try flush() }
    }

    private mutating func flush() throws(PlatformError) {
        hasher.update(data: buffer)
        bytes += Int64(buffer.count)
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes the file durable and closes it.
    mutating func seal() throws(PlatformError) -> FileSeal {
        try flush()
        try file.sync()
        file.close()
        return FileSeal(name: name, sha256: Hex.encode(hasher.finalize()), rows: rows, bytes: bytes)
    }
}

/// Rows in the order in which the source delivered them, to be read back in the order of the files.
struct RowSpill {
    static let name = "rows.spill"

    private struct Place {
        let offset: Int64
        let row: Int
        let lineage: Int
    }

    private let file: any OpenFile
    private let files: any FileSystem
    private var places: [ExchangeID: Place] = [:]
    private var buffer: [UInt8] = []
    private var end: Int64 = 0

    init(in directory: String, files: any FileSystem) throws(PlatformError) {
        self.files = files
        file = try files.open(PathText.join(directory, RowSpill.name), .readWrite)
    }

    var count: Int { places.count }

    func holds(_ key: ExchangeID) -> Bool { places[key] != nil }

    mutating func append(_ key: ExchangeID, row: [UInt8], lineage: [UInt8]) throws(PlatformError) {
        places[key] = Place(offset: end, row: row.count, lineage: lineage.count)
        buffer += row
        buffer += lineage
        end += Int64(row.count) + Int64(lineage.count)
        if buffer.count >= DatasetLimits.writeBytes { try flush() }
    }

    mutating func flush() throws(PlatformError) {
        guard !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// A row and the middle part of its lineage, or nil where it was never put here; call `flush()` before the first read.
    func read(_ key: ExchangeID) throws(PlatformError) -> (row: ArraySlice<UInt8>, lineage: ArraySlice<UInt8>)? {
        guard let place = places[key] else { return nil }
        let bytes = try file.read(at: place.offset, count: place.row + place.lineage)
        guard bytes.count == place.row + place.lineage else { return nil }
        return (bytes[..<place.row], bytes[place.row...])
    }

    /// Removes the file.
    func remove() throws(PlatformError) {
        file.close()
        try files.unlink(file.path)
    }
}
