// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The files of the machine.
package struct PosixFileSystem: FileSystem {
    /// The one there is.
    package init() {}

    /// Creates a directory with mode 0700 and its parents, and syncs the parent of each created one.
    package func createDirectories(_ path: String) throws(PlatformError) {
        if try status(of: path)?.isDirectory == true { return }
        let parent = PathText.parent(of: path)
        if parent != path, parent != "." { try createDirectories(parent) }
        if unsafe Glibc.mkdir(path, 0o700) != 0 {
            let number = errno
            if number == EEXIST, try status(of: path)?.isDirectory == true { return }
            throw PlatformError(errno: number, operation: "mkdir", path: path)
        }
        try syncDirectory(parent)
    }

    /// The names in a directory, sorted by bytes.
    package func list(_ path: String) throws(PlatformError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            throw PlatformError(errno: errno, operation: "opendir", path: path)
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else { break }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix(while: { $0 != 0 }), as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw PlatformError(errno: errno, operation: "readdir", path: path) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Size, kind and time of a path; links are followed.
    package func status(of path: String) throws(PlatformError) -> FileStatus? {
        var raw = stat()
        guard unsafe stat(path, &raw) == 0 else {
            if errno == ENOENT { return nil }
            throw PlatformError(errno: errno, operation: "stat", path: path)
        }
        let isDirectory = raw.st_mode & S_IFMT == S_IFDIR
        let modified = Int64(raw.st_mtim.tv_sec) * 1_000_000 + Int64(raw.st_mtim.tv_nsec) / 1_000
        return FileStatus(size: isDirectory ? 0 : Int64(raw.st_size), isDirectory: isDirectory, modifiedAtUs: modified)
    }

    /// Opens a file with close-on-exec, created with mode 0600.
    package func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .append: O_WRONLY | O_CREAT | O_APPEND
            case .createNew: O_RDWR | O_CREAT | O_EXCL | O_APPEND
            case .readWrite: O_RDWR | O_CREAT
            }
        let descriptor = try PosixFileSystem.openDescriptor(path, flags)
        return PosixFile(path: path, descriptor: descriptor, appendsByOffset: mode == .readWrite)
    }

    /// Renames a file.
    package func rename(_ from: String, to: String) throws(PlatformError) {
        guard unsafe Glibc.rename(from, to) == 0 else { throw PlatformError(errno: errno, operation: "rename", path: from) }
    }

    /// Gives a file a second name.
    package func link(_ from: String, to: String) throws(PlatformError) {
        guard unsafe Glibc.link(from, to) == 0 else { throw PlatformError(errno: errno, operation: "link", path: from) }
    }

    /// Removes a file's name.
    package func unlink(_ path: String) throws(PlatformError) {
        guard unsafe Glibc.unlink(path) == 0 else { throw PlatformError(errno: errno, operation: "unlink", path: path) }
    }

    /// Cuts a file.
    package func truncate(_ path: String, to size: Int64) throws(PlatformError) {
        guard unsafe Glibc.truncate(path, off_t(size)) == 0 else {
            throw PlatformError(errno: errno, operation: "truncate", path: path)
        }
    }

    /// Syncs a directory.
    package func syncDirectory(_ path: String) throws(PlatformError) {
        let descriptor = try PosixFileSystem.openDescriptor(path, O_RDONLY | O_DIRECTORY)
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw PlatformError(errno: errno, operation: "fsync", path: path) }
    }

    /// Free bytes for a plain user.
    package func freeBytes(at path: String) throws(PlatformError) -> Int64 {
        var raw = statvfs()
        guard unsafe statvfs(path, &raw) == 0 else { throw PlatformError(errno: errno, operation: "statvfs", path: path) }
        let (bytes, overflow) = UInt64(raw.f_bavail).multipliedReportingOverflow(by: UInt64(raw.f_frsize))
        return overflow ? Int64.max : Int64(clamping: bytes)
    }

    /// Whether a path still leads to the file that is open.
    static func isNamed(_ descriptor: Int32, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        guard unsafe fstat(descriptor, &opened) == 0, unsafe stat(path, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }

    static func openDescriptor(_ path: String, _ flags: Int32) throws(PlatformError) -> Int32 {
        while true {
            let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw PlatformError(errno: errno, operation: "open", path: path) }
        }
    }
}

/// An open descriptor; owned by one thread at a time.
final class PosixFile: OpenFile {
    let path: String
    private var descriptor: Int32
    private let appendsByOffset: Bool

    init(path: String, descriptor: Int32, appendsByOffset: Bool) {
        self.path = path
        self.descriptor = descriptor
        self.appendsByOffset = appendsByOffset
    }

    deinit { close() }

    func append(_ bytes: ArraySlice<UInt8>) throws(PlatformError) {
        if appendsByOffset, lseek(descriptor, 0, SEEK_END) < 0 { throw failure("lseek") }
        let target = descriptor
        let stopped = WriteLoop.run(bytes) { slice in
            let count = unsafe slice.withUnsafeBytes { unsafe Glibc.write(target, $0.baseAddress, $0.count) }
            return count < 0 ? .failed(errno) : .wrote(count)
        }
        if let stopped { throw PlatformError(errno: stopped, operation: "write", path: path) }
    }

    func read(at offset: Int64, count: Int) throws(PlatformError) -> [UInt8] {
        guard count > 0, offset >= 0 else { return [] }
        var failed: Int32?
        let source = descriptor
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let want = min(count - filled, PlatformLimits.ioChunkBytes)
                let target = unsafe buffer.baseAddress.map { unsafe $0 + filled }
                let got = unsafe Glibc.pread(source, target, want, off_t(offset) + off_t(filled))
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    break
                } else if errno != EINTR {
                    failed = errno
                    break
                }
            }
        }
        if let failed { throw PlatformError(errno: failed, operation: "pread", path: path) }
        return bytes
    }

    func truncate(to size: Int64) throws(PlatformError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw failure("ftruncate") }
    }

    func sync() throws(PlatformError) {
        guard fdatasync(descriptor) == 0 else { throw failure("fdatasync") }
    }

    func size() throws(PlatformError) -> Int64 {
        var raw = stat()
        guard unsafe fstat(descriptor, &raw) == 0 else { throw failure("fstat") }
        return Int64(raw.st_size)
    }

    func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    private func failure(_ operation: String) -> PlatformError {
        PlatformError(errno: errno, operation: operation, path: path)
    }
}
