// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import FactStore
import Indexing
import Platform

/// Feedback goes with the exchanges that it is about.
enum FeedbackErasing {
    /// The exchanges that are to be erased, as far as they are named or in the index; asked before they leave it.
    ///
    /// - Parameters:
    ///   - targets: what is to go.
    ///   - nowUs: later exchanges stay.
    ///   - directory: where the data lies.
    /// - Returns: their ids; none where no feedback is kept.
    /// - Throws: where files or index cannot be read.
    static func exchanges(_ targets: [Erasure.Target], nowUs: Int64, _ directory: DataDirectory) throws -> [ExchangeID] {
        guard try PosixFileSystem().status(of: directory.control) != nil else { return [] }
        let store = try FactStore.open(path: directory.index, mode: .readOnly)
        var ids: [ExchangeID] = []
        for target in targets {
            switch target {
            case .exchange(let id): ids.append(id)
            case .metadata(let name, let value):
                var filter = FactFilter()
                filter.metadata = [(name, value)]
                filter.untilUs = nowUs
                try store.forEachFact(filter) { ids.append($0.head.id) }
            }
        }
        return ids
    }

    /// Erases the feedback about exchanges, and says how much it was.
    static func run(_ exchanges: [ExchangeID], _ directory: DataDirectory) throws {
        guard !exchanges.isEmpty else { return }
        let count = try ControlStore.open(path: directory.control, mode: .readWrite).eraseFeedback(of: exchanges)
        if count > 0 { Terminal.say("\(count) pieces of feedback erased") }
    }
}
