// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Platform

/// A data set that is to be replaced, by what its manifest says.
struct ReplacedSet {
    let directory: String
    fileprivate let name: String?
    /// The names of its files, as it lists them.
    fileprivate let files: [String]
    private let ledger: String?
    private let redactedKinds: Set<String>
    private let head: LedgerHead?

    /// Reads a manifest; nil where it is none.
    fileprivate init?(manifest bytes: [UInt8], in directory: String) {
        guard let root = JSONDocument.read(bytes)?.root, root["format"]?.equals(DatasetManifest.format) == true else {
            return nil
        }
        self.directory = directory
        name = root["name"]?.string
        ledger = root["ledger"]?["name"]?.string
        head = root["ledger"]?["head"]?.string.flatMap(LedgerHead.init(text:))
        redactedKinds = Set((root["recipe"]?["redact"]?["kinds"]?.elements ?? JSONNode.noElements).compactMap(\.string))
        files = (root["files"]?.elements ?? JSONNode.noElements).compactMap { $0.text("name") }
    }

    /// Where its rows may be taken over from: nowhere, where the new recipe redacts what that build did not look for.
    func directory(redactedFor rules: RedactRules) -> String? {
        Set(rules.kindNames).isSubset(of: redactedKinds) ? directory : nil
    }

    /// The head that a ledger had behind that build, where it was built by this one.
    func head(of ledger: String) -> LedgerHead? { self.ledger?.utf8.elementsEqual(ledger.utf8) == true ? head : nil }
}

/// The directory of a data set: built beside its place, put there in one step.
///
/// Whoever looks at the place sees the old data set or the new one, whole. A build that died leaves a hidden directory
/// beside it, which the next build clears.
final class DatasetOutput {
    /// What every data set has, and nothing else has.
    static let files = ["eval.jsonl", "excluded.jsonl", "lineage.jsonl", "manifest.json", "report.html", "train.jsonl"]

    /// Where the files are written until they are published.
    let building: String
    /// What lies at the place now.
    private(set) var replaced: ReplacedSet?
    private let place: String
    private let parent: String
    private let retired: String
    private let name: String
    private let files: any DirectoryFileSystem
    private let lock: FileLock
    /// Whether what lies at `building` is the old data set.
    private var isExchanged = false

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
        let own = try there.contains("manifest.json") ? ownManifest() : nil
        let known = Set(DatasetOutput.files + (own?.files ?? []))
        if let stranger = there.first(where: { !known.contains($0) }) {
            throw DatasetError(
                .outputTaken, subject: place,
                "'\(place)' holds '\(stranger)', which is no part of a data set and would be lost: move it, or name another directory with --out."
            )
        }
        guard let own, own.name?.utf8.elementsEqual(name.utf8) == true else {
            throw DatasetError(
                .outputTaken, subject: place,
                "'\(place)' does not hold the data set '\(name)': move it away, or name another directory with --out.")
        }
        replaced = own
    }

    /// What the manifest that lies at the place says.
    private func ownManifest() throws -> ReplacedSet? {
        let bytes = try files.readFile(PathText.join(place, "manifest.json"), limit: DatasetLimits.manifestBytes)
        return ReplacedSet(manifest: bytes, in: place)
    }

    /// Puts the finished files in their place; what is left of the old ones, where it cannot be removed, the next build removes.
    func publish() throws {
        try files.syncDirectory(building)
        var old: String?
        if try files.status(of: place) == nil { try files.rename(building, to: place) } else { old = try replace() }
        try files.syncDirectory(parent)
        if let old { try? clear(old) }
        lock.release()
    }

    /// Lets new and old change their places.
    ///
    /// - Returns: where the old files are now.
    private func replace() throws -> String {
        do throws(PlatformError) {
            try files.exchange(building, place)
            isExchanged = true
            return building
        } catch {
            guard error.operation == "renameat2" else { throw error }
            // No exchange on this file system: two renames, and `recover()` for what may come between them.
            try files.rename(place, to: retired)
            do { try files.rename(building, to: place) } catch {
                try? files.rename(retired, to: place)
                throw error
            }
            return retired
        }
    }

    /// Removes what was built; the place stays as it was.
    ///
    /// What has been exchanged already stays until the next build: whether the exchange lasts is not known, and then both are needed.
    func abandon() throws {
        if !isExchanged { try clear(building) }
        lock.release()
    }

    private func clear(_ directory: String) throws {
        guard try files.status(of: directory) != nil else { return }
        for name in try files.list(directory) { try files.unlink(PathText.join(directory, name)) }
        try files.removeDirectory(directory)
    }
}
