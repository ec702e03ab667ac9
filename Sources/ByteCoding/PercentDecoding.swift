// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding (RFC 3986 section 2.1), undone.
package enum PercentDecoding {
    private static let percent = UInt8(ascii: "%")

    /// Undoes percent-encoding; what is no encoding stays.
    package static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == percent, let value = pair(rest) {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return out
    }

    /// Undoes percent-encoding, or nil where a percent sign begins none.
    package static func strictly(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == percent else {
                out.append(byte)
                continue
            }
            guard let value = pair(rest) else { return nil }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return out
    }

    /// Undoes percent-encoding in text; bytes that are no UTF-8 are replaced.
    package static func decoded(_ text: some StringProtocol) -> String {
        String(decoding: decoded(Array(text.utf8)[...]), as: UTF8.self)
    }

    private static func pair(_ rest: ArraySlice<UInt8>) -> UInt8? {
        guard rest.count >= 2, let high = Hex.value(rest[rest.startIndex]), let low = Hex.value(rest[rest.startIndex + 1]) else {
            return nil
        }
        return high << 4 | low
    }
}
