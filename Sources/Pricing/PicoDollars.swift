// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Money as integer pico-dollars, read from decimals without floating point.
package enum PicoDollars {
    /// Why a text is no price.
    package enum Fault: Error, Equatable, Sendable {
        /// It is not `digits[.digits][e[+-]digits]`.
        case notANumber
        /// It is below zero.
        case negative
        /// It is above `PricingLimits.pico`.
        case tooLarge
        /// It is finer than a pico-dollar.
        case tooFine
    }

    /// Reads a decimal number of dollars.
    ///
    /// - Parameters:
    ///   - text: as JSON and YAML write numbers.
    ///   - digits: decimal places between the dollar and what is returned.
    ///   - isRounded: round what is finer half to even, in place of refusing it.
    /// - Returns: the whole number, and whether it was rounded.
    /// - Throws: why it is none.
    package static func parse(
        _ text: String, digits: Int, isRounded: Bool = false
    ) throws(Fault) -> (pico: Int64, wasRounded: Bool) {
        var parsed = try Decimal(text)
        parsed.exponent += digits
        guard parsed.exponent < 0 else { return (try scaledUp(parsed), false) }
        while parsed.exponent < 0, parsed.digits.last == 0 {
            parsed.digits.removeLast()
            parsed.exponent += 1
        }
        if parsed.digits.isEmpty { return (0, false) }
        guard parsed.exponent < 0 else { return (try scaledUp(parsed), false) }
        guard isRounded else { throw .tooFine }
        return (try roundedDown(parsed), true)
    }

    /// The decimal of a whole number, without zeros at its end: the inverse of `parse`.
    package static func text(_ pico: Int64, digits: Int) -> String {
        var tail = Array(String(pico.magnitude))
        if tail.count <= digits { tail = Array(repeating: "0", count: digits + 1 - tail.count) + tail }
        let whole = String(tail[..<(tail.count - digits)])
        var fraction = tail[(tail.count - digits)...]
        while fraction.last == "0" { fraction.removeLast() }
        return (pico < 0 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + String(fraction))
    }

    private static func scaledUp(_ decimal: Decimal) throws(Fault) -> Int64 {
        if decimal.digits.isEmpty { return 0 }
        guard decimal.exponent < 20 else { throw .tooLarge }
        return try whole(decimal.digits + [UInt8](repeating: 0, count: decimal.exponent))
    }

    private static func roundedDown(_ decimal: Decimal) throws(Fault) -> Int64 {
        let places = -decimal.exponent
        guard places <= decimal.digits.count else { return 0 }
        let floor = try whole(Array(decimal.digits.dropLast(places)))
        let dropped = decimal.digits.suffix(places)
        let first = dropped.first ?? 0
        let isTie = first == 5 && dropped.dropFirst().allSatisfy { $0 == 0 }
        return isTie ? floor + floor % 2 : floor + (first >= 5 ? 1 : 0)
    }

    private static func whole(_ digits: [UInt8]) throws(Fault) -> Int64 {
        var value: Int64 = 0
        for digit in digits {
            value = value * 10 + Int64(digit)
            guard value <= PricingLimits.pico else { throw .tooLarge }
        }
        return value
    }

    /// A number taken apart: its digits, read as an integer, times ten to the exponent.
    private struct Decimal {
        var digits: [UInt8] = []
        var exponent = 0

        init(_ text: String) throws(Fault) {
            var rest = text.utf8[...]
            guard !rest.isEmpty, rest.count <= 64 else { throw .notANumber }
            let isNegative = rest.first == UInt8(ascii: "-")
            if isNegative { rest = rest.dropFirst() }
            var seenPoint = false
            var seenDigit = false
            while let byte = rest.first, byte | 0x20 != UInt8(ascii: "e") {
                rest = rest.dropFirst()
                if byte == UInt8(ascii: "."), !seenPoint, seenDigit {
                    seenPoint = true
                    continue
                }
                guard (0x30...0x39).contains(byte) else { throw .notANumber }
                seenDigit = true
                if seenPoint { exponent -= 1 }
                if byte != 0x30 || !digits.isEmpty { digits.append(byte - 0x30) }
            }
            guard seenDigit else { throw .notANumber }
            if !rest.isEmpty {
                rest = rest.dropFirst()
                if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
                guard let written = ASCIIInteger.parse(rest), written.magnitude < 1_000 else { throw .notANumber }
                exponent += Int(written)
            }
            if isNegative, !digits.isEmpty { throw .negative }
        }
    }
}
