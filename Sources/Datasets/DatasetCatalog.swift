// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import Platform

/// A file of a data set, as its manifest has it.
package struct CatalogFile: Equatable, Sendable {
    /// Its name in the data set's directory.
    package let name: String
    /// Hex SHA-256 of its bytes.
    package let sha256: String
    /// Its lines.
    package let rows: Int64
    /// Its size.
    package let bytes: Int64
}

/// A data set that was built: what its manifest says.
package struct CatalogEntry: Equatable, Sendable {
    /// Where it lies.
    package let directory: String
    /// Its name.
    package let name: String
    /// The program that built it.
    package let tool: String
    /// Hex SHA-256 of its recipe.
    package let recipeSHA256: String
    /// Hex SHA-256 of the manifest itself.
    package let manifestSHA256: String
    /// Rows to train on.
    package let trainRows: Int64
    /// Rows to measure with.
    package let evalRows: Int64
    /// Exchanges that it was made from.
    package let seen: Int64
    /// What was dropped, by reason.
    package let dropped: [(reason: String, count: Int64)]
    /// Its files, sorted by name.
    package let files: [CatalogFile]
    /// The recipe as the manifest has it.
    package let recipe: String

    /// Equal where the manifests and their places are.
    package static func == (a: CatalogEntry, b: CatalogEntry) -> Bool {
        a.directory == b.directory && a.manifestSHA256 == b.manifestSHA256
    }
}

/// What lies in a directory of data sets.
package struct CatalogListing {
    /// The data sets, sorted by name.
    package fileprivate(set) var entries: [CatalogEntry] = []
    /// What is none, or is damaged: a sentence each, with the path.
    package fileprivate(set) var faults: [String] = []
}

/// Data sets that lie on disk.
package struct DatasetCatalog {
    private let files: any DirectoryFileSystem

    /// A catalog of what a file system holds.
    package init(files: any DirectoryFileSystem) { self.files = files }

    /// The data sets in a directory; hidden names are passed over, and what else is no data set is named.
    ///
    /// - Throws: `PlatformError` where the directory cannot be listed.
    package func list(in directory: String) throws -> CatalogListing {
        var listing = CatalogListing()
        guard let status = try files.status(of: directory) else { return listing }
        guard status.isDirectory else {
            listing.faults = [damaged(directory, "is no directory: move it, data sets are kept under its name").message]
            return listing
        }
        for name in try files.list(directory) where !name.hasPrefix(".") {
            let place = PathText.join(directory, name)
            do { listing.entries.append(try entry(at: place)) } catch let error as DatasetError {
                listing.faults.append(error.message)
            } catch let error as PlatformError {
                listing.faults.append("'\(place)' cannot be read: \(error.message)")
            }
        }
        listing.entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return listing
    }

    /// One data set.
    ///
    /// - Throws: `DatasetError` `.damagedSet` where there is none, or its manifest is none of ours.
    package func entry(at directory: String) throws -> CatalogEntry {
        let path = PathText.join(directory, "manifest.json")
        guard let status = try files.status(of: directory) else { throw damaged(directory, "is not there") }
        guard status.isDirectory else { throw damaged(directory, "is a file: a data set is a directory") }
        guard try files.status(of: path) != nil else {
            throw damaged(directory, "holds no manifest.json: it is no data set")
        }
        let bytes = try files.readFile(path, limit: DatasetLimits.manifestBytes)
        guard let root = JSONDocument.read(bytes)?.root, root["format"]?.equals(DatasetManifest.format) == true else {
            throw damaged(directory, "has a manifest.json that is none of a data set")
        }
        guard let version = root["format_version"]?.int, version == DatasetManifest.formatVersion else {
            let found = root["format_version"]?.int.map { "version \($0)" } ?? "no version"
            throw damaged(
                directory,
                "has a manifest of \(found), and this Weir reads version \(DatasetManifest.formatVersion): build it again")
        }
        let funnel = root["funnel"]
        var dropped: [(reason: String, count: Int64)] = []
        for (key, value) in funnel?["dropped"]?.members ?? JSONNode.noMembers {
            if let reason = key.string, let count = value.int { dropped.append((reason, count)) }
        }
        let entry = CatalogEntry(
            directory: directory, name: root["name"]?.string ?? "", tool: root["tool"]?.string ?? "",
            recipeSHA256: root["recipe_sha256"]?.string ?? "", manifestSHA256: Hex.encode(SHA256.hash(data: bytes)),
            trainRows: funnel?["train_rows"]?.int ?? 0, evalRows: funnel?["eval_rows"]?.int ?? 0, seen: funnel?["seen"]?.int ?? 0,
            dropped: dropped, files: try seals(root, directory),
            recipe: root["recipe"].map { String(decoding: $0.lexeme, as: UTF8.self) } ?? "")
        guard !entry.name.isEmpty else { throw damaged(directory, "has a manifest without a name") }
        return entry
    }

    private func seals(_ root: JSONNode, _ directory: String) throws(DatasetError) -> [CatalogFile] {
        var seals: [CatalogFile] = []
        for node in root["files"]?.elements ?? JSONNode.noElements {
            guard let name = node["name"]?.string, let sha256 = node["sha256"]?.string, let rows = node["rows"]?.int,
                let bytes = node["bytes"]?.int, !name.contains("/"), !name.hasPrefix(".")
            else { throw damaged(directory, "has a manifest whose list of files is broken") }
            seals.append(CatalogFile(name: name, sha256: sha256, rows: rows, bytes: bytes))
        }
        return seals
    }

    /// The files that are not as the manifest has them, each with what is wrong.
    ///
    /// - Throws: `PlatformError` where a file cannot be read.
    package func faults(of entry: CatalogEntry, progress: (Int64) -> Void = { _ in }) throws -> [String] {
        var faults: [String] = []
        for seal in entry.files {
            let path = PathText.join(entry.directory, seal.name)
            guard try files.status(of: path) != nil else {
                faults.append("\(seal.name) is missing")
                continue
            }
            let found = try measure(path, name: seal.name, progress)
            if found != seal { faults.append(fault(seal, found)) }
        }
        let known = Set(entry.files.map(\.name) + DatasetOutput.files)
        for name in try files.list(entry.directory) where !known.contains(name) { faults.append("\(name) is in no manifest") }
        return faults
    }

    private func fault(_ seal: CatalogFile, _ found: CatalogFile) -> String {
        guard found.bytes == seal.bytes else { return "\(seal.name) has \(found.bytes) bytes, the manifest says \(seal.bytes)" }
        return
            "\(seal.name) has other bytes than the manifest says (SHA-256 \(found.sha256.prefix(16)), not \(seal.sha256.prefix(16)))"
    }

    private func measure(_ path: String, name: String, _ progress: (Int64) -> Void) throws -> CatalogFile {
        let file = try files.open(path, .read)
        defer { file.close() }
        var hasher = SHA256()
        var (rows, offset) = (Int64(0), Int64(0))
        while true {
            let bytes = try file.read(at: offset, count: DatasetLimits.writeBytes)
            guard !bytes.isEmpty else { break }
            hasher.update(data: bytes)
            rows += Int64(bytes.count { $0 == 0x0A })
            offset += Int64(bytes.count)
            progress(offset)
        }
        return CatalogFile(name: name, sha256: Hex.encode(hasher.finalize()), rows: rows, bytes: offset)
    }

    private func damaged(_ directory: String, _ what: String) -> DatasetError {
        DatasetError(.damagedSet, subject: directory, "'\(directory)' \(what).")
    }
}
