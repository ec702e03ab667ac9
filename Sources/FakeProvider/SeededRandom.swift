// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: a tiny generator whose whole sequence follows from its seed.
struct SeededRandom: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A generator that depends on this one's seed and a label, and leaves this one as it is.
    func fork(_ label: UInt64) -> SeededRandom { SeededRandom(seed: Self.mix(state ^ Self.mix(label &+ 0x51_7CC1_B727))) }

    /// An integer in `0..<bound`; 0 where the bound is not positive.
    mutating func below(_ bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        return Int(next() % UInt64(bound))
    }

    /// An integer in the closed range.
    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.upperBound - range.lowerBound + 1) }

    /// A double in `0..<1`.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// One of the choices, or the fallback where there are none.
    mutating func pick<T>(_ choices: [T], else fallback: T) -> T {
        choices.isEmpty ? fallback : choices[below(choices.count)]
    }

    mutating func pick(_ choices: [String]) -> String { pick(choices, else: "") }

    /// A factor with median 1, drawn from a lognormal distribution (sigma 0.5) by its tabled quantiles.
    mutating func spread() -> Double {
        let p = unit()
        var low = Self.quantiles[0]
        for high in Self.quantiles.dropFirst() {
            if p <= high.p { return low.value + (high.value - low.value) * (p - low.p) / (high.p - low.p) }
            low = high
        }
        return low.value
    }

    /// Letters and digits, as providers use them in ids.
    mutating func identifier(_ prefix: String, length: Int) -> String {
        var text = prefix
        for _ in 0..<max(0, length) { text.unicodeScalars.append(Unicode.Scalar(Self.alphabet[below(Self.alphabet.count)])) }
        return text
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// FNV-1a over the bytes, mixed.
    static func hash(_ bytes: some Sequence<UInt8>, seed: UInt64 = 0) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325 ^ mix(seed)
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mix(value)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    private static let quantiles: [(p: Double, value: Double)] = [
        (0, 0.223), (0.01, 0.313), (0.05, 0.439), (0.1, 0.527), (0.2, 0.656), (0.3, 0.770), (0.4, 0.881), (0.5, 1),
        (0.6, 1.135), (0.7, 1.300), (0.8, 1.524), (0.9, 1.898), (0.95, 2.276), (0.99, 3.2), (0.999, 4.688), (1, 5.755),
    ]
}
