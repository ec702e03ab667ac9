// SPDX-License-Identifier: Apache-2.0
import Platform

/// A setting's value, checked.
enum SettingValue: Equatable {
    /// No value, and no default.
    case absent
    case text(String)
    case list([String])
    case flag(Bool)
    /// A count, bytes or milliseconds.
    case number(Int64)
}

/// Why a text is no value of a setting: a rule that completes the sentence "limits.body_bytes ...".
struct BrokenRule: Error {
    let rule: String

    init(_ rule: String) { self.rule = rule }
}

extension SettingKind {
    /// Whether several texts are meant to be given.
    var isList: Bool {
        switch self {
        case .addresses, .files, .words, .choices: true
        default: false
        }
    }

    /// Reads a value as it stands in the file, a variable or a flag.
    ///
    /// - Parameter texts: one, or several where the kind takes a list.
    /// - Returns: the value.
    /// - Throws: `BrokenRule`.
    func value(_ texts: [String]) throws(BrokenRule) -> SettingValue {
        if isList {
            let parts = texts.flatMap { $0.split(separator: ",").map { $0.trimmingBlanks } }.filter { !$0.isEmpty }
            if case .addresses = self {
                guard !parts.isEmpty else { throw BrokenRule("needs at least one HOST:PORT") }
                for part in parts { _ = try ListenAddress(part) }
            }
            if case .choices(let words) = self, let odd = parts.first(where: { !words.contains($0) }) {
                let meant = Suggestion.closest(to: odd, among: words).map { "; did you mean `\($0)`?" } ?? ""
                throw BrokenRule("may hold \(words.joined(separator: ", "))\(meant)")
            }
            return .list(parts)
        }
        guard !texts.isEmpty else { throw BrokenRule("has no value; give it one, or take the line away") }
        guard texts.count == 1 else { throw BrokenRule("takes one value, not a list") }
        return try value(texts[0].trimmingBlanks)
    }

    private func value(_ text: String) throws(BrokenRule) -> SettingValue {
        switch self {
        case .flag:
            switch text.lowercased() {
            case "true": return .flag(true)
            case "false": return .flag(false)
            default: throw BrokenRule("must be true or false")
            }
        case .count(let range):
            guard let number = Int64(text), range.contains(number) else {
                throw BrokenRule("must be a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return .number(number)
        case .fraction: return .number(try Quantity.millionths(text))
        case .bytes(let range): return try .number(Quantity.bytes(text, within: range))
        case .duration(let range): return try .number(Quantity.milliseconds(text, within: range))
        case .choice(let words):
            guard words.contains(text) else { throw BrokenRule("must be one of \(words.joined(separator: ", "))") }
        case .address: _ = try ListenAddress(text)
        case .proxy: try Masking.checkProxy(text)
        default:
            guard !text.isEmpty else { throw BrokenRule("must not be empty") }
            guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                throw BrokenRule("must not hold control characters")
            }
        }
        return .text(text)
    }

    /// Shows a value as it would be written, without what must not be seen.
    func shown(_ value: SettingValue) -> String {
        switch (self, value) {
        case (_, .absent): "(none)"
        case (.secret, _): Masking.set
        case (.proxy, .text(let text)): Masking.proxy(text)
        case (.fraction, .number(let number)): Quantity.shownMillionths(number)
        case (.bytes, .number(let number)): Quantity.shownBytes(number)
        case (.duration, .number(let number)): Quantity.shownMilliseconds(number)
        case (_, .number(let number)): "\(number)"
        case (_, .flag(let flag)): flag ? "true" : "false"
        case (_, .text(let text)): text
        case (_, .list(let list)): list.isEmpty ? "(none)" : list.joined(separator: ", ")
        }
    }
}

/// Sizes and times as people write them.
enum Quantity {
    private static let sizes: [(unit: String, factor: Int64)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("B", 1),
    ]
    private static let times: [(unit: String, factor: Int64)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1), ("d", 86_400_000),
    ]

    static func bytes(_ text: String, within range: ClosedRange<Int64>) throws(BrokenRule) -> Int64 {
        let (digits, unit) = split(text)
        let factor = unit.isEmpty ? 1 : sizes.first { $0.unit.lowercased() == unit.lowercased() }?.factor
        guard let factor, let number = product(digits, factor) else {
            throw BrokenRule("must be a size such as 64MiB, 1MB or 65536")
        }
        guard range.contains(number) else {
            throw BrokenRule("must be from \(shownBytes(range.lowerBound)) to \(shownBytes(range.upperBound))")
        }
        return number
    }

    static func milliseconds(_ text: String, within range: ClosedRange<Int64>) throws(BrokenRule) -> Int64 {
        let (digits, unit) = split(text)
        let factor = unit.isEmpty && digits == "0" ? 1 : times.first { $0.unit == unit.lowercased() }?.factor
        guard let factor, let number = product(digits, factor) else {
            throw BrokenRule("must be a time with its unit, such as 250ms, 30s, 5m, 1h or 7d")
        }
        guard range.contains(number) else {
            throw BrokenRule("must be from \(shownMilliseconds(range.lowerBound)) to \(shownMilliseconds(range.upperBound))")
        }
        return number
    }

    /// A share from 0 to 1 with at most six decimals.
    static func millionths(_ text: String) throws(BrokenRule) -> Int64 {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        let isPlain = !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard isPlain, (parts.count == 1 || !decimals.isEmpty), decimals.count <= 6, let whole = Int64(parts[0]), whole <= 1,
            let part = Int64(decimals + String(repeating: "0", count: 6 - decimals.count)),
            whole * 1_000_000 + part <= 1_000_000
        else { throw BrokenRule("must be a share from 0 to 1 with at most six decimals, such as 0.1") }
        return whole * 1_000_000 + part
    }

    static func shownMillionths(_ number: Int64) -> String {
        let part = number % 1_000_000
        guard part != 0 else { return "\(number / 1_000_000)" }
        var digits = String(1_000_000 + part).dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return "\(number / 1_000_000).\(digits)"
    }

    private static func split(_ text: String) -> (digits: String, unit: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        return (String(digits), text[digits.endIndex...].trimmingBlanks)
    }

    private static func product(_ digits: String, _ factor: Int64) -> Int64? {
        guard let number = Int64(digits) else { return nil }
        let (result, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : result
    }

    static func shownBytes(_ number: Int64) -> String {
        for entry in sizes.prefix(3) where number >= entry.factor && number % entry.factor == 0 {
            return "\(number / entry.factor)\(entry.unit)"
        }
        return "\(number)"
    }

    static func shownMilliseconds(_ number: Int64) -> String {
        for entry in times where number >= entry.factor && number % entry.factor == 0 {
            return "\(number / entry.factor)\(entry.unit)"
        }
        return "0s"
    }
}

/// Host and port of a listener.
struct ListenAddress: Equatable, CustomStringConvertible {
    /// Without brackets.
    let host: String
    let port: Int

    init(_ text: String) throws(BrokenRule) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { throw BrokenRule("takes HOST:PORT, as in 127.0.0.1:8080") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw BrokenRule("takes an IPv6 address in brackets, as in [::1]:8080")
        }
        guard !host.isEmpty else { throw BrokenRule("needs a host: 127.0.0.1:\(port), or 0.0.0.0:\(port)") }
        self.host = host
        self.port = port
    }

    /// Whether only this machine reaches it.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.isLoopbackIPv4 }
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What may be shown of a secret.
enum Masking {
    static let set = "set (masked)"

    /// A URL without its user and password.
    static func proxy(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return text }
        let scheme = text.firstRange(of: "://").map { String(text[..<$0.upperBound]) } ?? ""
        return scheme + "***@" + text[text.index(after: at)...]
    }

    static func checkProxy(_ text: String) throws(BrokenRule) {
        let lowered = text.lowercased()
        if lowered == "none" { return }
        if lowered.contains("://"), !lowered.hasPrefix("http://"), !lowered.hasPrefix("https://") {
            throw BrokenRule("must be the URL of an http or https proxy, as in http://proxy.example:3128, or none")
        }
        guard !text.isEmpty, !text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
            throw BrokenRule("must be the URL of a proxy without blanks, as in http://proxy.example:3128, or none")
        }
    }
}

extension StringProtocol {
    /// Without blanks at either end.
    var trimmingBlanks: String {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return String(rest)
    }

    /// 127.0.0.0/8 in its usual form; `127.example.com` is a name.
    fileprivate var isLoopbackIPv4: Bool {
        let parts = split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
