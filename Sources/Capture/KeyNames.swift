// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Redaction

/// The names of the latest callers' keys, so that a keyed hash is worked out once for each key and not for each exchange.
///
/// World: thread. Bounded; holds credentials in memory as the exchanges in the arena do, and never writes them.
struct KeyNames {
    private struct Entry {
        let key: [UInt8]
        let name: [UInt8]
    }

    private static let places = 256
    private static let longestKey = 512
    private let hasher: KeyHasher
    private var entries = [Entry?](repeating: nil, count: places)

    init(hasher: KeyHasher) { self.hasher = hasher }

    /// Writes a key's name as a JSON string: 64 bytes at most.
    mutating func write(_ key: ByteRun, to out: inout JSONCursor) {
        let place = KeyNames.place(key)
        if let entry = entries[place], unsafe entry.key.withUnsafeBytes({ unsafe ByteRun($0).equals(key) }) {
            return unsafe entry.name.withUnsafeBytes { unsafe out.string(ByteRun($0)) }
        }
        let bytes = key.array
        let name = Array(hasher.name(of: bytes).utf8)
        if bytes.count <= KeyNames.longestKey { entries[place] = Entry(key: bytes, name: name) }
        unsafe name.withUnsafeBytes { unsafe out.string(ByteRun($0)) }
    }

    private static func place(_ key: ByteRun) -> Int {
        let prime: UInt64 = 0x9E37_79B9_7F4A_7C15
        var mixed = UInt64(key.count) &* prime
        var i = 0
        while i &+ 8 <= key.count {
            mixed = unsafe (mixed ^ key.base.loadUnaligned(fromByteOffset: i, as: UInt64.self)) &* prime
            mixed ^= mixed >> 32
            i &+= 8
        }
        while i < key.count {
            mixed = (mixed ^ UInt64(unsafe key.base.load(fromByteOffset: i, as: UInt8.self))) &* prime
            i &+= 1
        }
        return Int((mixed ^ (mixed >> 32)) & UInt64(places - 1))
    }
}
