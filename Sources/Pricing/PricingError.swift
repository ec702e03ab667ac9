// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong in a price file, and where.
package struct PriceFault: Equatable, Sendable, CustomStringConvertible {
    /// The file as it was named.
    package let file: String
    /// The line, from 1; 0 where the fault is in no line.
    package let line: Int
    /// The row of `prices`, from 1, or nil outside of them.
    package let row: Int?
    /// What is wrong and what to write instead.
    package let message: String

    /// A fault from its parts.
    package init(file: String, line: Int, row: Int? = nil, message: String) {
        self.file = file
        self.line = line
        self.row = row
        self.message = message
    }

    /// `file:line: row N: message`.
    package var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        return place + ": " + (row.map { "row \($0): " } ?? "") + message
    }
}

/// Why a price file cannot be used; every fault that was found, up to a limit.
package struct PricingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, in the order of the file; at least one.
    package let faults: [PriceFault]

    /// An error of one or more faults.
    package init(_ faults: [PriceFault]) {
        self.faults = faults
    }

    /// The faults, one a line.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// Limits of price files and of what they may say.
package enum PricingLimits {
    /// Bytes of a price file.
    package static let fileBytes = 32 << 20
    /// Rows of a price file.
    package static let rows = 50_000
    /// Patterns of a row.
    package static let patterns = 256
    /// Bytes of a pattern, a name or a model.
    package static let nameBytes = 512
    /// Bytes of a note or a URL.
    package static let textBytes = 2_048
    /// Tiers of a class.
    package static let tiers = 16
    /// Discounts of a file.
    package static let discounts = 1_000
    /// Faults that are told of one file.
    package static let faults = 50
    /// The dearest price, in pico-dollars a unit: a thousand dollars.
    package static let pico: Int64 = 1_000_000_000_000_000
    /// Names that one regular expression of an importer may stand for.
    package static let alternatives = 32
}
