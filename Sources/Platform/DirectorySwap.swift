// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a writer of whole directories needs besides `FileSystem`.
package protocol DirectoryFileSystem: FileSystem {
    /// Lets two existing paths change their places in one step; durable only after `syncDirectory`.
    ///
    /// Fails with EINVAL or ENOSYS where the file system cannot do it.
    func exchange(_ first: String, _ second: String) throws(PlatformError)
    /// Removes an empty directory.
    func removeDirectory(_ path: String) throws(PlatformError)
}

extension PosixFileSystem: DirectoryFileSystem {
    private typealias RenameAt2 = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

    /// Lets two paths change their places (`renameat2` with `RENAME_EXCHANGE`).
    package func exchange(_ first: String, _ second: String) throws(PlatformError) {
        // The Glibc overlay does not show this call, hence the look-up by name.
        guard let symbol = unsafe dlsym(nil, "renameat2") else {
            throw PlatformError(errno: ENOSYS, operation: "renameat2", path: first)
        }
        let call = unsafe unsafeBitCast(symbol, to: RenameAt2.self)
        let exchangeFlag: UInt32 = 2
        guard unsafe call(AT_FDCWD, first, AT_FDCWD, second, exchangeFlag) == 0 else {
            throw PlatformError(errno: errno, operation: "renameat2", path: first)
        }
    }

    /// Removes an empty directory.
    package func removeDirectory(_ path: String) throws(PlatformError) {
        guard unsafe rmdir(path) == 0 else { throw PlatformError(errno: errno, operation: "rmdir", path: path) }
    }
}
