// SPDX-License-Identifier: Apache-2.0

/// What stands at a key of an object, asked for as one kind of value.
package enum JSONMember<Value> {
    case absent
    case null
    case value(Value)
    /// A value of another kind.
    case other
}

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
        guard node.kind == .object else { return }
        slots = node.document.withTokens { tokens, bytes in
            let end = Int(tokens[node.index].next)
            var count = 0
            var index = node.index + 1
            while index < end {
                count += 1
                index = Int(tokens[index + 1].next)
            }
            guard count <= JSONFields.most else { return [] }
            var slots = [UInt32](repeating: 0, count: 1 << (Int.bitWidth - (2 * count).leadingZeroBitCount))
            index = node.index + 1
            while index < end {
                JSONFields.withKey(tokens[index], bytes) { key in
                    slots[JSONFields.slot(of: key, slots, tokens, bytes)] = UInt32(truncatingIfNeeded: index)
                }
                index = Int(tokens[index + 1].next)
            }
            return slots
        }
    }

    /// Whether members are found by a table; else each question goes through all of them.
    package var hasTable: Bool { !slots.isEmpty }

    /// The member's value (the last one, where a key is repeated), or nil where there is none.
    package subscript(key: String) -> JSONNode? {
        index(of: key).map { JSONNode(document: node.document, index: $0) }
    }

    /// The text of a member, found without making a node of it.
    package func string(_ key: String) -> JSONMember<String> { member(key) { node.document.string(at: $0) } }

    /// The integer of a member, found without making a node of it.
    package func integer(_ key: String) -> JSONMember<Int64> { member(key) { node.document.integer(at: $0) } }

    private func member<Value>(_ key: String, _ value: (Int) -> Value?) -> JSONMember<Value> {
        guard let index = index(of: key) else { return .absent }
        if let value = value(index) { return .value(value) }
        return node.document.tokens[index].kind == .null ? .null : .other
    }

    /// The token of a member's value, or nil where there is none.
    private func index(of key: String) -> Int? {
        guard !slots.isEmpty else { return node.kind == .object ? node.document.value(of: key, in: node.index) : nil }
        let index = JSONDocument.withBytes(of: key) { wanted in
            node.document.withTokens { tokens, bytes in slots[JSONFields.slot(of: wanted, slots, tokens, bytes)] }
        }
        return index == 0 ? nil : Int(index) + 1
    }

    /// Where a key stands, or would; there are more slots than keys.
    private static func slot(
        of key: ByteRun, _ slots: [UInt32], _ tokens: UnsafeBufferPointer<JSONToken>, _ bytes: ByteRun
    ) -> Int {
        let mask = slots.count - 1
        var place = hash(key) & mask
        while slots[place] != 0, !JSONDocument.isString(tokens[Int(slots[place])], key, bytes) { place = (place + 1) & mask }
        return place
    }

    /// Gives the bytes of a key, its escapes undone, valid within the call.
    private static func withKey(_ token: JSONToken, _ bytes: ByteRun, _ body: (ByteRun) -> Void) {
        let key = bytes.slice(Int(token.start) + 1, Int(token.end) - 1)
        if token.flag { JSONEscaping.unescape(key).withUnsafeBytes { body(ByteRun($0)) } } else { body(key) }
    }

    /// A hash of the length and the ends of a key.
    private static func hash(_ key: ByteRun) -> Int {
        var ends: (first: UInt64, last: UInt64) = (0, 0)
        if key.count >= 8 {
            ends.first = key.base.loadUnaligned(as: UInt64.self)
            ends.last = key.base.loadUnaligned(fromByteOffset: key.count - 8, as: UInt64.self)
        } else {
            for i in 0..<key.count { ends.first = ends.first &<< 8 | UInt64(key.base.load(fromByteOffset: i, as: UInt8.self)) }
        }
        let odd: UInt64 = 0x9E37_79B9_7F4A_7C15
        let hash = (ends.first &* odd ^ ends.last ^ UInt64(truncatingIfNeeded: key.count)) &* odd
        return Int(truncatingIfNeeded: hash &>> 32)
    }
}

extension JSONDocument {
    /// Gives tokens and bytes, valid within the call.
    fileprivate func withTokens<T>(_ body: (UnsafeBufferPointer<JSONToken>, ByteRun) -> T) -> T {
        tokens.withUnsafeBufferPointer { tokens in bytes.withUnsafeBytes { body(tokens, ByteRun($0)) } }
    }
}
