// SPDX-License-Identifier: Apache-2.0
package import Platform

/// A segment as its directory shows it.
package struct SegmentFile: Sendable, Equatable {
    /// The file name.
    package let name: String
    /// The path to open.
    package let path: String
    /// The node's name as file names carry it.
    package let node: String
    /// Start of the writer.
    package let epoch: UInt64
    /// Number of the segment within the epoch.
    package let sequence: UInt64
    /// Bytes when it was listed.
    package let size: Int64

    /// The name of a segment.
    package static func name(node: String, epoch: UInt64, sequence: UInt64) -> String {
        let hex = String(epoch, radix: 16)
        let number = String(sequence)
        let paddedHex = String(repeating: "0", count: max(0, 16 - hex.count)) + hex
        let paddedNumber = String(repeating: "0", count: max(0, 8 - number.count)) + number
        return "\(node)-\(paddedHex)-\(paddedNumber)\(SegmentFormat.hotExtension)"
    }

    /// The parts of a segment's name, or nil where it is not one.
    package static func parse(_ name: String) -> (node: String, epoch: UInt64, sequence: UInt64)? {
        guard name.hasSuffix(SegmentFormat.hotExtension) else { return nil }
        let parts = name.dropLast(SegmentFormat.hotExtension.utf8.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, let sequence = UInt64(parts[parts.count - 1]),
            let epoch = UInt64(parts[parts.count - 2], radix: 16)
        else { return nil }
        let node = parts.dropLast(2).joined(separator: "-")
        // Writing the name again refuses signs, short numbers and odd letters.
        guard node == SegmentFormat.nodeName(node), self.name(node: node, epoch: epoch, sequence: sequence) == name else {
            return nil
        }
        return (node, epoch, sequence)
    }
}

/// A directory of segments.
package struct SegmentDirectory: Sendable {
    /// The file system it lies on.
    package let files: any FileSystem
    /// Its path.
    package let path: String

    /// A directory that need not exist yet.
    package init(files: any FileSystem, path: String) {
        self.files = files
        self.path = path
    }

    /// All segments in write order: by epoch, node, sequence.
    ///
    /// Other files are passed over.
    /// - Returns: the segments; none where the directory does not exist.
    /// - Throws: `SegmentError` of code `directoryUnusable` where it cannot be listed.
    package func list() throws(SegmentError) -> [SegmentFile] {
        do {
            guard try files.status(of: path) != nil else { return [] }
            var found: [SegmentFile] = []
            for name in try files.list(path) {
                guard let parts = SegmentFile.parse(name) else { continue }
                let full = PathText.join(path, name)
                guard let status = try files.status(of: full), !status.isDirectory else { continue }
                found.append(
                    SegmentFile(
                        name: name, path: full, node: parts.node, epoch: parts.epoch, sequence: parts.sequence, size: status.size)
                )
            }
            return found.sorted { ($0.epoch, $0.node, $0.sequence) < ($1.epoch, $1.node, $1.sequence) }
        } catch {
            throw SegmentError(.directoryUnusable, "The segment directory cannot be listed.", segment: path, cause: error)
        }
    }

    /// A segment by its name.
    ///
    /// - Returns: the segment; nil where it is gone or the name is not a segment's.
    package func file(named name: String) -> SegmentFile? {
        guard let parts = SegmentFile.parse(name) else { return nil }
        let full = PathText.join(path, name)
        guard let status = try? files.status(of: full), !status.isDirectory else { return nil }
        return SegmentFile(
            name: name, path: full, node: parts.node, epoch: parts.epoch, sequence: parts.sequence, size: status.size)
    }
}
