// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads comma-separated text as RFC 4180 has it; lines may also end in LF alone, and a byte order mark is passed over.
///
/// Strict elsewhere: a quote that is not closed, or stands where none may, is a fault with its line.
struct CSVReader {
    /// One line, which may run over several of the file.
    struct Line: Equatable {
        /// The first line of the file it stands on, from 1.
        let number: Int
        let fields: [String]
    }

    private let bytes: [UInt8]
    private var at = 0
    private var number = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")

    /// A reader at the begin of a text.
    ///
    /// - Parameter bytes: UTF-8.
    /// - Throws: a fault where it is no UTF-8.
    init(_ bytes: [UInt8]) throws(ExportFault) {
        if let offset = UTF8Check.firstInvalidOffset(bytes) {
            throw ExportFault(place: "byte \(offset)", what: "the text is not UTF-8; export it again, or convert it")
        }
        self.bytes = bytes
        at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// The next line that is not blank, or nil at the end.
    mutating func next() throws(ExportFault) -> Line? {
        while at < bytes.count, skipLineEnd() {}
        guard at < bytes.count else { return nil }
        let first = number
        var fields: [String] = []
        repeat {
            guard fields.count < ReconcileLimits.fields else {
                throw ExportFault(place: "line \(first)", what: "more than \(ReconcileLimits.fields) fields")
            }
            fields.append(try field())
        } while take(CSVReader.comma)
        guard at == bytes.count || skipLineEnd() else {
            throw ExportFault(place: "line \(number)", what: "text behind the closing quote of field \(fields.count)")
        }
        return Line(number: first, fields: fields)
    }

    private mutating func field() throws(ExportFault) -> String {
        guard take(CSVReader.quote) else { return try plain() }
        let opened = number
        var text: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == CSVReader.quote {
                guard take(CSVReader.quote) else { return String(decoding: text, as: UTF8.self) }
            } else if byte == 0x0A {
                number += 1
            }
            text.append(byte)
        }
        throw ExportFault(place: "line \(opened)", what: "a quote is opened here and never closed; the file may be cut")
    }

    private mutating func plain() throws(ExportFault) -> String {
        let start = at
        while at < bytes.count, bytes[at] != CSVReader.comma, bytes[at] != 0x0A, bytes[at] != 0x0D {
            if bytes[at] == CSVReader.quote {
                throw ExportFault(place: "line \(number)", what: "a quote within a field that does not begin with one")
            }
            at += 1
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    /// Passes over CR LF, LF or CR.
    private mutating func skipLineEnd() -> Bool {
        let hasReturn = take(0x0D)
        guard take(0x0A) || hasReturn else { return false }
        number += 1
        return true
    }
}

/// An export in CSV: columns by name, each line with its number.
struct ExportTable {
    /// Lower-case, blanks as underscores.
    let columns: [String: Int]
    let lines: [CSVReader.Line]

    /// Reads all of it.
    ///
    /// - Parameter bytes: UTF-8.
    /// - Throws: a fault for the first line that does not have as many fields as the header.
    init(_ bytes: [UInt8]) throws(ExportFault) {
        var reader = try CSVReader(bytes)
        guard let header = try reader.next() else { throw ExportFault(place: "line 1", what: "the file is empty") }
        var columns: [String: Int] = [:]
        for (i, name) in header.fields.enumerated() {
            let key = name.lowercased().split(separator: " ").joined(separator: "_")
            guard columns[key] == nil else {
                throw ExportFault(place: "line \(header.number)", what: "the column `\(TerminalCell.shown(name))` is there twice")
            }
            columns[key] = i
        }
        var lines: [CSVReader.Line] = []
        while let line = try reader.next() {
            guard line.fields.count == header.fields.count else {
                throw ExportFault(
                    place: "line \(line.number)",
                    what: "\(line.fields.count) fields, the header has \(header.fields.count); the file may be cut")
            }
            guard lines.count < ReconcileLimits.lines else {
                throw ExportFault(
                    place: "line \(line.number)", what: "more than \(ReconcileLimits.lines) lines; export fewer days")
            }
            lines.append(line)
        }
        self.columns = columns
        self.lines = lines
    }

    /// Whether all of these columns are there.
    func has(_ names: String...) -> Bool { names.allSatisfy { columns[$0] != nil } }

    /// The lines as they are read.
    var records: [ExportRecord] { lines.map { ExportRecord(table: self, line: $0) } }
}

/// One line of an export in CSV; an empty field counts as absent.
struct ExportRecord {
    let table: ExportTable
    let line: CSVReader.Line

    /// A fault in a column of this line.
    func fault(_ column: String, _ what: String) -> ExportFault {
        ExportFault(place: "line \(line.number), column \(column)", what: what)
    }

    /// The field of a column; nil where it is empty or there is no such column.
    subscript(column: String) -> String? {
        guard let place = table.columns[column], !line.fields[place].isEmpty else { return nil }
        return line.fields[place]
    }

    /// A name, where there is one.
    func name(_ column: String) throws(ExportFault) -> String? {
        guard let text = self[column] else { return nil }
        guard text.utf8.count <= ReconcileLimits.nameBytes else {
            throw fault(column, "longer than \(ReconcileLimits.nameBytes) bytes")
        }
        return text
    }

    /// A whole number, where there is one.
    func count(_ column: String) throws(ExportFault) -> Int64? {
        guard let text = self[column] else { return nil }
        guard let count = ExportNumber.count(text.utf8) else {
            throw fault(column, "a whole number from 0 to \(ReconcileLimits.count) was expected")
        }
        return count
    }

    /// Dollars, where there are some.
    func dollars(_ column: String) throws(ExportFault) -> Int64? {
        guard let text = self[column] else { return nil }
        guard let nano = NanoDollars.parse(text.utf8) else { throw fault(column, "an amount such as 12.34 was expected") }
        return nano
    }

    /// The UTC day of a date or time.
    func day(_ column: String) throws(ExportFault) -> Int64 {
        guard let text = self[column], let us = TimeArgument.instant(text) else {
            throw fault(column, "a date or time such as 2026-11-22 was expected")
        }
        return ExportDay.of(us: us)
    }
}
