// SPDX-License-Identifier: Apache-2.0
import Crypto
import ExchangeModel
import Platform

/// What requests that continue a response are completed from: who gave which response, and the turns of those that are needed.
///
/// Owned by one thread. First every answer with an id is noted, and every record that continues one; then the turns of needed ones are
/// kept, in a file without a name, which holds what redaction has not seen; from then on requests are completed, in each pass alike.
/// What is found does not depend on the order of the records: of several records with the same response, the one with the smallest id gives it.
///
/// Memory: about 150 bytes a response.
final class ResponseHistory {
    private enum Link {
        case none
        case response(Digest128)
        /// Kept where others may write too.
        case elsewhere
    }

    private struct Known {
        let id: ExchangeID
        let link: Link
    }

    private struct Place {
        let offset: Int64
        let count: Int
    }

    /// Whether nothing more will be noted: requests may be completed.
    private(set) var isClosed = false
    /// Records that continue a response, with the response's name.
    private var waiting: [ExchangeID: Digest128] = [:]
    private var known: [Digest128: Known] = [:]
    private var places: [Digest128: Place] = [:]
    private let directory: String
    private let files: (any FileSystem)?
    private var file: (any OpenFile)?
    private var buffer: [UInt8] = []
    private var end: Int64 = 0

    private static let name = "history.spill"

    /// A history that knows nothing; what it keeps waits in the directory, and nothing is kept where there are no files.
    init(in directory: String, files: (any FileSystem)?) {
        self.directory = directory
        self.files = files
    }

    private static func name(of response: String) -> Digest128 { Digest128(SHA256.hash(data: Array(response.utf8))) }

    // MARK: Noting

    /// Whether any record waits for its history.
    var isAwaited: Bool { !waiting.isEmpty }
    /// How many do.
    var waitingCount: Int { waiting.count }

    /// Whether a record waits for its history.
    func awaits(_ id: ExchangeID) -> Bool { waiting[id] != nil }

    /// Notes that a record continues a response; a conversation that others write into is nothing to wait for.
    ///
    /// - Returns: whether it has to wait.
    func wait(_ id: ExchangeID, for link: HistoryLink) -> Bool {
        guard case .response(let response) = link else { return false }
        waiting[id] = ResponseHistory.name(of: response)
        return true
    }

    /// Notes a record's answer.
    ///
    /// - Parameters:
    ///   - id: of the record.
    ///   - response: the provider's id of the answer.
    ///   - link: what its request continued.
    /// - Throws: `.tooLarge` at the limit.
    func note(_ id: ExchangeID, response: String, continues link: HistoryLink?) throws(DatasetError) {
        let name = ResponseHistory.name(of: response)
        if let other = known[name], other.id <= id { return }
        guard known.count < DatasetLimits.responses else {
            throw DatasetError(
                .tooLarge, "More than \(DatasetLimits.responses) responses: narrow the recipe, by task or by time.")
        }
        let next: Link =
            switch link {
            case nil: .none
            case .response(let before): .response(ResponseHistory.name(of: before))
            case .conversation: .elsewhere
            }
        known[name] = Known(id: id, link: next)
    }

    /// The records whose turns are needed, and whether a history leads to a response that is not known.
    func needed() -> (records: Set<ExchangeID>, isIncomplete: Bool) {
        var records: Set<ExchangeID> = []
        var met: Set<Digest128> = []
        var isIncomplete = false
        for first in waiting.values {
            var next = Link.response(first)
            while case .response(let name) = next, met.insert(name).inserted {
                guard let found = known[name] else {
                    isIncomplete = true
                    break
                }
                records.insert(found.id)
                next = found.link
            }
        }
        return (records, isIncomplete)
    }

    // MARK: Keeping

    /// Keeps the turns of a record, where it is the one that gives the response.
    ///
    /// - Throws: `PlatformError`, or `.tooLarge` at the limit of the file.
    func keep(_ id: ExchangeID, response: String, _ recorded: RecordedResponse) throws {
        let name = ResponseHistory.name(of: response)
        guard let files, known[name]?.id == id, places[name] == nil else { return }
        let bytes = HistoryCoding.encode(recorded)
        guard end + Int64(bytes.count) <= DatasetLimits.historySpillBytes else {
            throw DatasetError(
                .tooLarge,
                "Histories take more than \(DatasetLimits.historySpillBytes >> 30) GiB: narrow the recipe, by task or by time.")
        }
        if file == nil {
            let path = PathText.join(directory, ResponseHistory.name)
            file = try files.open(path, .readWrite)
            // Nobody else can open it, and it goes with the process.
            try files.unlink(path)
        }
        places[name] = Place(offset: end, count: bytes.count)
        buffer += bytes
        end += Int64(bytes.count)
        if buffer.count >= DatasetLimits.writeBytes { try flush() }
    }

    private func flush() throws(PlatformError) {
        guard let file, !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Ends noting and keeping.
    func close() throws(PlatformError) {
        try flush()
        buffer = []
        isClosed = true
    }

    // MARK: Completing

    /// The request with its history before it, within the size of one body.
    ///
    /// - Throws: `DropReason` where it cannot be completed; `PlatformError`, or `DatasetError` `.sourceChanged`, where the file gives other bytes
    ///   than it was given.
    func complete(_ request: CanonicalRequest) throws -> CanonicalRequest {
        var bytes = 0
        return try HistoryJoin.complete(request) { response in
            guard let file, let place = places[ResponseHistory.name(of: response)] else { return nil }
            bytes += place.count
            guard bytes <= DatasetLimits.bodyBytes else { throw DropReason.conversationTooLong }
            let stored = try file.read(at: place.offset, count: place.count)
            guard let recorded = HistoryCoding.decode(stored) else {
                throw DatasetError(
                    .sourceChanged, subject: file.path, "The disk gave back other bytes than were written to it. Build again.")
            }
            return recorded
        }
    }
}
