// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Redaction

@Suite struct CardTests {
    /// Published test numbers.
    private static let numbers = [
        "4111111111111111", "4012888888881881", "4222222222222", "5555555555554444", "5105105105105100", "2223003122003222",
        "378282246310005",
        "371449635398431", "6011111111111117", "30569309025904", "38520000023237", "3530111333300000", "6304000000000000",
        "6200000000000005",
        "2200000000000004", "6759649826438453",
    ]

    @Test(arguments: numbers) func findsCards(number: String) {
        for (before, after) in [
            ("", ""), ("card ", ", exp 12/26"), ("\"", "\""), ("=", "&cvv=123"), ("a,", ",b"), ("\\n", "\\n"), ("字", "字"),
        ] {
            #expect(Masking.found(before + number + after, .card) == [number], "\(before)|\(after)")
        }
    }

    @Test(arguments: [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005", "3782-822463-10005", "3056 930902 5904",
        "4111\u{A0}1111\u{A0}1111\u{A0}1111",
        "4111\\u00a01111\\u00a01111\\u00a01111",
    ])
    func findsGroupedCards(number: String) { #expect(Masking.found("pay \(number), thanks", .card) == [number]) }

    @Test(arguments: [
        "4111111111111112", "1234567812345670", "9999999999999995", "411111111111", "41111111111111111111", "4111 1111 1111 1112",
        "41 11 11 11 11 11 11 11",
        "4111 1111-1111 1111", "4111.1111.1111.1111", "x4111111111111111", "4111111111111111x", "0.4111111111111111",
        "4111111111111111.5",
        "id-4111111111111111", "1732867200000", "4111-1111-1111-1111-1111", "_4111111111111111",
        "550e8400-e29b-41d4-a716-446655440000",
    ])
    func leavesWhatIsNoCard(text: String) { #expect(Masking.found(text, .card) == []) }

    /// Luhn's rule as its inventor states it, from the right, over the digits as text: the oracle.
    private static func isLuhn(_ number: String) -> Bool {
        let doubled = number.reversed().enumerated().map { place, digit -> Int in
            let value = Int(String(digit)) ?? 0
            return place % 2 == 0 ? value : String(value * 2).reduce(0) { $0 + (Int(String($1)) ?? 0) }
        }
        return doubled.reduce(0, +) % 10 == 0
    }

    @Test func agreesWithLuhn() {
        var random = SplitMix64(seed: 11)
        var valid = 0
        for _ in 0..<4_000 {
            let number = "4" + (0..<15).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
            if CardTests.isLuhn(number) { valid += 1 }
            #expect(Masking.found(number, .card) == (CardTests.isLuhn(number) ? [number] : []))
        }
        #expect(valid > 300)
    }

    /// ISO 7064 over the whole number as one large decimal, digit by digit, letters as two: the oracle.
    private static func isMod97(_ iban: String) -> Bool {
        let turned = iban.dropFirst(4) + iban.prefix(4)
        let digits = turned.map { character -> String in
            guard let value = character.hexDigitValue.flatMap({ character.isNumber ? $0 : nil }) else {
                return String(Int(character.asciiValue ?? 0) - 55)
            }
            return String(value)
        }.joined()
        var rest = 0
        for digit in digits { rest = (rest * 10 + (Int(String(digit)) ?? 0)) % 97 }
        return rest == 1
    }

    @Test func agreesWithMod97() {
        var random = SplitMix64(seed: 12)
        var valid = 0
        let countries = IBANDetector.lengths.sorted { $0.key < $1.key }
        for number in 0..<9_000 {
            let (country, length) = countries[number % countries.count]
            let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            let body = String(
                (0..<length - 4).map { _ in letters[Int.random(in: 0..<(number % 3 == 0 ? 36 : 10), using: &random)] })
            let iban = country + "\(Int.random(in: 10...99, using: &random))" + body
            if CardTests.isMod97(iban) { valid += 1 }
            #expect(Masking.found(iban, .iban) == (CardTests.isMod97(iban) ? [iban] : []))
        }
        #expect(valid > 50)
    }
}
