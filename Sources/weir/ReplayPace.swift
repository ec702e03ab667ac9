// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// How fast captured requests are sent again.
enum ReplayPace: Equatable, Sendable {
    /// As fast as answers come.
    case unbounded
    /// With the pauses between their starts, at this many thousandths of the recorded speed.
    case recorded(perMille: Int64)

    /// Reads `recorded`, `max`, or a factor such as `4x` or `0.5x`.
    init?(_ text: String) {
        switch text {
        case "max": self = .unbounded
        case "recorded": self = .recorded(perMille: 1_000)
        default:
            guard text.hasSuffix("x"), let perMille = ReplayPace.perMille(text.dropLast()) else { return nil }
            self = .recorded(perMille: perMille)
        }
    }

    private static func perMille(_ factor: Substring) -> Int64? {
        let parts = factor.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? String(parts[1]) : "0"
        guard let whole = ASCIIInteger.parse(Array(parts[0].utf8)[...]), (0...1_000_000).contains(whole),
            (1...3).contains(fraction.utf8.count), fraction.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let part = ASCIIInteger.parse(Array((fraction + String(repeating: "0", count: 3 - fraction.utf8.count)).utf8)[...])
        else { return nil }
        let value = whole * 1_000 + part
        return value > 0 ? value : nil
    }

    /// When an exchange is due, microseconds from the beginning of the replay; nil is at once.
    ///
    /// - Parameters:
    ///   - startedAtUs: when it began, as recorded.
    ///   - firstUs: when the first of them began.
    ///   - round: how many times all of them were sent before.
    ///   - roundUs: how long one round lasts at the recorded speed.
    /// - Returns: the time, or nil.
    func dueUs(startedAtUs: Int64, firstUs: Int64, round: Int, roundUs: Int64) -> Int64? {
        guard case .recorded(let perMille) = self else { return nil }
        let (before, isTooLate) = Int64(clamping: round).multipliedReportingOverflow(by: max(0, roundUs))
        let (recorded, isLater) = max(0, startedAtUs - firstUs).addingReportingOverflow(before)
        guard !isTooLate, !isLater, recorded <= Int64.max / 1_000 else { return Int64.max }
        return recorded * 1_000 / perMille
    }

    /// As it was asked for.
    var words: String {
        guard case .recorded(let perMille) = self else { return "max" }
        if perMille == 1_000 { return "recorded" }
        return perMille % 1_000 == 0 ? "\(perMille / 1_000)x" : "\(Double(perMille) / 1_000)x"
    }
}
