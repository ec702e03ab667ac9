// SPDX-License-Identifier: Apache-2.0

/// Base64 (RFC 4648 section 4, with padding).
package enum Base64 {
    private static let alphabet: [UInt8] = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Encodes a run of bytes.
    package static func encode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var i = bytes.startIndex
        while i < bytes.endIndex {
            let left = bytes.endIndex - i
            let a = UInt32(bytes[i])
            let b = left > 1 ? UInt32(bytes[i + 1]) : 0
            let c = left > 2 ? UInt32(bytes[i + 2]) : 0
            let group = a << 16 | b << 8 | c
            out.append(alphabet[Int(group >> 18)])
            out.append(alphabet[Int(group >> 12 & 63)])
            out.append(left > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            out.append(left > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "="))
            i += 3
        }
        return out
    }

    /// Decodes padded base64, or nil where it is malformed.
    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        var held = 0
        var padding = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                padding += 1
                group <<= 6
            } else {
                guard padding == 0, let six = sextet(byte) else { return nil }
                group = group << 6 | UInt32(six)
            }
            held += 1
            if held == 4 {
                out.append(UInt8(group >> 16 & 255))
                if padding < 2 { out.append(UInt8(group >> 8 & 255)) }
                if padding < 1 { out.append(UInt8(group & 255)) }
                guard padding <= 2 else { return nil }
                group = 0
                held = 0
            }
        }
        return out
    }

    private static func sextet(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
