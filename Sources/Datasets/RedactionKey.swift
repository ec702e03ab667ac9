// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import Platform

/// The key by which pseudonyms are made; it never shows its bytes.
///
/// The same key gives the same value the same pseudonym: in every row, on both sides, in every build. Who has the key can test
/// guesses, and telephone numbers are few.
package struct RedactionKey: Sendable, CustomStringConvertible {
    /// What manifests call it: eight hex digits of a hash of the key, or `salt`.
    package let id: String
    /// What pseudonyms are made with; only for the scrubber.
    let bytes: [UInt8]
    /// Whether the recipe's salt is all that is secret of it.
    package var isFromSalt: Bool { id == RedactionKey.saltID }

    /// Bytes of a key in a file.
    package static let byteCount = 32
    private static let saltID = "salt"
    private static let fileBytes = 1 << 20

    /// A key of exactly `byteCount` bytes, or nil.
    package init?(_ secret: [UInt8]) {
        guard secret.count == RedactionKey.byteCount else { return nil }
        let digest = SHA256.hash(data: Array("weir redaction key id\n".utf8) + secret)
        id = Hex.encode(digest.prefix(4))
        bytes = RedactionKey.derived(from: secret)
    }

    /// The key of a recipe that names none.
    ///
    /// Made of the name of its ledger, so that all data sets of one ledger give the same pseudonyms: the gate could not compare others.
    /// Weak: that name lies in the manifest of every data set, so whoever has the data set can hash every telephone number
    /// there is and read the pseudonyms back. Good against a look, not against a search; name a key file for more.
    package init(salt: String) {
        id = RedactionKey.saltID
        bytes = RedactionKey.derived(from: Array("salt\n".utf8) + Array(salt.utf8))
    }

    /// Apart from every other use of the same bytes.
    private static func derived(from secret: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("weir dataset pseudonyms".utf8), using: SymmetricKey(data: secret)))
    }

    /// The id, never the key.
    package var description: String { "redaction key \(id)" }

    /// The key that a recipe is built with: of the file where one is given, else of a text, the ledger's name.
    ///
    /// A key file holds keys of 64 hex digits, one a line, as those of segments do; empty lines and lines that begin with `#` do not
    /// count. Without an id its first key is taken.
    ///
    /// - Parameters:
    ///   - id: the key that the recipe names, eight hex digits; nil where it names none.
    ///   - path: the key file, or nil.
    ///   - salt: the text.
    ///   - files: the file system.
    /// - Returns: the key.
    /// - Throws: `DatasetError` `.redactionKeyUnusable`; the message never holds what the file does.
    package static func choose(id: String?, file path: String?, salt: String, files: any FileSystem) throws(DatasetError)
        -> RedactionKey
    {
        guard let path else {
            guard let id else { return RedactionKey(salt: salt) }
            throw unusable(id, "The recipe names redaction key \(id), and no key file was given.")
        }
        let keys = try read(path, files)
        guard let id else {
            guard let first = keys.first else {
                throw unusable(path, "There is no key in '\(path)'; `weir segment key` prints one.")
            }
            return first
        }
        guard let key = keys.first(where: { $0.id.utf8.elementsEqual(id.utf8) }) else {
            throw unusable(path, "Redaction key \(id), which the recipe names, is not in '\(path)'.")
        }
        return key
    }

    private static func read(_ path: String, _ files: any FileSystem) throws(DatasetError) -> [RedactionKey] {
        let bytes: [UInt8]
        do { bytes = try files.readFile(path, limit: fileBytes) } catch {
            throw unusable(path, "The redaction key file '\(path)' cannot be read: \(error).")
        }
        var keys: [RedactionKey] = []
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = line.filter { $0 != 0x0D && $0 != 0x20 && $0 != 0x09 }
            guard let first = text.first, first != UInt8(ascii: "#") else { continue }
            guard let secret = Hex.decode(text), let key = RedactionKey(secret) else {
                throw unusable(
                    path, "Line \(number + 1) of '\(path)' is not a key of 64 hex digits; `weir segment key` prints one.")
            }
            keys.append(key)
        }
        return keys
    }

    private static func unusable(_ subject: String, _ message: String) -> DatasetError {
        DatasetError(.redactionKeyUnusable, subject: subject, message)
    }
}
