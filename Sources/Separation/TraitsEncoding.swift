// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Traits as bytes, for a ledger: version, prompt key, chain, nodes, group keys, tokens, checksum; integers little-endian.
///
/// Shingles are not stored: they follow from the tokens. The hashes are of single words under a seed that all the world knows, so
/// whoever has the bytes can try words: they are to be kept where the conversation may be.
extension SeparationTraits {
    /// The version of the bytes, and of the terms that they are of.
    ///
    /// Version 1 had no chain, and took the escapes in a tool's JSON for words: of such a row nobody can tell what it shares with others.
    package static let encodingVersion: UInt8 = 2

    /// The traits as bytes.
    package var encoded: [UInt8] {
        var out: [UInt8] = [SeparationTraits.encodingVersion]
        out.reserveCapacity(64 + (nodes.count + groupKeys.count + 1) * SeparationDigest.byteCount + tokens.count * 8)
        out.append(contentsOf: promptKey.bytes)
        out.append(contentsOf: chain.bytes)
        for digests in [nodes, groupKeys] {
            FixedInts.append(UInt32(clamping: digests.count), to: &out)
            for digest in digests { out.append(contentsOf: digest.bytes) }
        }
        for count in [tokens.count, firstTokens.lowerBound, firstTokens.count] {
            FixedInts.append(UInt32(clamping: count), to: &out)
        }
        unsafe tokens.map(\.littleEndian).withUnsafeBytes { unsafe out.append(contentsOf: $0) }
        FixedInts.append(CRC32C.checksum(out[...]), to: &out)
        return out
    }

    /// Traits from the bytes that `encoded` gave.
    ///
    /// - Parameter bytes: all of them, and nothing else.
    /// - Throws: `SeparationError` with `unknownVersion` or `damagedTraits`.
    package init(encoded bytes: [UInt8]) throws(SeparationError) {
        guard let version = bytes.first else { throw TraitsReader.damage("no bytes") }
        guard version == SeparationTraits.encodingVersion else {
            throw TraitsReader.unknown(version)
        }
        let end = bytes.count - 4
        guard end > 0, FixedInts.read(UInt32.self, from: bytes, at: end) == CRC32C.checksum(bytes[..<end]) else {
            throw TraitsReader.damage("the checksum does not fit")
        }
        var reader = TraitsReader(bytes: bytes, end: end)
        let promptKey = try reader.digest()
        let chain = try reader.digest()
        let nodes = try reader.digests()
        let groupKeys = try reader.digests()
        let count = try reader.count(limit: SeparationLimits.storedTokens)
        let start = try reader.count(limit: count)
        let length = try reader.count(limit: count - start)
        let tokens = try reader.words(count)
        guard reader.isAtEnd else { throw TraitsReader.damage("bytes are left over") }
        self.init(
            promptKey: promptKey, nodes: nodes, chain: chain, groupKeys: groupKeys, tokens: tokens,
            firstTokens: start..<start + length)
    }
}

/// Reads the parts of encoded traits in order.
private struct TraitsReader {
    let bytes: [UInt8]
    let end: Int
    private var at = 1

    init(bytes: [UInt8], end: Int) {
        self.bytes = bytes
        self.end = end
    }

    var isAtEnd: Bool { at == end }

    static func unknown(_ version: UInt8) -> SeparationError {
        let isOlder = version < SeparationTraits.encodingVersion
        let remedy =
            isOlder
            ? "what it calls a token differs from this Weir's: begin a new ledger (the recipe's `ledger`), or build with the Weir that wrote it"
            : "read them with a newer Weir"
        return SeparationError(.unknownVersion, "the traits of an eval row are of version \(version): \(remedy)")
    }

    static func damage(_ what: String) -> SeparationError {
        let found = "the stored traits of an eval row are damaged (\(what)): restore the ledger from its export"
        return SeparationError(.damagedTraits, found)
    }

    mutating func digest() throws(SeparationError) -> SeparationDigest {
        guard SeparationDigest.byteCount <= end - at,
            let digest = SeparationDigest(bytes: bytes[at..<at + SeparationDigest.byteCount])
        else { throw TraitsReader.damage("cut short") }
        at += SeparationDigest.byteCount
        return digest
    }

    /// Digests behind their number, in order, each once.
    mutating func digests() throws(SeparationError) -> [SeparationDigest] {
        var out: [SeparationDigest] = []
        for _ in 0..<(try count(limit: SeparationLimits.storedDigests)) {
            let digest = try digest()
            if let last = out.last, last >= digest { throw TraitsReader.damage("digests out of order") }
            out.append(digest)
        }
        return out
    }

    mutating func count(limit: Int) throws(SeparationError) -> Int {
        guard at + 4 <= end, let value = FixedInts.read(UInt32.self, from: bytes, at: at) else {
            throw TraitsReader.damage("cut short")
        }
        guard Int(value) <= limit else { throw TraitsReader.damage("a number of \(value) where \(limit) is the most") }
        at += 4
        return Int(value)
    }

    mutating func words(_ count: Int) throws(SeparationError) -> [UInt64] {
        guard count * 8 <= end - at else { throw TraitsReader.damage("cut short") }
        let start = at
        at += count * 8
        return unsafe bytes.withUnsafeBytes { raw in
            (0..<count).map { word in
                UInt64(littleEndian: unsafe raw.loadUnaligned(fromByteOffset: start + word * 8, as: UInt64.self))
            }
        }
    }
}
