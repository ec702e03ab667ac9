// SPDX-License-Identifier: Apache-2.0
import Crypto

/// Names a credential without revealing it: a keyed hash, so that equal keys get equal names on one node only.
package struct KeyHasher: Sendable {
    private let secret: SymmetricKey

    /// A hasher.
    ///
    /// - Parameter secret: at least 16 random bytes that never leave the node.
    package init(secret: [UInt8]) { self.secret = SymmetricKey(data: secret) }

    /// The first 12 hex digits of HMAC-SHA-256 over the credential (`record.md`, `key_id`).
    ///
    /// - Parameter credential: the key as the caller sent it.
    /// - Returns: twelve hex digits.
    package func name(of credential: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: credential, using: secret)
        var out = ""
        for byte in code.prefix(6) {
            out.append(String(byte >> 4, radix: 16))
            out.append(String(byte & 15, radix: 16))
        }
        return out
    }
}
