// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// SHA-256 of bodies that are not kept whole.
enum BodyDigest {
    /// Bytes of a digest as text.
    static let hexBytes = 64

    static func hex(of bytes: [UInt8]) -> String {
        var digest = SHA256()
        digest.update(data: bytes)
        return hex(digest)
    }

    /// The digest of a run as the bytes of its text.
    static func hex(of run: ByteRun) -> [UInt8] {
        var digest = SHA256()
        unsafe digest.update(bufferPointer: UnsafeRawBufferPointer(start: run.base, count: run.count))
        return Array(hex(digest).utf8)
    }

    static func hex(_ digest: SHA256) -> String { Hex.encode(digest.finalize()) }
}
