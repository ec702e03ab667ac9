// SPDX-License-Identifier: Apache-2.0
import Platform

/// A file system that asks a test before some calls, and tells it of appends that are done.
final class WatchedFiles: FileSystem {
    enum Step: Sendable { case openMapped, unlink, tryLock, append, sync }

    private let files: any FileSystem
    private let refusing: @Sendable (Step, String) -> Int32?
    private let appended: @Sendable (String) -> Void

    /// - Parameters:
    ///   - files: what does the work.
    ///   - refusing: the error number of a call that is to fail.
    ///   - appended: told of every append to a file, on the thread that made it.
    init(
        _ files: any FileSystem = PosixFileSystem(), refusing: @escaping @Sendable (Step, String) -> Int32? = { _, _ in nil },
        appended: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.files = files
        self.refusing = refusing
        self.appended = appended
    }

    private func check(_ call: Step, _ path: String) throws(PlatformError) {
        if let number = refusing(call, path) { throw PlatformError(errno: number, operation: "\(call)", path: path) }
    }

    func createDirectories(_ path: String) throws(PlatformError) { try files.createDirectories(path) }
    func list(_ path: String) throws(PlatformError) -> [String] { try files.list(path) }
    func status(of path: String) throws(PlatformError) -> FileStatus? { try files.status(of: path) }
    func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile {
        WatchedFile(try files.open(path, mode), refusing, appended)
    }
    func rename(_ from: String, to: String) throws(PlatformError) { try files.rename(from, to: to) }
    func link(_ from: String, to: String) throws(PlatformError) { try files.link(from, to: to) }
    func unlink(_ path: String) throws(PlatformError) {
        try check(.unlink, path)
        try files.unlink(path)
    }
    func truncate(_ path: String, to size: Int64) throws(PlatformError) { try files.truncate(path, to: size) }
    func syncDirectory(_ path: String) throws(PlatformError) { try files.syncDirectory(path) }
    func freeBytes(at path: String) throws(PlatformError) -> Int64 { try files.freeBytes(at: path) }
    func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile {
        try files.createMapped(path, bytes: bytes)
    }
    func openMapped(_ path: String) throws(PlatformError) -> MappedFile? {
        try check(.openMapped, path)
        return try files.openMapped(path)
    }
    func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)? {
        try check(.tryLock, path)
        return try files.tryLock(path)
    }
}

private final class WatchedFile: OpenFile {
    private let file: any OpenFile
    private let refusing: @Sendable (WatchedFiles.Step, String) -> Int32?
    private let appended: @Sendable (String) -> Void

    init(
        _ file: any OpenFile, _ refusing: @escaping @Sendable (WatchedFiles.Step, String) -> Int32?,
        _ appended: @escaping @Sendable (String) -> Void
    ) {
        self.file = file
        self.refusing = refusing
        self.appended = appended
    }

    var path: String { file.path }
    func append(_ bytes: ArraySlice<UInt8>) throws(PlatformError) {
        if let number = refusing(.append, file.path) { throw PlatformError(errno: number, operation: "write", path: file.path) }
        try file.append(bytes)
        appended(file.path)
    }
    func read(at offset: Int64, count: Int) throws(PlatformError) -> [UInt8] { try file.read(at: offset, count: count) }
    func truncate(to size: Int64) throws(PlatformError) { try file.truncate(to: size) }
    func sync() throws(PlatformError) {
        if let number = refusing(.sync, file.path) { throw PlatformError(errno: number, operation: "fdatasync", path: file.path) }
        try file.sync()
    }
    func size() throws(PlatformError) -> Int64 { try file.size() }
    func close() { file.close() }
}
