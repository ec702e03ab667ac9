// SPDX-License-Identifier: Apache-2.0

/// How a file is opened.
package enum OpenMode: Sendable, Equatable {
    /// For reading; the file must exist.
    case read
    /// For appending; created where it is not there.
    case append
    /// For appending to a file that must not exist yet.
    case createNew
    /// For reading and writing; created where it is not there.
    case readWrite
}

/// What the file system says of a path.
package struct FileStatus: Sendable, Equatable {
    /// Bytes; 0 for a directory.
    package let size: Int64
    /// Whether it is a directory.
    package let isDirectory: Bool
    /// Last change of the content, microseconds since the epoch.
    package let modifiedAtUs: Int64

    /// A status from its parts.
    package init(size: Int64, isDirectory: Bool, modifiedAtUs: Int64) {
        self.size = size
        self.isDirectory = isDirectory
        self.modifiedAtUs = modifiedAtUs
    }
}

/// The file operations Weir needs, of the real system or of a faulty twin in memory.
///
/// All calls block and belong in the thread or task world, never on an event loop. Files are created with mode 0600,
/// directories with 0700. Paths are plain strings; no `..` is resolved here.
package protocol FileSystem: Sendable {
    /// Creates a directory and its parents; those that exist are left alone; those created are durable on return.
    func createDirectories(_ path: String) throws(PlatformError)
    /// The names in a directory, sorted by bytes, without `.` and `..`.
    func list(_ path: String) throws(PlatformError) -> [String]
    /// What a path is, or nil where nothing is there.
    func status(of path: String) throws(PlatformError) -> FileStatus?
    /// Opens a file.
    func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile
    /// Gives a file another name, replacing what had it; durable only after `syncDirectory`.
    func rename(_ from: String, to: String) throws(PlatformError)
    /// Gives a file a second name, which must not be there yet; durable only after `syncDirectory`.
    func link(_ from: String, to: String) throws(PlatformError)
    /// Removes a file's name; durable only after `syncDirectory`.
    func unlink(_ path: String) throws(PlatformError)
    /// Cuts a file to a size.
    func truncate(_ path: String, to size: Int64) throws(PlatformError)
    /// Makes the names of a directory durable.
    func syncDirectory(_ path: String) throws(PlatformError)
    /// Bytes a plain user may still write on the file system that holds the path.
    func freeBytes(at path: String) throws(PlatformError) -> Int64
    /// Creates a file of a size that must not exist yet, locked and mapped; its blocks are taken from the disk at once.
    func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile
    /// Maps a file whole and locks it; nil where a living process holds its lock. An empty file is an error.
    func openMapped(_ path: String) throws(PlatformError) -> MappedFile?
    /// Takes the exclusive lock of a path, created where it is not there; nil where somebody else holds it.
    func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)?
}

/// One open file; owned by one thread at a time, closed by `close()` or at the latest with the last reference.
package protocol OpenFile: AnyObject {
    /// The path it was opened by.
    var path: String { get }
    /// Appends all bytes, going on after short writes and interruptions.
    ///
    /// After an error an unknown prefix of the bytes may be in the file: ask `size()`, `truncate(to:)` back, or abandon it.
    func append(_ bytes: ArraySlice<UInt8>) throws(PlatformError)
    /// Reads up to `count` bytes at an offset; fewer only at the end of the file.
    func read(at offset: Int64, count: Int) throws(PlatformError) -> [UInt8]
    /// Cuts the file to a size.
    func truncate(to size: Int64) throws(PlatformError)
    /// Makes content and size durable; after an error the state is unknown: abandon the file, never retry.
    func sync() throws(PlatformError)
    /// The size in bytes.
    func size() throws(PlatformError) -> Int64
    /// Gives the descriptor back; later calls fail with EBADF. Closing twice is harmless.
    func close()
}

extension OpenFile {
    /// Appends a whole array; see the slice form.
    package func append(_ bytes: [UInt8]) throws(PlatformError) {
        try append(bytes[...])
    }
}

extension FileSystem {
    /// The size of a file; an error where it is not there.
    package func size(of path: String) throws(PlatformError) -> Int64 {
        guard let status = try status(of: path) else {
            throw PlatformError(errno: PlatformLimits.noEntry, operation: "stat", path: path)
        }
        return status.size
    }

    /// A whole file of at most `limit` bytes; a larger one is cut at the limit.
    package func readFile(_ path: String, limit: Int) throws(PlatformError) -> [UInt8] {
        let file = try open(path, .read)
        defer { file.close() }
        let size = try file.size()
        return try file.read(at: 0, count: Int(min(size, Int64(max(0, limit)))))
    }

    /// Replaces a file as a whole: written beside it, synced, renamed, directory synced.
    ///
    /// After a power cut either the old or the new content is there.
    /// - Parameters:
    ///   - path: the file to replace.
    ///   - bytes: its new content.
    /// - Throws: the first refusal; the old file is then still there.
    package func replaceFile(_ path: String, with bytes: [UInt8]) throws(PlatformError) {
        let temporary = path + ".tmp"
        if try status(of: temporary) != nil { try unlink(temporary) }
        let file = try open(temporary, .createNew)
        defer { file.close() }
        try file.append(bytes)
        try file.sync()
        try rename(temporary, to: path)
        try syncDirectory(PathText.parent(of: path))
    }
}

/// Paths as text.
package enum PathText {
    /// The directory part of a path: `/` for a child of the root, `.` where there is none.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A name inside a directory.
    package static func join(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    /// The last part of a path.
    package static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }
}
