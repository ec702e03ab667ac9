// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
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
