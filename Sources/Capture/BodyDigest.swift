// SPDX-License-Identifier: Apache-2.0
import Crypto

/// SHA-256 of bodies that are not kept whole.
enum BodyDigest {
    static func hex(of bytes: [UInt8]) -> String {
        var digest = SHA256()
        digest.update(data: bytes)
        return hex(digest)
    }

    static func hex(_ digest: SHA256) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in digest.finalize() {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }
}
