// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import Platform

/// A key that segments are encrypted with; it never shows its bytes.
package struct SegmentKey: Sendable, CustomStringConvertible {
    /// What batch headers call it: the first four bytes of a hash of the key; never 0.
    package let id: UInt32
    private let key: SymmetricKey
    /// Bytes of a key.
    package static let bytes = 32
    private static let nonceBytes = 12
    private static let tagBytes = 16
    /// Bytes that encryption adds to a frame.
    static let overhead = nonceBytes + tagBytes

    /// A key of exactly `bytes` bytes, or nil.
    package init?(_ secret: [UInt8]) {
        guard secret.count == SegmentKey.bytes else { return nil }
        key = SymmetricKey(data: secret)
        let digest = SHA256.hash(data: Array("weir segment key\n".utf8) + secret)
        id = max(1, digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// The id as eight hex digits.
    package var name: String { SegmentKey.name(of: id) }
    /// The id, never the key.
    package var description: String { "segment key \(name)" }

    static func name(of id: UInt32) -> String {
        let hex = String(id, radix: 16)
        return String(repeating: "0", count: max(0, 8 - hex.count)) + hex
    }

    /// Nonce, ciphertext and tag (AES-256-GCM, a random nonce of 96 bits).
    func seal(_ plain: ByteRun, authenticating header: [UInt8]) throws(SegmentError) -> [UInt8] {
        do {
            let box = unsafe try AES.GCM.seal(
                UnsafeRawBufferPointer(start: plain.base, count: plain.count), using: key, authenticating: header)
            return Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
        } catch {
            throw SegmentError(.encryptionFailed, "A batch cannot be encrypted: \(error).")
        }
    }

    /// What `seal` was given, or nil where bytes, header or key are not the same.
    func open(_ sealed: ArraySlice<UInt8>, authenticating header: [UInt8]) -> [UInt8]? {
        guard sealed.count >= SegmentKey.overhead else { return nil }
        let body = sealed.dropFirst(SegmentKey.nonceBytes).dropLast(SegmentKey.tagBytes)
        guard let nonce = try? AES.GCM.Nonce(data: Array(sealed.prefix(SegmentKey.nonceBytes))),
            let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: body, tag: sealed.suffix(SegmentKey.tagBytes)),
            let plain = try? AES.GCM.open(box, using: key, authenticating: header)
        else { return nil }
        return Array(plain)
    }
}

/// The keys at hand: one to write with, and all to read with.
package struct SegmentKeys: Sendable {
    /// The key that new batches are encrypted with; nil: they are not.
    package let current: SegmentKey?
    private let byID: [UInt32: SegmentKey]

    /// No keys: nothing is encrypted, and what is cannot be read.
    package static let none = SegmentKeys([])

    /// Keys, the one to write with first.
    package init(_ keys: [SegmentKey]) {
        current = keys.first
        byID = Dictionary(keys.map { ($0.id, $0) }) { first, _ in first }
    }

    /// Reads a key file: a key of 64 hex digits a line, the one to write with first; empty lines and lines that begin with `#` do
    /// not count.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - files: the file system.
    /// - Throws: `SegmentError` of code `keyFileUnusable`; the message never holds what the file does.
    package init(file path: String, files: any FileSystem) throws(SegmentError) {
        let bytes: [UInt8]
        do { bytes = try files.readFile(path, limit: SegmentKeys.fileBytes) } catch {
            throw SegmentError(.keyFileUnusable, "The key file cannot be read.", segment: path, cause: error)
        }
        var keys: [SegmentKey] = []
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = line.filter { $0 != 0x0D && $0 != 0x20 && $0 != 0x09 }
            guard let first = text.first, first != UInt8(ascii: "#") else { continue }
            guard let secret = Hex.decode(text), let key = SegmentKey(secret) else {
                throw SegmentError(
                    .keyFileUnusable,
                    "Line \(number + 1) of the key file is not a key of 64 hex digits; `weir segment key` prints a new one.",
                    segment: path)
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            throw SegmentError(
                .keyFileUnusable, "There is no key in the key file; `weir segment key` prints a new one.", segment: path)
        }
        self.init(keys)
    }

    private static let fileBytes = 1 << 20

    /// The key of an id, or nil where it is not at hand.
    package subscript(id: UInt32) -> SegmentKey? { byID[id] }
}
