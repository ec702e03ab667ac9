// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Files that other users of the machine have no business in, and that another library opens: SQLite's.
///
/// Nothing here opens a file: whoever closes any descriptor of a file lets go of all locks that the process has on it, SQLite's too.
package enum PrivateFile {
    /// Makes an empty file of mode 0600 where none is; one that is there is left alone.
    ///
    /// - Parameter path: the file; its directory must exist.
    /// - Throws: `PlatformError` where it cannot be made.
    package static func make(_ path: String) throws(PlatformError) {
        if unsafe mknod(path, S_IFREG | 0o600, 0) != 0, errno != EEXIST {
            throw PlatformError(errno: errno, operation: "mknod", path: path)
        }
    }

    /// Sets the mode of a file to 0600 where users outside of its group have any right to it.
    ///
    /// What is not there, or is another user's, is left alone, and so is what the group was given on purpose.
    /// - Parameter path: the file.
    /// - Throws: `PlatformError` where its mode cannot be set.
    package static func shut(_ path: String) throws(PlatformError) {
        var raw = stat()
        guard unsafe stat(path, &raw) == 0, raw.st_uid == geteuid(), raw.st_mode & S_IFMT == S_IFREG,
            raw.st_mode & 0o007 != 0
        else { return }
        guard unsafe chmod(path, 0o600) == 0 else { throw PlatformError(errno: errno, operation: "chmod", path: path) }
    }
}
