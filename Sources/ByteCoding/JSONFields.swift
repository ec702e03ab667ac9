// SPDX-License-Identifier: Apache-2.0

/// The members of one object by their keys, for whoever asks for many of them: a table is made once, a question costs no walk.
///
/// An immutable value.
package struct JSONFields: Sendable {
    /// The object.
    package let node: JSONNode
    /// Places of keys among the tokens, by hash; 0 where nothing is.
    private var slots: [UInt32] = []
    /// More members than this get no table: whoever wrote so many may have made them meet in it.
    private static let most = 1_024

    /// The members of an object; of any other kind there are none.
    ///
    /// - Complexity: O(members).
    package init(_ node: JSONNode) {
        self.node = node
        let document = node.document
        guard node.kind == .object else { return }
        let end = Int(document.tokens[node.index].next)
        var count = 0
        var index = node.index + 1
        while index < end {
            count += 1
            index = Int(document.tokens[index + 1].next)
        }
        guard count <= JSONFields.most else { return }
        slots = [UInt32](repeating: 0, count: 1 << (Int.bitWidth - (2 * count).leadingZeroBitCount))
        index = node.index + 1
        while index < end {
            document.withKey(index) { key in slots[slot(of: key)] = UInt32(index) }
            index = Int(document.tokens[index + 1].next)
        }
    }

    /// The member's value (the last one, where a key is repeated), or nil where there is none.
    package subscript(key: String) -> JSONNode? {
        guard !slots.isEmpty else { return node[key] }
        var key = key
        let index = key.withUTF8 { wanted in slots[slot(of: ByteRun(UnsafeRawBufferPointer(wanted)))] }
        return index == 0 ? nil : JSONNode(document: node.document, index: Int(index) + 1)
    }

    /// Where a key stands, or would; there are more slots than keys.
    private func slot(of key: ByteRun) -> Int {
        let mask = slots.count - 1
        var place = JSONFields.hash(key) & mask
        while slots[place] != 0, !node.document.withKey(Int(slots[place]), { $0.equals(key) }) { place = (place + 1) & mask }
        return place
    }

    /// FNV-1a of the length and the ends of a key.
    private static func hash(_ key: ByteRun) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: key.count)
        func mix(_ offset: Int) {
            hash = (hash ^ UInt64(key.base.load(fromByteOffset: offset, as: UInt8.self))) &* 0x0000_0100_0000_01B3
        }
        let edge = min(key.count, 8)
        for i in 0..<edge { mix(i) }
        for i in max(edge, key.count - 8)..<max(edge, key.count) { mix(i) }
        return Int(truncatingIfNeeded: hash ^ hash &>> 29) & Int.max
    }
}

extension JSONDocument {
    /// Gives the bytes of a key, its escapes undone, valid within the call.
    fileprivate func withKey<T>(_ index: Int, _ body: (ByteRun) -> T) -> T {
        let token = tokens[index]
        guard token.flag else {
            return bytes.withUnsafeBytes { body(ByteRun($0).slice(Int(token.start) + 1, Int(token.end) - 1)) }
        }
        return JSONNode(document: self, index: index).unescapedBytes.withUnsafeBytes { body(ByteRun($0)) }
    }
}
