// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// A value of an export in JSON that knows where it stands, so that a fault can say so.
struct ExportNode {
    let node: JSONNode
    /// As `data[3].results[0].model`.
    let path: String

    /// A fault at this place.
    func fault(_ what: String) -> ExportFault { ExportFault(place: path.isEmpty ? "the text" : path, what: what) }

    /// A member; nil where it is absent or null.
    func optional(_ key: String) -> ExportNode? {
        guard let value = node[key], !value.isNull else { return nil }
        return ExportNode(node: value, path: path.isEmpty ? key : path + "." + key)
    }

    /// A member that must be there.
    func member(_ key: String) throws(ExportFault) -> ExportNode {
        guard node.kind == .object else { throw fault("an object with `\(key)` was expected") }
        guard let value = optional(key) else { throw fault("`\(key)` is missing") }
        return value
    }

    /// The elements of an array.
    func elements() throws(ExportFault) -> [ExportNode] {
        guard node.kind == .array else { throw fault("a list was expected") }
        var found: [ExportNode] = []
        for element in node.elements { found.append(ExportNode(node: element, path: path + "[\(found.count)]")) }
        return found
    }

    /// A string that can be a name.
    func text() throws(ExportFault) -> String {
        guard let text = node.string else { throw fault("a string was expected") }
        guard !text.isEmpty, text.utf8.count <= ReconcileLimits.nameBytes else {
            throw fault("the string is empty or longer than \(ReconcileLimits.nameBytes) bytes")
        }
        return text
    }

    /// A whole number, 0 or more.
    func count() throws(ExportFault) -> Int64 {
        guard node.kind == .number, let count = ExportNumber.count(node.lexeme) else {
            throw fault("a whole number from 0 to \(ReconcileLimits.count) was expected")
        }
        return count
    }

    /// Money, written as a number or as a string of one; `scale` is 2 where it is cents.
    func money(scale: Int = 0) throws(ExportFault) -> Int64 {
        let digits = node.kind == .string ? node.unescapedBytes[...] : node.lexeme
        guard node.kind == .string || node.kind == .number, let nano = NanoDollars.parse(digits, scale: scale) else {
            throw fault("an amount such as 12.34 was expected")
        }
        return nano
    }

    /// Whether it is `true`.
    func flag() throws(ExportFault) -> Bool {
        guard let flag = node.bool else { throw fault("true or false was expected") }
        return flag
    }

    /// The UTC day of a date or time of ISO 8601.
    func day() throws(ExportFault) -> Int64 { ExportDay.of(us: try instant()) }

    /// A date or time of ISO 8601 in microseconds since the epoch.
    func instant() throws(ExportFault) -> Int64 {
        guard let text = node.string, let us = TimeArgument.instant(text) else {
            throw fault("a date or time such as 2026-11-22T00:00:00Z was expected")
        }
        return us
    }

    /// Seconds since the epoch, in microseconds.
    func epochSeconds() throws(ExportFault) -> Int64 {
        let seconds = try count()
        guard seconds <= ReconcileLimits.epochSeconds else { throw fault("seconds since 1970 were expected") }
        return seconds * 1_000_000
    }
}

/// Numbers as exports write them.
enum ExportNumber {
    /// A whole number from 0 to `ReconcileLimits.count`; `12.0` is one, as spreadsheets write it.
    static func count(_ lexeme: some Collection<UInt8>) -> Int64? {
        let whole = lexeme.prefix { $0 != UInt8(ascii: ".") }
        let rest = lexeme.dropFirst(whole.count)
        guard rest.dropFirst().allSatisfy({ $0 == UInt8(ascii: "0") }), rest.count != 1 else { return nil }
        guard let value = ASCIIInteger.parse(whole), (0...ReconcileLimits.count).contains(value) else { return nil }
        return value
    }
}

/// A stretch of time that an export adds up.
enum ExportBucket {
    /// The one UTC day it lies in.
    ///
    /// - Parameters:
    ///   - startUs: microseconds since the epoch.
    ///   - endUs: exclusive; nil where the export does not say.
    ///   - place: where it stands.
    /// - Returns: days since 1970-01-01.
    /// - Throws: a fault where it is empty or lies in several days.
    static func day(from startUs: Int64, to endUs: Int64?, at place: ExportNode) throws(ExportFault) -> Int64 {
        let day = ExportDay.of(us: startUs)
        guard let endUs else { return day }
        guard endUs > startUs else { throw place.fault("it ends before it begins") }
        guard ExportDay.of(us: endUs - 1) == day else {
            throw place.fault("it runs over midnight UTC; export it in buckets of at most a UTC day")
        }
        return day
    }
}
