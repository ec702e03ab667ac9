// SPDX-License-Identifier: Apache-2.0
import Crypto

extension GatewayKey {
    /// Names a key that the configuration holds in plain text; the text is hashed and not kept.
    package init(id: String, hashing key: String) {
        self.init(id: id, sha256: Array(SHA256.hash(data: Array(key.utf8))))
    }
}

/// Looks at a listener's certificate and key without listening.
package enum ListenerCheck {
    /// Reads the files as a listener would; blocks.
    ///
    /// - Parameter tls: names the files.
    /// - Throws: `GatewayError` `badCertificate`, naming the file and what is wrong.
    package static func check(_ tls: ListenerTLS) throws(GatewayError) { _ = try ListenerCertificate.load(tls) }
}
