// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a path is, links not followed.
package struct PathFacts: Sendable, Equatable {
    /// The kinds that a reader of a source tree tells apart.
    package enum Kind: Sendable {
        /// An ordinary file.
        case file
        /// A directory.
        case directory
        /// A symbolic link, wherever it leads.
        case link
        /// A socket, a pipe, a device.
        case other
    }

    /// What it is.
    package let kind: Kind
    /// Bytes of an ordinary file, else 0.
    package let size: Int64
    /// The permission bits.
    package let mode: UInt32
}

/// What a tool that edits somebody's source tree needs besides `FileSystem`.
package protocol SourceTreeFileSystem: FileSystem {
    /// What a path is, links not followed; nil where nothing is there.
    func facts(of path: String) throws(PlatformError) -> PathFacts?
    /// Replaces an ordinary file as a whole, keeping its permission bits and its owner.
    ///
    /// After a power cut either the old or the new content is there. Fails with EACCES where the file may not be
    /// written, and with EINVAL where it is no ordinary file. A file with several names keeps its old content under the others.
    func replaceKeepingMode(_ path: String, with bytes: [UInt8]) throws(PlatformError)
}

extension PosixFileSystem: SourceTreeFileSystem {
    /// What a path is, by `lstat`.
    package func facts(of path: String) throws(PlatformError) -> PathFacts? {
        guard let raw = try linkStatus(path) else { return nil }
        let kind: PathFacts.Kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        return PathFacts(kind: kind, size: kind == .file ? Int64(raw.st_size) : 0, mode: UInt32(raw.st_mode & 0o7777))
    }

    /// Writes beside the file under a name nobody has, syncs, gives it mode and owner, renames, syncs the directory.
    package func replaceKeepingMode(_ path: String, with bytes: [UInt8]) throws(PlatformError) {
        guard let old = try linkStatus(path) else { throw PlatformError(errno: ENOENT, operation: "lstat", path: path) }
        guard old.st_mode & S_IFMT == S_IFREG else { throw PlatformError(errno: EINVAL, operation: "replace", path: path) }
        guard old.st_mode & 0o200 != 0 else { throw PlatformError(errno: EACCES, operation: "replace", path: path) }
        let temporary = PathText.join(PathText.parent(of: path), ".weir-\(SystemRandom.bits128().high).new")
        do {
            let file = try open(temporary, .createNew)
            defer { file.close() }
            try file.append(bytes)
            try give(temporary, like: old)
            try file.sync()
            try rename(temporary, to: path)
        } catch {
            _ = unsafe Glibc.unlink(temporary)
            throw error
        }
        try syncDirectory(PathText.parent(of: path))
    }

    private func give(_ path: String, like old: stat) throws(PlatformError) {
        guard let new = try linkStatus(path) else { throw PlatformError(errno: ENOENT, operation: "lstat", path: path) }
        if new.st_uid != old.st_uid || new.st_gid != old.st_gid {
            guard unsafe chown(path, old.st_uid, old.st_gid) == 0 else {
                throw PlatformError(errno: errno, operation: "chown", path: path)
            }
        }
        guard unsafe chmod(path, old.st_mode & 0o7777) == 0 else {
            throw PlatformError(errno: errno, operation: "chmod", path: path)
        }
    }

    private func linkStatus(_ path: String) throws(PlatformError) -> stat? {
        var raw = stat()
        guard unsafe lstat(path, &raw) == 0 else {
            if errno == ENOENT { return nil }
            throw PlatformError(errno: errno, operation: "lstat", path: path)
        }
        return raw
    }
}
