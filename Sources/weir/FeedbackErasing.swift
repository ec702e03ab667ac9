// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Platform

/// Feedback goes with the exchanges that it is about: what a `SegmentKeeper` tells before they leave.
///
/// Thread world; owned by the thread of its keeper. Where no feedback is kept, nothing is made.
final class FeedbackErasing {
    private let path: String
    private var store: ControlStore?
    /// Pieces erased.
    private(set) var count = 0
    /// Whether what was erased still lies in the write-ahead log, because somebody reads there.
    private(set) var isLogDue = false

    /// Erases out of the control database at a path.
    init(control path: String) { self.path = path }

    /// Erases all feedback about some exchanges, and has it overwritten.
    ///
    /// - Throws: `ControlStoreError`: then the exchanges must stay, too.
    func forget(_ exchanges: [ExchangeID]) throws {
        guard let store = try opened() else { return }
        let erased = try store.eraseFeedback(of: exchanges)
        count += erased.count
        isLogDue = !erased.isLogCleared
    }

    /// Empties the log where that is due, and closes the database; to be called behind each run of the keeper.
    ///
    /// - Throws: `ControlStoreError`.
    func settle() throws {
        if isLogDue, let store = try opened() { isLogDue = try !store.clearLog() }
        try store?.close()
        store = nil
    }

    /// The same for a verb, which says what was erased.
    func tell() throws {
        try settle()
        if count > 0 { Terminal.say("\(count) pieces of feedback erased") }
        guard isLogDue else { return }
        Terminal.say(
            "weir: another process reads \(path): what was erased is overwritten there, but still lies in its log (\(path)-wal) until "
                + "that process is done; `weir segment erase --pending --yes` then empties it")
    }

    private func opened() throws -> ControlStore? {
        if store == nil, try PosixFileSystem().status(of: path) != nil {
            store = try ControlStore.open(path: path, mode: .readWrite)
        }
        return store
    }
}
