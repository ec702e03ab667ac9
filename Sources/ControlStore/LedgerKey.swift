// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// Sixteen bytes by which a group or a row of training is known: the first half of a SHA-256.
///
/// Half is enough on the safe side: equal things always have equal keys, so nothing is ever missed; should two different things meet, one
/// row more stays out of training.
package struct LedgerKey: Hashable, Comparable, Sendable {
    /// The first eight bytes, big-endian.
    package let high: UInt64
    /// The last eight bytes, big-endian.
    package let low: UInt64

    /// Bytes of a key.
    package static let byteCount = 16

    /// A key from its halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The key of some bytes: the first half of their SHA-256.
    package init(hashing bytes: [UInt8]) { self = LedgerDigest(hashing: bytes).key }

    /// Reads 32 hex digits, or nil.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex.utf8), bytes.count == LedgerKey.byteCount else { return nil }
        self = unsafe bytes.withUnsafeBytes { unsafe LedgerKey(at: 0, of: $0) }
    }

    /// Reads a key where one lies; the caller has checked that it is whole.
    init(at offset: Int, of raw: UnsafeRawBufferPointer) {
        high = UInt64(bigEndian: unsafe raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        low = UInt64(bigEndian: unsafe raw.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
    }

    /// 32 hex digits, lower case.
    package var hex: String { Hex.encode(bytes) }

    /// The bytes.
    package var bytes: [UInt8] { LedgerDigest.bytes(of: [high, low]) }

    /// By the bytes.
    package static func < (a: LedgerKey, b: LedgerKey) -> Bool { a.high != b.high ? a.high < b.high : a.low < b.low }
}

/// A whole SHA-256: the id of an item of eval, or of an entry of a ledger.
package struct LedgerDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first half.
    package let key: LedgerKey
    /// The second half.
    package let rest: LedgerKey

    /// Bytes of a digest.
    package static let byteCount = 32

    /// The digest of some bytes.
    package init(hashing bytes: [UInt8]) {
        var hash = SHA256()
        hash.update(data: bytes)
        self.init(hash.finalize())
    }

    /// What a hasher found.
    init(_ digest: SHA256.Digest) {
        (key, rest) = unsafe digest.withUnsafeBytes { raw in
            unsafe (LedgerKey(at: 0, of: raw), LedgerKey(at: LedgerKey.byteCount, of: raw))
        }
    }

    /// A digest from its 32 bytes, or nil where there are more or fewer.
    package init?(bytes: [UInt8]) {
        guard bytes.count == LedgerDigest.byteCount else { return nil }
        (key, rest) = unsafe bytes.withUnsafeBytes { raw in
            unsafe (LedgerKey(at: 0, of: raw), LedgerKey(at: LedgerKey.byteCount, of: raw))
        }
    }

    /// Reads 64 hex digits, or nil.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex.utf8) else { return nil }
        self.init(bytes: bytes)
    }

    /// The bytes.
    package var bytes: [UInt8] { LedgerDigest.bytes(of: [key.high, key.low, rest.high, rest.low]) }

    /// 64 hex digits, lower case.
    package var description: String { Hex.encode(bytes) }

    /// By the bytes.
    package static func < (a: LedgerDigest, b: LedgerDigest) -> Bool { a.key != b.key ? a.key < b.key : a.rest < b.rest }

    static func bytes(of words: [UInt64]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(words.count * 8)
        for word in words {
            for shift in stride(from: 56, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
        return out
    }
}

/// Keys in order, each once: what one build exported to training.
///
/// 16 bytes a key, in memory and on the disk.
package struct LedgerKeyList: Equatable, Sendable {
    /// The keys, ascending.
    package let keys: [LedgerKey]

    /// No keys.
    package static let empty = LedgerKeyList([])

    /// Sorts keys and drops repeats.
    ///
    /// - Complexity: O(n log n).
    package init(_ keys: [LedgerKey]) {
        var sorted = keys
        sorted.sort()
        var last: LedgerKey?
        sorted.removeAll { key in
            defer { last = key }
            return key == last
        }
        self.keys = sorted
    }

    /// A run of keys as bytes.
    static func bytes(of keys: ArraySlice<LedgerKey>) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: keys.count * LedgerKey.byteCount) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for key in keys {
                unsafe raw.storeBytes(of: key.high.bigEndian, toByteOffset: count, as: UInt64.self)
                unsafe raw.storeBytes(of: key.low.bigEndian, toByteOffset: count + 8, as: UInt64.self)
                count += LedgerKey.byteCount
            }
        }
    }
}
