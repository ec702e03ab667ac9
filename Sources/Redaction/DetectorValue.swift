// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The plain form of a value, whatever way it was written: equal values get equal pseudonyms.
enum DetectorValue {
    /// The bytes that are hashed.
    ///
    /// - Parameters:
    ///   - match: a value found.
    ///   - text: what it was found in.
    /// - Returns: e-mail in lower case, numbers without what groups them, addresses by their bits, secrets without escapes.
    static func plain(_ match: DetectorMatch, in text: DetectorText) -> [UInt8] {
        let units = characters(match, in: text)
        switch match.kind {
        case .email: return utf8(units.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 })
        case .card, .ssn: return utf8(units.filter(\.isDigit))
        case .iban: return utf8(units.filter(\.isAlphanumeric).map { $0.isDigit ? $0 : $0 & ~0x20 })
        case .phone: return phone(units)
        case .ip: return address(utf8(units))
        case .secret: return utf8(units.filter { $0 > 0x20 && $0 < 0x7F })
        }
    }

    private static func characters(_ match: DetectorMatch, in text: DetectorText) -> [UInt32] {
        var units: [UInt32] = []
        var at = match.start
        let isEncoded = match.kind == .email || match.kind == .phone
        while at < match.end {
            if isEncoded, text.byte(at) == 0x25, at + 2 < match.end, let high = Hex.value(text.byte(at + 1)),
                let low = Hex.value(text.byte(at + 2))
            {
                units.append(UInt32(high << 4 | low))
                at += 3
                continue
            }
            let unit = text.unit(at: at)
            units.append(unit.value)
            at = unit.place
        }
        return units
    }

    private static func utf8(_ units: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        for unit in units { bytes.append(contentsOf: (Unicode.Scalar(unit) ?? "\u{FFFD}").utf8) }
        return bytes
    }

    /// Digits, with a plus sign before a country code; a zero in brackets is not dialled.
    private static func phone(_ units: [UInt32]) -> [UInt8] {
        var units = units
        var isInternational = units.first == 0x2B
        if isInternational, let open = units.firstIndex(of: 0x28), open + 2 < units.count, units[open + 1] == 0x30,
            units[open + 2] == 0x29
        {
            units.removeSubrange(open...open + 2)
        }
        var digits = units.filter(\.isDigit)
        if !isInternational, digits.starts(with: [0x30, 0x30]) {
            digits.removeFirst(2)
            isInternational = true
        }
        return utf8((isInternational ? [0x2B] : []) + digits)
    }

    /// An address of version 6 as its groups; one of version 4 is plain already.
    private static func address(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(0x3A) else { return bytes }
        let groups = bytes.withUnsafeBytes { AddressDetector.groups(ByteRun($0), hasTail: true) }
        return (groups ?? []).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }
}
