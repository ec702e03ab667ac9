// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// A time as a person types it: `30m`, `7d`, `2026-11-22`, `2026-11-22T10:00:00Z`, or microseconds since the epoch.
package enum TimeArgument {
    /// Reads a time.
    ///
    /// - Parameters:
    ///   - text: an age with a unit (`s`, `m`, `h`, `d`, `w`), a date or date and time of ISO 8601 (UTC where no offset is
    ///     given), or microseconds since the epoch.
    ///   - nowUs: the present, from which an age counts back.
    /// - Returns: microseconds since the epoch.
    /// - Throws: `AnswersError.badTime`.
    package static func parse(_ text: String, nowUs: Int64) throws(AnswersError) -> Int64 {
        let bytes = Array(text.utf8)
        guard let last = bytes.last else { throw refusal(text) }
        if let unit = unitUs(last), let count = ASCIIInteger.parse(bytes.dropLast()), count >= 0 {
            let (age, isTooOld) = count.multipliedReportingOverflow(by: unit)
            let (time, isTooEarly) = nowUs.subtractingReportingOverflow(age)
            guard !isTooOld, !isTooEarly else { throw refusal(text) }
            return time
        }
        if let us = ASCIIInteger.parse(bytes) {
            guard us >= AnswersLimits.leastEpochUs else {
                throw AnswersError(
                    code: .badTime,
                    message:
                        "`\(text)` is too small for microseconds since the epoch; write an age such as `1h`, or six more digits")
            }
            return us
        }
        var reader = ISOReader(bytes: bytes)
        guard let us = reader.instant() else { throw refusal(text) }
        return us
    }

    /// A date, or a date and time of ISO 8601 (UTC where no offset is given), in microseconds since the epoch; nil for anything else.
    static func instant(_ text: String) -> Int64? {
        var reader = ISOReader(bytes: Array(text.utf8))
        return reader.instant()
    }

    private static func unitUs(_ byte: UInt8) -> Int64? {
        switch byte {
        case UInt8(ascii: "s"): 1_000_000
        case UInt8(ascii: "m"): 60_000_000
        case UInt8(ascii: "h"): 3_600_000_000
        case UInt8(ascii: "d"): CalendarTime.dayUs
        case UInt8(ascii: "w"): 7 * CalendarTime.dayUs
        default: nil
        }
    }

    private static func refusal(_ text: String) -> AnswersError {
        let forms = "an age (`30m`, `1h`, `7d`), a date (`2026-11-22`), a time (`2026-11-22T10:00:00Z`), or epoch microseconds"
        return AnswersError(code: .badTime, message: "`\(text)` is no time; write \(forms)")
    }
}

/// Reads `YYYY-MM-DD[(T| )HH:MM[:SS[.ffffff]][Z|+HH:MM|-HH:MM]]`.
private struct ISOReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func instant() -> Int64? {
        guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2), year >= 1_970,
            (1...12).contains(month), (1...CalendarTime.daysIn(month: month, year: year)).contains(day)
        else { return nil }
        let midnight = CalendarTime.days(year: year, month: month, day: day) * CalendarTime.dayUs
        if position == bytes.count { return midnight }
        guard take("T") || take("t") || take(" "), let time = timeUs(), let offset = offsetUs(), position == bytes.count else {
            return nil
        }
        return midnight + time - offset
    }

    private mutating func timeUs() -> Int64? {
        guard let hour = digits(2), hour < 24, take(":"), let minute = digits(2), minute < 60 else { return nil }
        var us = (hour * 60 + minute) * 60_000_000
        guard take(":") else { return us }
        guard let second = digits(2), second < 60 else { return nil }
        us += second * 1_000_000
        guard take(".") else { return us }
        var weight: Int64 = 100_000
        var hasDigit = false
        while let digit = digits(1) {
            us += digit * weight
            weight /= 10
            hasDigit = true
        }
        return hasDigit ? us : nil
    }

    private mutating func offsetUs() -> Int64? {
        if position == bytes.count || take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hour = digits(2), hour < 24, take(":"), let minute = digits(2), minute < 60 else {
            return nil
        }
        let us = (hour * 60 + minute) * 60_000_000
        return isWest ? -us : us
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func digits(_ count: Int) -> Int64? {
        guard position + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[position..<position + count] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        position += count
        return value
    }
}
