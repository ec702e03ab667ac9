// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// What stands in place of a value: `<email:3f9a1c20b7d4>`, the same for the same value under the same key.
///
/// No byte of it needs an escape in JSON, and no detector finds anything in it.
enum Pseudonym {
    /// Hex digits of the hash.
    static let digits = 12

    /// Bytes of the pseudonym of a kind.
    static func count(_ kind: DetectorKind) -> Int { kind.rawValue.utf8.count + digits + 3 }

    static func write(_ edit: RedactionEdit, into store: inout ByteStore) {
        guard edit.part != .rest else { return }
        var bytes: [UInt8] = []
        if edit.part == .quoted { bytes.append(UInt8(ascii: "\"")) }
        append(edit.kind, edit.tag, to: &bytes)
        if edit.part == .quoted { bytes.append(UInt8(ascii: "\"")) }
        bytes.withUnsafeBytes { store.append(ByteRun($0)) }
    }

    static func append(_ kind: DetectorKind, _ tag: UInt64, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "<"))
        bytes.append(contentsOf: kind.rawValue.utf8)
        bytes.append(UInt8(ascii: ":"))
        for place in stride(from: 40, through: 0, by: -8) {
            Hex.append(UInt8(truncatingIfNeeded: tag >> UInt64(place)), to: &bytes)
        }
        bytes.append(UInt8(ascii: ">"))
    }

    /// The first 48 bits of HMAC-SHA-256 over the kind's name, a colon and the value in its plain form.
    static func tag(of value: [UInt8], kind: DetectorKind, key: SymmetricKey) -> UInt64 {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array(kind.rawValue.utf8) + [UInt8(ascii: ":")])
        code.update(data: value)
        return code.finalize().prefix(6).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
