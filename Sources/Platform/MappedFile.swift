// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Memory shared with a file: what is stored there survives the death of the process, and nothing is written by hand.
///
/// The file is locked by this process as long as the object lives; the kernel frees the lock when the process dies.
/// A power cut may lose what the kernel has not written yet.
///
/// Unchecked: the address and the size never change; who touches which bytes when is decided by the owner's atomics.
@safe package final class MappedFile: @unchecked Sendable {
    /// The first byte; page-aligned.
    package let base: UnsafeMutableRawPointer
    /// Bytes.
    package let count: Int
    /// The file's path; empty for memory without a file.
    package let path: String
    private let descriptor: Int32

    init(base: UnsafeMutableRawPointer, count: Int, path: String, descriptor: Int32) {
        unsafe self.base = base
        self.count = count
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        unsafe munmap(base, count)
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Whether a file lies behind it, so that it survives the process.
    package var isDurable: Bool { descriptor >= 0 }

    /// Zeroed memory without a file.
    ///
    /// - Throws: `PlatformError` where there is none.
    package static func anonymous(bytes: Int) throws(PlatformError) -> MappedFile {
        let base = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base = unsafe base, unsafe base != MAP_FAILED else {
            throw PlatformError(errno: errno, operation: "mmap", path: "")
        }
        return unsafe MappedFile(base: base, count: bytes, path: "", descriptor: -1)
    }

    /// Maps an open descriptor, which it then owns, also where this throws.
    static func map(_ descriptor: Int32, bytes: Int, path: String) throws(PlatformError) -> MappedFile {
        let base = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let base = unsafe base, unsafe base != MAP_FAILED else {
            let number = errno
            _ = Glibc.close(descriptor)
            throw PlatformError(errno: number, operation: "mmap", path: path)
        }
        return unsafe MappedFile(base: base, count: bytes, path: path, descriptor: descriptor)
    }
}

extension PosixFileSystem {
    /// Creates a file that must not exist yet, locks it, takes its blocks from the disk at once, and maps it.
    package func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile {
        let descriptor = try PosixFileSystem.openDescriptor(path, O_RDWR | O_CREAT | O_EXCL)
        // All blocks now: a store to a page that finds the disk full would kill the process.
        var failed: (String, Int32)?
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 { failed = ("flock", errno) }
        if failed == nil {
            let number = posix_fallocate(descriptor, 0, off_t(bytes))
            if number != 0 { failed = ("fallocate", number) }
        }
        if let (operation, number) = failed {
            _ = unsafe Glibc.unlink(path)
            _ = Glibc.close(descriptor)
            throw PlatformError(errno: number, operation: operation, path: path)
        }
        return try MappedFile.map(descriptor, bytes: bytes, path: path)
    }

    /// Maps a file whole and locks it; nil where somebody else holds its lock or has removed it.
    package func openMapped(_ path: String) throws(PlatformError) -> MappedFile? {
        let descriptor = try PosixFileSystem.openDescriptor(path, O_RDWR)
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            _ = Glibc.close(descriptor)
            if number == EWOULDBLOCK { return nil }
            throw PlatformError(errno: number, operation: "flock", path: path)
        }
        // Another process has drained and removed it meanwhile.
        guard PosixFileSystem.isNamed(descriptor, path) else {
            _ = Glibc.close(descriptor)
            return nil
        }
        var raw = stat()
        guard unsafe fstat(descriptor, &raw) == 0, raw.st_size > 0 else {
            _ = Glibc.close(descriptor)
            throw PlatformError(errno: EINVAL, operation: "mmap", path: path)
        }
        return try MappedFile.map(descriptor, bytes: Int(raw.st_size), path: path)
    }

    /// Takes an exclusive lock; nil where somebody else holds it.
    package func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)? {
        let lock = FileLock(path: path)
        return try lock.tryAcquire() ? lock : nil
    }
}

/// A lock that is held until it is released or the last reference goes.
package protocol HeldLock: AnyObject, Sendable {
    /// Gives it back.
    func release()
}

extension FileLock: HeldLock {}
