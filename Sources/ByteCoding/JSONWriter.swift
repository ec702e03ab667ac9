// SPDX-License-Identifier: Apache-2.0

/// Writes JSON into a byte array, members in the order of the calls; commas are its own business.
///
/// A value type without validation: the caller pairs `begin` and `end`.
package struct JSONWriter: Sendable {
    /// What has been written.
    package private(set) var bytes: [UInt8]
    private var needsComma = false

    /// An empty writer.
    ///
    /// - Parameter capacity: bytes to reserve.
    package init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// Opens an object.
    package mutating func beginObject() {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    /// Closes the innermost object.
    package mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// Opens an array.
    package mutating func beginArray() {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    /// Closes the innermost array.
    package mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Writes a member's key; its value comes next.
    package mutating func key(_ name: String) {
        separate()
        JSONEscaping.appendQuoted(name.utf8, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string, or null.
    package mutating func value(_ text: String?) {
        guard let text else { return null() }
        separate()
        JSONEscaping.appendQuoted(text.utf8, to: &bytes)
    }

    /// Writes a string from valid UTF-8 bytes.
    package mutating func value(utf8 text: ArraySlice<UInt8>) {
        separate()
        JSONEscaping.appendQuoted(text, to: &bytes)
    }

    /// Writes an integer, or null.
    package mutating func value(_ number: Int64?) {
        guard let number else { return null() }
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    /// Writes a bool, or null.
    package mutating func value(_ flag: Bool?) {
        guard let flag else { return null() }
        separate()
        bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    /// Writes a double in its shortest round-trip form; null where it is absent or not finite.
    package mutating func value(_ number: Double?) {
        guard let number, number.isFinite else { return null() }
        separate()
        bytes.append(contentsOf: number.description.utf8)
    }

    /// Writes null.
    package mutating func null() {
        separate()
        bytes.append(contentsOf: [0x6E, 0x75, 0x6C, 0x6C])
    }

    /// Writes bytes that are already one JSON value.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// Ends a line: the next value starts a new JSON text.
    package mutating func newline() {
        bytes.append(0x0A)
        needsComma = false
    }
}
