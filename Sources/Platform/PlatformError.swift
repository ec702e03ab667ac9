// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the operating system refused, where, and what to do about it.
package struct PlatformError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A low-cardinality name for the kind of refusal.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name, usable as a metric label.
        package let description: String

        /// The file or directory is not there.
        package static let notFound = Code(description: "not_found")
        /// The name is taken already.
        package static let alreadyExists = Code(description: "already_exists")
        /// The file system or quota is full.
        package static let noSpace = Code(description: "no_space")
        /// The process may not do this.
        package static let permissionDenied = Code(description: "permission_denied")
        /// Too many files are open.
        package static let tooManyFiles = Code(description: "too_many_files")
        /// The device failed, or the file was closed under us.
        package static let ioFailure = Code(description: "io_failure")
        /// Anything else; see `errno`.
        package static let other = Code(description: "other")
    }

    /// The kind of refusal.
    package let code: Code
    /// The error number of the C library.
    package let errno: Int32
    /// The call that failed, as `open` or `fdatasync`.
    package let operation: String
    /// The path it was about; empty where there is none.
    package let path: String

    /// An error from an error number.
    package init(errno number: Int32, operation: String, path: String) {
        self.errno = number
        self.operation = operation
        self.path = path
        code = PlatformError.classify(number)
    }

    /// What happened and what to do, in one line.
    package var message: String {
        let place = path.isEmpty ? "" : " \(path)"
        return "\(operation)\(place) failed: \(PlatformError.reason(errno)) (errno \(errno)). \(hint)"
    }

    /// The message.
    package var description: String { message }

    private var hint: String {
        switch code {
        case .notFound: "Check that the path exists."
        case .alreadyExists: "Choose another name or remove the existing one."
        case .noSpace: "Free space on this file system or move the data directory."
        // link(2): what a file system without hard links answers, and one that has them for a file of somebody else's.
        case _ where operation == "link" && [EPERM, EOPNOTSUPP].contains(errno):
            "Either this file system has no hard links (move the data directory to one that has, as ext4 or xfs), or the file belongs to another user."
        case .permissionDenied: "Check owner and permissions of the path."
        case .tooManyFiles: "Raise the limit of open files (ulimit -n)."
        case .ioFailure: "Check the device and the kernel log."
        default: "See the error number."
        }
    }

    private static func classify(_ number: Int32) -> Code {
        switch number {
        case ENOENT, ENOTDIR: .notFound
        case EEXIST: .alreadyExists
        case ENOSPC, EDQUOT, EFBIG: .noSpace
        case EACCES, EPERM, EROFS: .permissionDenied
        case EMFILE, ENFILE: .tooManyFiles
        case EIO, EBADF, ESTALE: .ioFailure
        default: .other
        }
    }

    private static func reason(_ number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "unknown error" }
        return unsafe String(cString: text)
    }
}
