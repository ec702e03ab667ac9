// SPDX-License-Identifier: Apache-2.0

/// Numbers as a person reads them; integers all the way.
package enum HumanUnits {
    /// A length of time: `850 µs`, `12.3 ms`, `1.23 s`, `2m 03s`, `1h 02m`.
    package static func duration(us: Int64) -> String {
        guard us >= 1_000 else { return "\(us) µs" }
        if us < 99_950_000 { return threeDigits(us, units: [(1_000, "ms"), (1_000_000, "s")]) }
        let seconds = us / 1_000_000
        if seconds < 3_600 { return "\(seconds / 60)m \(padded(seconds % 60))s" }
        return "\(grouped(seconds / 3_600))h \(padded(seconds % 3_600 / 60))m"
    }

    /// A size: `17 B`, `1.21 KiB`, `38.0 MiB`.
    package static func bytes(_ count: Int64) -> String {
        guard count >= 1_024 else { return "\(count) B" }
        return threeDigits(count, units: [(1 << 10, "KiB"), (1 << 20, "MiB"), (1 << 30, "GiB"), (1 << 40, "TiB")])
    }

    /// A count with a comma after every three digits.
    package static func grouped(_ count: Int64) -> String {
        let digits = Array(String(count.magnitude))
        var out = count < 0 ? "-" : ""
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.count - i).isMultiple(of: 3) { out.append(",") }
            out.append(digit)
        }
        return out
    }

    /// Money: `$1.204500`, rounded half to even to millionths.
    package static func dollars(nanousd: Int64) -> String {
        let magnitude = nanousd.magnitude
        var micro = magnitude / 1_000
        let rest = magnitude % 1_000
        if rest > 500 || (rest == 500 && !micro.isMultiple(of: 2)) { micro += 1 }
        let fraction = String(micro % 1_000_000)
        let zeros = String(repeating: "0", count: 6 - fraction.count)
        return "\(nanousd < 0 ? "-" : "")$\(grouped(Int64(clamping: micro / 1_000_000))).\(zeros)\(fraction)"
    }

    /// A share: `12.35 %`, from millionths, rounded half up to hundredths of a percent.
    package static func percent(ppm: Int64) -> String {
        let hundredths = ppm.magnitude / 100 + (ppm.magnitude % 100 >= 50 ? 1 : 0)
        let whole = grouped(Int64(clamping: hundredths / 100))
        return "\(ppm < 0 ? "-" : "")\(whole).\(padded(Int64(hundredths % 100))) %"
    }

    /// A number with two decimals: `83.33`; very large ones as they are.
    package static func decimal(_ number: Double) -> String {
        guard let hundredths = Int64(exactly: (number.magnitude * 100).rounded()) else { return "\(number)" }
        return "\(number < 0 ? "-" : "")\(grouped(hundredths / 100)).\(padded(hundredths % 100))"
    }

    /// Three digits that count in the smallest unit where they suffice; the largest unit takes what is left.
    private static func threeDigits(_ value: Int64, units: [(size: Int64, name: String)]) -> String {
        for unit in units where value / unit.size < 1_000 {
            for (scale, decimals) in [(Int64(100), 2), (10, 1), (1, 0)] {
                let scaled = (value * scale + unit.size / 2) / unit.size
                guard scaled < 1_000 else { continue }
                let whole = String(scaled / scale)
                guard decimals > 0 else { return "\(whole) \(unit.name)" }
                let fraction = String(scaled % scale)
                return "\(whole).\(String(repeating: "0", count: decimals - fraction.count))\(fraction) \(unit.name)"
            }
        }
        guard let last = units.last else { return grouped(value) }
        return "\(grouped(value / last.size)) \(last.name)"
    }

    private static func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
