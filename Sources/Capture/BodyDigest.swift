// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// SHA-256 of bodies that are not kept whole.
enum BodyDigest {
    static func hex(of bytes: [UInt8]) -> String {
        var digest = SHA256()
        digest.update(data: bytes)
        return hex(digest)
    }

    static func hex(_ digest: SHA256) -> String { Hex.encode(digest.finalize()) }
}
