// SPDX-License-Identifier: Apache-2.0

/// Dates of the Gregorian calendar in UTC, as microseconds since the Unix epoch; leap seconds do not exist here.
package enum CalendarTime {
    static let dayUs: Int64 = 86_400_000_000

    /// Days from 1970-01-01 to a date (the era arithmetic of Howard Hinnant's "chrono-compatible date algorithms").
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The date that lies so many days after 1970-01-01.
    static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
    }

    static func daysIn(month: Int64, year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        default: 31
        }
    }

    /// An instant as `2026-11-22 15:28:01Z`, its fraction cut off.
    static func text(us: Int64) -> String {
        let day = us >= 0 ? us / dayUs : -((-(us + 1)) / dayUs) - 1
        let seconds = (us - day * dayUs) / 1_000_000
        let date = date(days: day)
        let clock = [seconds / 3_600, seconds % 3_600 / 60, seconds % 60].map { two($0) }.joined(separator: ":")
        return "\(date.year)-\(two(date.month))-\(two(date.day)) \(clock)Z"
    }

    /// An instant in the form of ISO 8601, to the microsecond: `2026-11-22T15:28:01.000250Z`.
    package static func isoText(us: Int64) -> String {
        let text = text(us: us)
        let rest = ((us % 1_000_000) + 1_000_000) % 1_000_000
        let digits = String(rest)
        let fraction = String(repeating: "0", count: 6 - digits.count) + digits
        return "\(text.prefix(10))T\(text.dropFirst(11).dropLast()).\(fraction)Z"
    }

    private static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
