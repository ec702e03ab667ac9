// SPDX-License-Identifier: Apache-2.0
import Crypto
import HTTPWire

/// A project's key as the configuration holds it: never the key itself.
package struct GatewayKey: Sendable, Equatable {
    /// Its name in records (`key_id`).
    package let id: String
    /// SHA-256 over the whole key, 32 bytes.
    package let sha256: [UInt8]

    /// Names a key by its hash.
    package init(id: String, sha256: [UInt8]) {
        self.id = id
        self.sha256 = sha256
    }

    /// Makes a key out of the system's random numbers.
    ///
    /// - Parameter id: its name in records.
    /// - Returns: the key, which is shown once and kept nowhere, and what the configuration holds of it.
    package static func generate(id: String) -> (key: String, entry: GatewayKey) {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var random = SystemRandomNumberGenerator()
        var bytes = Array("\(GatewayKeys.prefix)".utf8)
        // 43 of 62 letters: 256 bits.
        for _ in 0..<43 { bytes.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)]) }
        return (String(decoding: bytes, as: UTF8.self), GatewayKey(id: id, sha256: Array(SHA256.hash(data: bytes))))
    }
}

/// The gateway keys of a configuration (`contract.md`, Gateway keys).
///
/// A presented key is hashed and the hash looked up: how long that takes says nothing about the keys that are known.
package struct GatewayKeys: Sendable {
    private struct Digest: Hashable {
        let words: SIMD4<UInt64>
    }

    /// What every gateway key begins with.
    package static let prefix: StaticString = "weir_"
    /// Gateway keys of one request that are looked up; more are not.
    private static let lookupLimit = 4

    private let ids: [Digest: String]

    /// The keys of a configuration; none: the gateway is open.
    ///
    /// - Parameter keys: the last of equal hashes wins; a hash that is not 32 bytes long matches nothing.
    package init(_ keys: [GatewayKey] = []) {
        var ids: [Digest: String] = [:]
        for key in keys where key.sha256.count == 32 {
            ids[unsafe key.sha256.withUnsafeBytes { unsafe GatewayKeys.digest($0) }] = key.id
        }
        self.ids = ids
    }

    /// No keys are configured: nobody is asked for one.
    package var isEmpty: Bool { ids.isEmpty }

    /// The id of a key, or nil for one that is unknown.
    ///
    /// - Parameter presented: a header's value: the key, with or without `Bearer` before it.
    /// - Returns: the id.
    package func id(of presented: ArraySlice<UInt8>) -> String? {
        let key = GatewayKeys.bare(presented)
        guard ByteMatching.hasPrefix(key, GatewayKeys.prefix) else { return nil }
        return ids[GatewayKeys.digest(of: key)]
    }

    /// Whether a header's value is a gateway key, known or not: no provider's key begins so.
    static func isKey(_ value: ArraySlice<UInt8>) -> Bool { ByteMatching.hasPrefix(bare(value), prefix) }

    /// A credential without the scheme word before it.
    static func bare(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard ASCII.hasPrefixIgnoringCase(value, "bearer ") else { return value }
        return ASCII.trimmed(value.dropFirst(7))
    }

    /// Whether a request shows a known key.
    func admit(_ head: RequestHead) -> Bool {
        do throws(Fault) { return try authenticate(ControlHeaders(head.block), head.block) != nil } catch { return false }
    }

    /// How the record of a refused request names its caller: by the gateway key it shows, or by none.
    ///
    /// - Returns: the id; empty where keys are configured and no known one is shown; nil where none are configured.
    func name(in head: RequestHead) -> String? {
        guard !isEmpty else { return nil }
        do throws(Fault) { return try authenticate(ControlHeaders(head.block), head.block) } catch { return "" }
    }

    /// Asks a request for its key.
    ///
    /// - Returns: the id of the key; nil where none are configured.
    /// - Throws: `Fault` `invalidGatewayKey`.
    func authenticate(_ control: ControlHeaders, _ block: HeaderBlock) throws(Fault) -> String? {
        guard !isEmpty else { return nil }
        if let field = control.projectKey {
            guard let id = id(of: block.value(field)) else { throw GatewayKeys.unknown }
            return id
        }
        guard control.holdsGatewayKey else {
            throw Fault(
                .invalidGatewayKey,
                "this gateway asks for a key that begins with weir_; send it as Authorization: Bearer KEY, and the provider's own as x-inference-provider-api-key"
            )
        }
        var lookups = 0
        for field in block.fields where GatewayKeys.isCredential(field.known) {
            let value = block.value(field)
            guard GatewayKeys.isKey(value) else { continue }
            if let id = id(of: value) { return id }
            lookups += 1
            if lookups == GatewayKeys.lookupLimit { break }
        }
        throw GatewayKeys.unknown
    }

    private static var unknown: Fault {
        Fault(.invalidGatewayKey, "the gateway key is not known here; get a valid one from whoever runs this gateway")
    }

    private static func isCredential(_ known: KnownHeader) -> Bool {
        switch known {
        case .authorization, .xAPIKey, .xGoogAPIKey, .apiKey: true
        default: false
        }
    }

    private static func digest(of key: ArraySlice<UInt8>) -> Digest {
        var hasher = SHA256()
        unsafe key.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
        let hash = hasher.finalize()
        return unsafe hash.withUnsafeBytes { unsafe digest($0) }
    }

    /// The digest of exactly 32 bytes.
    private static func digest(_ bytes: UnsafeRawBufferPointer) -> Digest {
        precondition(bytes.count == 32, "SHA-256 has 32 bytes")
        return Digest(words: unsafe bytes.loadUnaligned(as: SIMD4<UInt64>.self))
    }
}
