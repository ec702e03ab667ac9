// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Money that a provider reports, as integer nano-dollars, read from the decimal lexeme without floating point.
package enum NanoDollars {
    /// Reads a JSON number as dollars.
    ///
    /// - Parameters:
    ///   - lexeme: `-?digits[.digits][e[+-]digits]`, as JSON writes numbers.
    ///   - scale: how many decimal places the unit of the number lies below the dollar; 0 for dollars, 10 for ticks of 1e-10.
    /// - Returns: nano-dollars, rounded half to even where the lexeme is finer; nil where it is no such number or does not
    ///   fit 64 bits.
    package static func parse(_ lexeme: some Collection<UInt8>, scale: Int = 0) -> Int64? {
        guard let decimal = Decimal(lexeme) else { return nil }
        let shift = decimal.exponent + 9 - scale
        guard let magnitude = shift >= 0 ? decimal.scaledUp(by: shift) : decimal.roundedDown(by: -shift) else { return nil }
        return decimal.isNegative ? -magnitude : magnitude
    }

    /// Digits of a decimal number that are read; longer ones are no money.
    static let digitsMax = 64
}

/// A decimal number taken apart: its value is the digits, read as an integer, times ten to the exponent.
private struct Decimal {
    var isNegative = false
    /// Significant digits, 0 to 9, without leading zeros.
    var digits: [UInt8] = []
    var exponent = 0

    init?(_ lexeme: some Collection<UInt8>) {
        var rest = lexeme[...]
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest = rest.dropFirst()
        }
        var seenPoint = false
        var seenDigit = false
        while let byte = rest.first, byte != UInt8(ascii: "e"), byte != UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            seenDigit = true
            if seenPoint { exponent -= 1 }
            if byte != 0x30 || !digits.isEmpty { digits.append(byte - 0x30) }
            guard digits.count <= NanoDollars.digitsMax else { return nil }
        }
        guard seenDigit else { return nil }
        guard rest.isEmpty else {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            guard let written = ASCIIInteger.parse(rest), written.magnitude < 1_000_000_000 else { return nil }
            exponent += Int(written)
            return
        }
    }

    /// The digits with that many zeros behind them.
    func scaledUp(by zeros: Int) -> Int64? {
        if digits.isEmpty { return 0 }
        guard zeros < 20 else { return nil }
        return Decimal.value(digits + [UInt8](repeating: 0, count: zeros))
    }

    /// The digits without the last few, rounded half to even.
    func roundedDown(by places: Int) -> Int64? {
        guard places <= digits.count else { return 0 }
        let kept = digits.dropLast(places)
        let dropped = digits.suffix(places)
        guard let floor = Decimal.value(Array(kept)), let first = dropped.first else { return nil }
        let isTie = first == 5 && dropped.dropFirst().allSatisfy { $0 == 0 }
        let up = isTie ? floor % 2 == 1 : first >= 5
        let (value, overflow) = floor.addingReportingOverflow(up ? 1 : 0)
        return overflow ? nil : value
    }

    private static func value(_ digits: [UInt8]) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflow2) = scaled.addingReportingOverflow(Int64(digit))
            if overflow || overflow2 { return nil }
            value = next
        }
        return value
    }
}
