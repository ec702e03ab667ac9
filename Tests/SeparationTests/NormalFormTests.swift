// SPDX-License-Identifier: Apache-2.0
@_spi(_Unicode) import Swift
import TestSupport
import Testing

@testable import Separation

/// NFC, against the standard library where that is right, and against what is known where it is not.
@Suite struct NormalFormTests {
    private func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

    /// What composes with what is before it follows from the decompositions.
    @Test func listsAllThatComposes() {
        var wanted = Set<UInt32>(0x1161...0x1175).union(0x11A8...0x11C2)
        for value in UInt32(0)..<0x110000 {
            guard let scalar = Unicode.Scalar(value), !scalar.properties.isFullCompositionExclusion else { continue }
            let parts = Array(String(scalar)._nfd)
            if parts.count > 1, let last = parts.last { wanted.insert(last.value) }
        }
        #expect(Set(NormalForm.composes.flatMap { Array($0) }) == wanted)
    }

    /// A text that passes the quick look is not changed by composing it.
    @Test func quickLookNeverPassesWhatChanges() {
        var random = SplitMix64(seed: 3)
        var pool: [Unicode.Scalar] = []
        for value in UInt32(0x80)..<0x20000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isOdd = scalar.properties.canonicalCombiningClass != .notReordered || Array(String(scalar)._nfd).count > 1
            if isOdd || NormalForm.mayChange(scalar) || value % 97 == 0 { pool.append(scalar) }
        }
        var passed = 0
        for _ in 0..<60_000 {
            let parts = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                pool[Int.random(in: 0..<pool.count, using: &random)]
            }
            let text = String(String.UnicodeScalarView(parts))
            guard NormalForm.isComposed(text) else { continue }
            passed += 1
            #expect(scalars(text) == scalars(NormalForm.composed(text)))
        }
        #expect(passed > 1_000)
    }

    @Test func composesWhatFoundationLeavesApart() {
        #expect(scalars(NormalForm.composed("\u{AC00}\u{11AB}")) == [0xAC04])
        #expect(scalars(NormalForm.composed("\u{CCA}\u{CD5}")) == [0xCCB])
    }

    /// Three vowels come apart into marks that are ordered among others; values from Python's unicodedata.
    @Test func ordersTheTibetanVowels() {
        #expect(scalars(NormalForm.composed("\u{5C5}\u{F81}\u{11A7}")) == [0xF71, 0xF80, 0x5C5, 0x11A7])
        #expect(scalars(NormalForm.composed("\u{11B2}\u{1D16F}\u{F73}")) == [0x11B2, 0xF71, 0xF72, 0x1D16F])
        #expect(scalars(NormalForm.composed("\u{419}\u{1DC1}\u{F75}")) == [0x419, 0xF71, 0xF74, 0x1DC1])
    }

    @Test func n1IsTheSameTwice() {
        var random = SplitMix64(seed: 9)
        let alphabet = Array("ab\r\n\t \u{A0}\u{2003}\u{3000}\u{301}\u{323}e\u{F73}漢\u{1100}\u{1161}\u{11A8}".unicodeScalars)
        for _ in 0..<3_000 {
            let parts = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            let once = NormalForm.n1(String(String.UnicodeScalarView(parts)))
            #expect(NormalForm.n1(String(decoding: once, as: UTF8.self)) == once)
            #expect(
                once == Array(Oracle.n1(String(String.UnicodeScalarView(String(String.UnicodeScalarView(parts))._nfc))).utf8)
                    || parts.contains("\u{F73}"))
        }
    }
}
