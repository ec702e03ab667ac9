// SPDX-License-Identifier: Apache-2.0

/// Writes one line of JSON into memory that is used again; the fast twin of `JSONWriter`, which is its oracle.
///
/// Owned by one thread. Punctuation is the caller's business: it writes literals that hold commas and keys. What has a small upper
/// bound is written by a `JSONCursor`, what is long by the functions here.
@safe package struct JSONLine: ~Copyable {
    private var store: ByteStore
    /// Memory kept from one line to the next, bytes.
    private static let keptBytes = 4 << 20
    /// A long string is escaped in pieces of this many bytes, so that room is taken as it is needed.
    private static let pieceBytes = 32 << 10

    /// An empty line.
    package init() { store = ByteStore(capacity: 64 << 10) }

    /// What has been written; good until the next change.
    package var run: ByteRun { store.run }

    /// Bytes written.
    package var count: Int { store.count }

    /// Begins another line.
    package mutating func reset() { store.reset(keeping: JSONLine.keptBytes) }

    /// Takes room for what a cursor then writes without looking again.
    ///
    /// - Parameter bytes: the most that will be written.
    /// - Returns: the cursor; nothing else may be written before `end(_:)`.
    package mutating func begin(atMost bytes: Int) -> JSONCursor {
        store.reserve(bytes &+ JSONCursor.slack)
        return JSONCursor(at: store.base + store.count, room: bytes)
    }

    /// Keeps what a cursor wrote; one that wrote more than was said ends the process.
    package mutating func end(_ cursor: JSONCursor) {
        precondition(cursor.at <= cursor.end)
        store.count = cursor.at - store.base
    }

    /// Writes text as it is.
    package mutating func literal(_ text: StaticString) { store.append(ByteRun(text)) }

    /// Writes bytes as they are.
    package mutating func raw(_ run: ByteRun) { store.append(run) }

    /// Writes an integer.
    package mutating func integer(_ value: Int64) {
        var cursor = begin(atMost: JSONCursor.integerBytes)
        cursor.integer(value)
        end(cursor)
    }

    /// Writes a quoted string from valid UTF-8.
    package mutating func string(_ run: ByteRun) {
        literal("\"")
        var done = 0
        while done < run.count {
            let last = min(done + JSONLine.pieceBytes, run.count)
            var cursor = begin(atMost: (last - done) * JSONCursor.escapedBytes)
            cursor.at = JSONCursor.escape(run.slice(done, last), to: cursor.at)
            end(cursor)
            done = last
        }
        literal("\"")
    }

    /// Writes a quoted string of the base64 of a run.
    package mutating func base64(_ run: ByteRun) {
        literal("\"")
        store.reserve((run.count + 2) / 3 * 4)
        let alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" as StaticString).utf8Start
        var target = store.base + store.count
        var i = 0
        while i < run.count {
            let left = run.count - i
            let a = UInt32(run.base.load(fromByteOffset: i, as: UInt8.self))
            let b = left > 1 ? UInt32(run.base.load(fromByteOffset: i + 1, as: UInt8.self)) : 0
            let c = left > 2 ? UInt32(run.base.load(fromByteOffset: i + 2, as: UInt8.self)) : 0
            let group = a << 16 | b << 8 | c
            target.storeBytes(of: alphabet[Int(group >> 18)], as: UInt8.self)
            target.storeBytes(of: alphabet[Int(group >> 12 & 63)], toByteOffset: 1, as: UInt8.self)
            let third = left > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "=")
            let fourth = left > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "=")
            target.storeBytes(of: third, toByteOffset: 2, as: UInt8.self)
            target.storeBytes(of: fourth, toByteOffset: 3, as: UInt8.self)
            target += 4
            i += 3
        }
        store.count = target - store.base
        literal("\"")
    }
}
