// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import FactStore
import Platform
package import SegmentLog

/// Builds the index anew from segments and sidecars, beside the old one, and puts it in its place.
///
/// Thread world. Nobody else indexes, seals or removes meanwhile; questions are answered from the old index until the moment of the
/// change. A death before that leaves the old index as it was.
package struct IndexRebuild {
    private let paths: IndexPaths
    private let directory: SegmentDirectory
    private let reading: (ExchangeRecord) -> ExchangeReading
    private let pricer: (any FactPricer)?
    private let declared: [String]?

    /// A rebuilding that has not begun.
    ///
    /// - Parameters:
    ///   - paths: where the index lies.
    ///   - directory: the segments.
    ///   - pricer: says what an exchange costs.
    ///   - declared: metadata keys that rollups are told apart by; nil takes those of the old index.
    ///   - reading: says what a record's bytes mean.
    package init(
        paths: IndexPaths, directory: SegmentDirectory, pricer: (any FactPricer)? = nil, declared: [String]? = nil,
        reading: @escaping (ExchangeRecord) -> ExchangeReading
    ) {
        self.paths = paths
        self.pricer = pricer
        self.declared = declared
        self.directory = directory
        self.reading = reading
    }

    private var new: String { paths.index + ".new" }

    /// Builds and changes over.
    ///
    /// - Parameters:
    ///   - options: time and stopping; where the pass cannot finish, the old index stays.
    ///   - progress: told after every commit what was done so far.
    /// - Returns: what the pass did.
    /// - Throws: `IndexingError` of code `locked` where another indexes or seals, `FactStoreError` where an index cannot be written,
    ///   `PlatformError` where files cannot be removed or renamed.
    package func run(_ options: IndexPassOptions, progress: @escaping (IndexReport) -> Void = { _ in }) throws -> IndexReport {
        let lock = IndexLock(path: paths.lock)
        try lock.acquire(waitUs: options.maxDurationUs)
        defer { lock.release() }
        guard let sealing = try directory.sealersLock() else {
            throw IndexingError(
                code: .locked, message: "another process seals or erases in \(directory.path); try again when it is done",
                path: directory.path)
        }
        defer { sealing.release() }
        try remove(new)
        defer { try? remove(new) }
        let store = try FactStore.open(path: new, mode: .readWrite)
        let pass = IndexPass(
            store: store, directory: directory, lock: IndexLock(path: new + ".lock"), pricer: pricer, reading: reading)
        var report = try pass.run(options, progress: progress)
        guard report.isCaughtUp else { return report }
        let columns = ColumnBuilding(store: store, lock: IndexLock(path: new + ".lock"), declared: declared ?? declaredBefore())
        report.built = try columns.run(options)
        try store.settle()
        try changeOver()
        return report
    }

    /// What the old index has declared; nil where it cannot be read, which may be why a new one is built.
    private func declaredBefore() -> [String]? {
        try? FactStore.open(path: paths.index, mode: .readOnly).readColumns { try $0.declaredKeys() }
    }

    private func changeOver() throws {
        // What is still in its write-ahead log belongs to the old index alone. One that cannot be opened has nothing worth keeping.
        if let old = try? FactStore.open(path: paths.index, mode: .readWrite) { try old.settle() }
        for suffix in ["-wal", "-shm"] { try remove(file: paths.index + suffix) }
        try directory.files.rename(new, to: paths.index)
        try directory.files.syncDirectory(PathText.parent(of: paths.index))
    }

    private func remove(_ index: String) throws(PlatformError) {
        for suffix in ["", "-wal", "-shm", ".lock"] { try remove(file: index + suffix) }
    }

    private func remove(file: String) throws(PlatformError) {
        if try directory.files.status(of: file) != nil { try directory.files.unlink(file) }
    }
}
