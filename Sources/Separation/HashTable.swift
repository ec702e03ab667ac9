// SPDX-License-Identifier: Apache-2.0

/// Hashes to numbers, counted from 0 in the order in which they came: open addressing, at most half full, no removal.
///
/// A value; reading it from many threads at once is fine. Hashes are spread evenly already, so their highest bits say the place; sorted
/// hashes are then looked up from one end of the memory to the other.
struct HashTable: Sendable {
    /// What no hash is.
    static let free: UInt64 = 0
    private var keys: [UInt64]
    private var numbers: [UInt32]
    private var shift: UInt64
    /// How many hashes there are.
    private(set) var count = 0

    init(expecting count: Int = 0) {
        let bits = max(6, Int.bitWidth - (max(1, count) * 2 - 1).leadingZeroBitCount)
        keys = [UInt64](repeating: HashTable.free, count: 1 << bits)
        numbers = [UInt32](repeating: 0, count: 1 << bits)
        shift = UInt64(64 - bits)
    }

    /// The number of a hash, or -1.
    @inline(__always)
    func number(of key: UInt64) -> Int {
        let keys = keys.span
        var place = Int(truncatingIfNeeded: key &>> shift)
        while true {
            let found = keys[place]
            if found == key { return Int(numbers[place]) }
            if found == HashTable.free { return -1 }
            place = (place &+ 1) & (keys.count &- 1)
        }
    }

    /// Whether a hash is there; no branch of it tells the two apart, for sets in which both are frequent.
    @inline(__always)
    func contains(_ key: UInt64) -> Bool {
        let keys = keys.span
        var place = Int(truncatingIfNeeded: key &>> shift)
        while true {
            let found = keys[place]
            let isKey = found == key
            if isKey || found == HashTable.free { return isKey }
            place = (place &+ 1) & (keys.count &- 1)
        }
    }

    /// Takes a hash in, where it is not there yet.
    ///
    /// - Returns: its number, and whether it is new.
    mutating func insert(_ key: UInt64) -> (number: Int, isNew: Bool) {
        if count * 2 >= keys.count { grow() }
        var place = Int(truncatingIfNeeded: key &>> shift)
        while keys[place] != HashTable.free {
            if keys[place] == key { return (Int(numbers[place]), false) }
            place = (place &+ 1) & (keys.count &- 1)
        }
        keys[place] = key
        numbers[place] = UInt32(truncatingIfNeeded: count)
        count += 1
        return (count - 1, true)
    }

    private mutating func grow() {
        var larger = HashTable(expecting: keys.count)
        for place in 0..<keys.count where keys[place] != HashTable.free { larger.put(keys[place], numbers[place]) }
        larger.count = count
        self = larger
    }

    private mutating func put(_ key: UInt64, _ number: UInt32) {
        var place = Int(truncatingIfNeeded: key &>> shift)
        while keys[place] != HashTable.free { place = (place &+ 1) & (keys.count &- 1) }
        keys[place] = key
        numbers[place] = number
    }
}

/// Digests, each with the first row that has it.
struct DigestTable: Sendable {
    private struct Item {
        let digest: SeparationDigest
        let row: UInt32
        /// Where the item of another digest that begins with the same 64 bits lies, counted from 1; 0 where there is none, as a rule.
        var next: UInt32
    }

    private var table = HashTable()
    /// By number: where its newest item lies, counted from 1.
    private var firsts: [UInt32] = []
    private var items: [Item] = []

    /// The row of a digest, or nil.
    func row(of digest: SeparationDigest) -> Int? {
        let number = table.number(of: DigestTable.key(digest))
        guard number >= 0 else { return nil }
        var at = firsts[number]
        while at != 0 {
            let item = items[Int(at) - 1]
            if item.digest == digest { return Int(item.row) }
            at = item.next
        }
        return nil
    }

    /// Takes a digest in; where it is there already, its first row stays.
    mutating func insert(_ digest: SeparationDigest, row: Int) {
        guard self.row(of: digest) == nil else { return }
        let (number, isNew) = table.insert(DigestTable.key(digest))
        items.append(Item(digest: digest, row: UInt32(row), next: isNew ? 0 : firsts[number]))
        if isNew { firsts.append(0) }
        firsts[number] = UInt32(items.count)
    }

    private static func key(_ digest: SeparationDigest) -> UInt64 { digest.a == HashTable.free ? 1 : digest.a }
}
