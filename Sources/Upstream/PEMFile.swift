// SPDX-License-Identifier: Apache-2.0
import Platform

/// Why a PEM file could not be read, in words that follow its path.
package struct PEMFileError: Error, Sendable {
    /// As in "is not there; check the path".
    package let reason: String
}

/// Reads certificate and key files; blocks, so never on a loop.
package enum PEMFile {
    /// Bytes of one file: more than any chain or bundle of authorities has.
    static let limitBytes = 4 << 20

    /// The bytes of a file.
    ///
    /// - Parameter path: where it is.
    /// - Returns: at least one byte.
    /// - Throws: `PEMFileError`.
    package static func read(_ path: String) throws(PEMFileError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(PlatformError) {
            bytes = try PosixFileSystem().readFile(path, limit: limitBytes)
        } catch {
            switch error.code {
            case .notFound: throw PEMFileError(reason: "is not there; check the path")
            case .permissionDenied: throw PEMFileError(reason: "may not be read by this user; check its owner and mode")
            default: throw PEMFileError(reason: "cannot be read (\(error.operation): errno \(error.errno))")
            }
        }
        guard !bytes.isEmpty else { throw PEMFileError(reason: "is empty") }
        guard bytes.count < limitBytes else { throw PEMFileError(reason: "is larger than \(limitBytes) bytes") }
        return bytes
    }
}
