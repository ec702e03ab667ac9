// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// What a source delivers.
package enum DatasetInput: Sendable {
    /// A record and where it lies.
    case record(ExchangeRecord, PayloadLocation)
    /// A record that is known but whose payload cannot be read any more: expired, damaged or missing.
    case unreadable(ExchangeID, PayloadLocation)
}

/// Where records come from.
///
/// Asked twice in one build: both passes must deliver the same records, in any order.
package protocol DatasetSource {
    /// Visits records one by one, so that only one is in memory.
    ///
    /// - Parameters:
    ///   - isWanted: a source may leave out records for which this is false, and save itself the reading.
    ///   - body: what to do with each; what it throws ends the visit and is thrown on.
    /// - Throws: what the body throws, or the source's own failure to read.
    func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws
}

/// A source over an array, for tests and for what has been read elsewhere.
package struct MemorySource: DatasetSource {
    private let inputs: [DatasetInput]

    /// A source that delivers these, in this order.
    package init(_ inputs: [DatasetInput]) { self.inputs = inputs }

    /// Visits the array.
    package func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        for input in inputs {
            let id =
                switch input {
                case .record(let record, _): record.head.id
                case .unreadable(let id, _): id
                }
            if isWanted(id) { try body(input) }
        }
    }
}
