// SPDX-License-Identifier: Apache-2.0

/// A number of JSON as it is written, exactly: digits times a power of ten.
///
/// No digit is lost, as a double would lose them: 0.1 is a multiple of 0.01, and 9007199254740993 is not 9007199254740992.
struct SchemaNumber: Hashable, Sendable {
    /// False for zero.
    let isNegative: Bool
    /// Values of the digits, without zeros at either end; empty for zero.
    let digits: [UInt8]
    /// The power of ten of the last digit; 0 for zero.
    let exponent: Int

    /// Exponents beyond are held at it: such numbers are compared by their size alone.
    private static let exponentMax = 1_000_000_000

    /// Reads a number's lexeme; nil where it is none.
    init?(_ lexeme: some Sequence<UInt8>) {
        var (digits, point, exponent, sign, isNegative): ([UInt8], Int?, Int, Int, Bool) = ([], nil, 0, 0, false)
        for byte in lexeme {
            switch byte {
            case 0x30...0x39 where sign != 0: exponent = min(exponent * 10 + Int(byte - 0x30), SchemaNumber.exponentMax)
            case 0x30...0x39: digits.append(byte - 0x30)
            case UInt8(ascii: "-") where sign == 0: isNegative = true
            case UInt8(ascii: "-"): sign = -1
            case UInt8(ascii: "+") where sign != 0: break
            case UInt8(ascii: "."): point = digits.count
            case UInt8(ascii: "e"), UInt8(ascii: "E"): sign = 1
            default: return nil
            }
        }
        guard !digits.isEmpty else { return nil }
        var power = sign * exponent - (point.map { digits.count - $0 } ?? 0)
        while digits.last == 0 {
            digits.removeLast()
            power += 1
        }
        self.digits = Array(digits.drop { $0 == 0 })
        self.exponent = self.digits.isEmpty ? 0 : power
        self.isNegative = isNegative && !self.digits.isEmpty
    }

    /// Whether it is a whole number, however it is written: 1.0 is one.
    var isInteger: Bool { exponent >= 0 }

    /// The value where it is whole and small enough for a count.
    var count: Int? {
        guard !isNegative, exponent >= 0, digits.count + exponent <= 9 else { return nil }
        var value = 0
        for digit in digits { value = value * 10 + Int(digit) }
        for _ in 0..<exponent { value *= 10 }
        return value
    }

    /// Whether it is smaller than another.
    static func < (a: SchemaNumber, b: SchemaNumber) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        return a.isNegative ? b.isShorter(than: a) : a.isShorter(than: b)
    }

    /// Whether its distance from zero is smaller than another's.
    private func isShorter(than other: SchemaNumber) -> Bool {
        if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
        let (own, others) = (digits.count + exponent, other.digits.count + other.exponent)
        if own != others { return own < others }
        return digits.lexicographicallyPrecedes(other.digits)
    }

    /// Whether it is a whole number of times a step above zero; nil where the step has too many digits to tell.
    func isMultiple(of step: SchemaNumber) -> Bool? {
        guard !step.digits.isEmpty, step.digits.count <= 18 else { return nil }
        if digits.isEmpty { return true }
        // Without zeros at its end it is no multiple of a larger power of ten.
        guard exponent >= step.exponent else { return false }
        let divisor = step.digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
        var rest: UInt64 = 0
        for digit in digits { rest = (rest * 10 + UInt64(digit)) % divisor }
        return SchemaNumber.product(rest, SchemaNumber.power(of: 10, exponent - step.exponent, modulo: divisor), modulo: divisor)
            == 0
    }

    private static func product(_ a: UInt64, _ b: UInt64, modulo divisor: UInt64) -> UInt64 {
        divisor.dividingFullWidth((a % divisor).multipliedFullWidth(by: b % divisor)).remainder
    }

    private static func power(of base: UInt64, _ exponent: Int, modulo divisor: UInt64) -> UInt64 {
        var (result, square, rest) = (1 % divisor, base % divisor, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = product(result, square, modulo: divisor) }
            square = product(square, square, modulo: divisor)
            rest >>= 1
        }
        return result
    }
}
