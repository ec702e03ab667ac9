// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Where a record lies, and what its line says of its bytes.
package struct RecordPlace: Equatable, Sendable {
    /// Where its payload lies.
    package let location: PayloadLocation
    /// The hash of the line as it lies there, its newline included; nil where the source read no line.
    package let lineDigest: Digest128?
    /// Whether the recipe selects it: else it only comes because an earlier version of the data set has it in eval.
    package var isSelected = true

    /// A place, and the hash of the line that was read there.
    package init(_ location: PayloadLocation, lineDigest: Digest128? = nil) {
        self.location = location
        self.lineDigest = lineDigest
    }
}

/// What a source delivers.
package enum DatasetInput: Sendable {
    /// A record and where it lies.
    case record(ExchangeRecord, RecordPlace)
    /// A record that is known but whose payload cannot be read any more: expired, damaged or missing.
    case unreadable(ExchangeID, PayloadLocation)
    /// A record that is encrypted with a key that is not at hand.
    case locked(ExchangeID, PayloadLocation)

    /// A record whose line was not looked at.
    package static func record(_ record: ExchangeRecord, _ location: PayloadLocation) -> DatasetInput {
        .record(record, RecordPlace(location))
    }
}

/// Where records come from.
///
/// Asked three times in one build, and again for histories: every pass must deliver the same records, in any order.
package protocol DatasetSource {
    /// Visits records one by one, so that only one is in memory.
    ///
    /// - Parameters:
    ///   - isWanted: a source may leave out records for which this is false, and save itself the reading.
    ///   - body: what to do with each; what it throws ends the visit and is thrown on.
    /// - Throws: what the body throws, or the source's own failure to read.
    func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws

    /// Visits records of APIs whose providers keep histories, also where they are not selected; what comes after the selection may be left out.
    ///
    /// - Parameters:
    ///   - isWanted: as above.
    ///   - body: as above.
    /// - Throws: as above.
    func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws

    /// Whether nothing is known of an exchange any more, as where it was erased: then nothing that it gave is taken over from elsewhere.
    ///
    /// - Throws: the source's own failure to read.
    func isForgotten(_ id: ExchangeID) throws -> Bool
}

extension DatasetSource {
    /// Nothing is forgotten.
    package func isForgotten(_ id: ExchangeID) throws -> Bool { false }
}

extension DatasetSource {
    /// Visits the records: a source that selects nothing has no others.
    package func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        try forEachRecord(where: isWanted, body)
    }
}

/// A source over an array, for tests and for what has been read elsewhere.
package struct MemorySource: DatasetSource {
    private let inputs: [DatasetInput]
    private let others: [DatasetInput]

    /// A source that delivers inputs, in this order.
    ///
    /// - Parameters:
    ///   - inputs: what is selected.
    ///   - others: what is not, and may hold histories.
    package init(_ inputs: [DatasetInput], others: [DatasetInput] = []) {
        self.inputs = inputs
        self.others = others
    }

    /// Visits the array.
    package func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        for input in inputs where isWanted(input.id) { try body(input) }
    }

    /// Visits both arrays.
    package func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        for input in inputs + others where isWanted(input.id) { try body(input) }
    }
}

extension DatasetInput {
    /// The record's id.
    fileprivate var id: ExchangeID {
        switch self {
        case .record(let record, _): record.head.id
        case .unreadable(let id, _), .locked(let id, _): id
        }
    }
}
