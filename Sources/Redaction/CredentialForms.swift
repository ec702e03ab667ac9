// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// In what other forms a credential may be repeated: a part of it, decoded, or escaped as texts around it demand.
enum CredentialForms {
    /// A part that is shorter, or has no digit, could be a word.
    private static let shortestPart = 16

    /// Tells the parts of a value that may be repeated alone: a cookie's value, a signature, one of two tokens.
    ///
    /// - Parameters:
    ///   - value: without its scheme word.
    ///   - isSetCookie: whether only what is before the first semicolon is the credential.
    ///   - visit: takes each part.
    static func forEachPart(of value: ByteRun, isSetCookie: Bool, _ visit: (ByteRun) -> Void) {
        var start = 0
        var (digits, letters) = (0, 0)
        for i in 0...value.count {
            let byte = i < value.count ? value.byte(i) : 0x3B
            switch byte {
            case 0x20, 0x22, 0x26, 0x2C, 0x3B, 0x3D:
                // A path is none: `uri="/v1/chat/completions"`.
                if i - start >= shortestPart, i - start < value.count, digits > 0, letters > 0, value.byte(start) != 0x2F {
                    visit(value.slice(start, i))
                }
                if byte == 0x3B, isSetCookie { return }
                start = i + 1
                (digits, letters) = (0, 0)
            default:
                if UInt32(byte).isDigit { digits += 1 }
                if UInt32(byte).isLetter { letters += 1 }
            }
        }
    }

    /// The other forms of a credential; none, at no cost, of one made of letters, digits and the signs that nothing escapes.
    ///
    /// - Parameters:
    ///   - credential: without its scheme word.
    ///   - isBasic: whether it is a user and a password in base64.
    /// - Returns: each form once, none of them the credential itself.
    static func forms(of credential: ByteRun, isBasic: Bool) -> [[UInt8]] {
        var forms: [[UInt8]] = []
        if isBasic { forms += basic(credential) }
        guard hasSigns(credential), credential.count <= 16_384 else { return forms }
        let bytes = credential.array
        forms.append(percentEncoded(bytes, upper: true))
        forms.append(percentEncoded(bytes, upper: false))
        forms.append(escaped(bytes) { $0 == 0x2F ? [0x5C, 0x2F] : nil })
        forms.append(escaped(bytes) { $0 == 0x22 || $0 == 0x5C ? [0x5C, $0] : nil })
        // As encoders that write for pages of HTML do, in capitals and in small letters.
        for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
            let digits = Array(digits.utf8)
            forms.append(
                escaped(bytes) { byte in
                    guard [0x22, 0x26, 0x27, 0x2B, 0x3C, 0x3E, 0x60].contains(byte) else { return nil }
                    return Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                })
        }
        let different = Set(forms.filter { $0 != bytes })
        return different.sorted { ($0.count, $0[0]) > ($1.count, $1[0]) }
    }

    /// Whether some encoding may write a credential otherwise.
    private static func hasSigns(_ credential: ByteRun) -> Bool {
        for i in 0..<credential.count {
            let byte = credential.byte(i)
            if UInt32(byte).isAlphanumeric || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E { continue }
            return true
        }
        return false
    }

    /// User and password together, and the password alone.
    private static func basic(_ credential: ByteRun) -> [[UInt8]] {
        var text = credential.array
        while text.last == 0x3D { text.removeLast() }
        let padding = (4 - text.count % 4) % 4
        guard padding < 3, let plain = Base64.decode((text + [UInt8](repeating: 0x3D, count: padding))[...]),
            let colon = plain.firstIndex(of: 0x3A)
        else { return [] }
        return [plain, Array(plain[(colon + 1)...])].filter { !$0.isEmpty }
    }

    private static func percentEncoded(_ bytes: [UInt8], upper: Bool) -> [UInt8] {
        let digits = Array((upper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        return escaped(bytes) { byte in
            if UInt32(byte).isAlphanumeric || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E { return nil }
            return [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    private static func escaped(_ bytes: [UInt8], _ form: (UInt8) -> [UInt8]?) -> [UInt8] {
        bytes.flatMap { form($0) ?? [$0] }
    }
}
