// SPDX-License-Identifier: Apache-2.0
import Platform

/// The real file system, but for operations that a test lets fail.
struct FailingFiles: DirectoryFileSystem {
    private let files = PosixFileSystem()
    /// Whether an operation on a path fails, and with which number.
    let failure: @Sendable (_ operation: String, _ path: String) -> Int32?

    private func check(_ operation: String, _ path: String) throws(PlatformError) {
        if let number = failure(operation, path) { throw PlatformError(errno: number, operation: operation, path: path) }
    }

    func createDirectories(_ path: String) throws(PlatformError) { try files.createDirectories(path) }
    func list(_ path: String) throws(PlatformError) -> [String] { try files.list(path) }
    func status(of path: String) throws(PlatformError) -> FileStatus? { try files.status(of: path) }
    func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile {
        try check("open", path)
        return try files.open(path, mode)
    }
    func rename(_ from: String, to: String) throws(PlatformError) {
        try check("rename", from)
        try files.rename(from, to: to)
    }
    func link(_ from: String, to: String) throws(PlatformError) { try files.link(from, to: to) }
    func unlink(_ path: String) throws(PlatformError) {
        try check("unlink", path)
        try files.unlink(path)
    }
    func truncate(_ path: String, to size: Int64) throws(PlatformError) { try files.truncate(path, to: size) }
    func syncDirectory(_ path: String) throws(PlatformError) {
        try check("fsync", path)
        try files.syncDirectory(path)
    }
    func freeBytes(at path: String) throws(PlatformError) -> Int64 { try files.freeBytes(at: path) }
    func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile {
        try files.createMapped(path, bytes: bytes)
    }
    func openMapped(_ path: String) throws(PlatformError) -> MappedFile? { try files.openMapped(path) }
    func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)? { try files.tryLock(path) }
    func exchange(_ first: String, _ second: String) throws(PlatformError) {
        try check("renameat2", first)
        try files.exchange(first, second)
    }
    func removeDirectory(_ path: String) throws(PlatformError) { try files.removeDirectory(path) }
}
