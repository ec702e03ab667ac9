// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Traits as bytes, for a ledger: version, prompt key, nodes, group keys, tokens, checksum; integers little-endian.
///
/// Shingles are not stored: they follow from the tokens. The hashes are of single words under a seed that all the world knows, so
/// whoever has the bytes can try words: they are to be kept where the conversation may be.
extension SeparationTraits {
    /// The version of the bytes.
    package static let encodingVersion: UInt8 = 1

    /// The traits as bytes.
    package var encoded: [UInt8] {
        var out: [UInt8] = [SeparationTraits.encodingVersion]
        out.reserveCapacity(64 + (nodes.count + groupKeys.count + 1) * SeparationDigest.byteCount + tokens.count * 8)
        out.append(contentsOf: promptKey.bytes)
        for digests in [nodes, groupKeys] {
            FixedInts.append(UInt32(clamping: digests.count), to: &out)
            for digest in digests { out.append(contentsOf: digest.bytes) }
        }
        for count in [tokens.count, firstTokens.lowerBound, firstTokens.count] {
            FixedInts.append(UInt32(clamping: count), to: &out)
        }
        for token in tokens { FixedInts.append(token, to: &out) }
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
            let found = "the traits of an eval row are of version \(version): read them with a newer Weir"
            throw SeparationError(.unknownVersion, found)
        }
        let end = bytes.count - 4
        guard end > 0, FixedInts.read(UInt32.self, from: bytes, at: end) == CRC32C.checksum(bytes[..<end]) else {
            throw TraitsReader.damage("the checksum does not fit")
        }
        var reader = TraitsReader(bytes: bytes, end: end)
        let promptKey = try reader.digest()
        let nodes = try reader.digests()
        let groupKeys = try reader.digests()
        let count = try reader.count(limit: SeparationLimits.storedTokens)
        let start = try reader.count(limit: count)
        let length = try reader.count(limit: count - start)
        let tokens = try reader.words(count)
        guard reader.isAtEnd else { throw TraitsReader.damage("bytes are left over") }
        self.init(
            promptKey: promptKey, nodes: nodes, groupKeys: groupKeys, tokens: tokens, firstTokens: start..<start + length)
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
        var out: [UInt64] = []
        out.reserveCapacity(count)
        for _ in 0..<count {
            out.append(FixedInts.read(UInt64.self, from: bytes, at: at) ?? 0)
            at += 8
        }
        return out
    }
}
