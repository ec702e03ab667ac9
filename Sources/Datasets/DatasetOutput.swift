// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform

/// The directory of a data set: built beside its place, put there in one step.
///
/// Whoever looks at the place sees the old data set or the new one, whole. A build that died leaves a hidden directory
/// beside it, which the next build clears.
final class DatasetOutput {
    static let files = ["eval.jsonl", "excluded.jsonl", "lineage.jsonl", "manifest.json", "report.html", "train.jsonl"]

    /// Where the files are written until they are published.
    let building: String
    private let place: String
    private let parent: String
    private let retired: String
    private let name: String
    private let files: any DirectoryFileSystem
    private let lock: FileLock

    /// Takes the place.
    ///
    /// - Throws: `DatasetError` `.outputTaken` where something else lies there, `.outputBusy` where another build runs.
    init(place: String, name: String, files: any DirectoryFileSystem) throws {
        var trimmed = place
        while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.place = trimmed
        self.name = name
        self.files = files
        parent = PathText.parent(of: trimmed)
        let base = PathText.name(of: trimmed)
        guard !base.isEmpty, base != ".", base != ".." else {
            throw DatasetError(
                .outputTaken, subject: place, "'\(place)' cannot be replaced as a whole: name a directory of its own.")
        }
        building = PathText.join(parent, ".\(base).building")
        retired = PathText.join(parent, ".\(base).retired")
        try files.createDirectories(parent)
        lock = FileLock(path: PathText.join(parent, ".\(base).lock"))
        guard try lock.tryAcquire() else {
            throw DatasetError(.outputBusy, subject: place, "Another build is writing '\(place)': wait for it to end.")
        }
        try recover()
        try checkPlace()
        try clear(building)
        try files.createDirectories(building)
    }

    /// Finishes or undoes what a build that died left half done.
    private func recover() throws {
        guard try files.status(of: retired) != nil else { return }
        if try files.status(of: place) == nil { try files.rename(retired, to: place) } else { try clear(retired) }
    }

    private func checkPlace() throws {
        guard let status = try files.status(of: place) else { return }
        guard status.isDirectory else {
            throw DatasetError(.outputTaken, subject: place, "'\(place)' is a file: name another directory with --out.")
        }
        let there = try files.list(place)
        if there.isEmpty { return }
        if let stranger = there.first(where: { !DatasetOutput.files.contains($0) }) {
            throw DatasetError(
                .outputTaken, subject: place,
                "'\(place)' holds '\(stranger)', which is no part of a data set and would be lost: move it, or name another directory with --out."
            )
        }
        guard there.contains("manifest.json"), try ownName() == name else {
            throw DatasetError(
                .outputTaken, subject: place,
                "'\(place)' does not hold the data set '\(name)': move it away, or name another directory with --out.")
        }
    }

    /// The name in the manifest that lies at the place.
    private func ownName() throws -> String? {
        let bytes = try files.readFile(PathText.join(place, "manifest.json"), limit: DatasetLimits.manifestBytes)
        guard let root = JSONDocument.read(bytes)?.root, root["format"]?.equals(DatasetManifest.format) == true else {
            return nil
        }
        return root["name"]?.string
    }

    /// Puts the finished files in their place.
    func publish() throws {
        try files.syncDirectory(building)
        if try files.status(of: place) == nil {
            try files.rename(building, to: place)
        } else {
            try replace()
        }
        try files.syncDirectory(parent)
        lock.release()
    }

    private func replace() throws {
        do {
            try files.exchange(building, place)
            try clear(building)
        } catch let error as PlatformError where error.operation == "renameat2" {
            // No exchange on this file system: two renames, and `recover()` for what may come between them.
            try files.rename(place, to: retired)
            try files.rename(building, to: place)
            try clear(retired)
        }
    }

    /// Removes what was built; the place stays as it was.
    func abandon() throws {
        try clear(building)
        lock.release()
    }

    private func clear(_ directory: String) throws {
        guard try files.status(of: directory) != nil else { return }
        for name in try files.list(directory) { try files.unlink(PathText.join(directory, name)) }
        try files.removeDirectory(directory)
    }
}
