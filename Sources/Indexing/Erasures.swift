// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel
import Platform
package import SegmentLog

/// Something that must be forgotten: one exchange, or all that carry a piece of metadata and began before it was asked for.
package struct Erasure: Sendable, Equatable {
    /// What is to go.
    package enum Target: Sendable, Equatable {
        /// One exchange.
        case exchange(ExchangeID)
        /// Every exchange with this metadata.
        case metadata(name: String, value: String)
    }

    /// What is to go.
    package var target: Target
    /// When it was asked for, microseconds since the Unix epoch: later exchanges stay.
    package var atUs: Int64

    /// An erasure.
    package init(_ target: Target, atUs: Int64) {
        self.target = target
        self.atUs = atUs
    }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("at_us")
        json.value(atUs)
        switch target {
        case .exchange(let id):
            json.key("exchange")
            json.value(id.description)
        case .metadata(let name, let value):
            json.key("metadata")
            json.beginArray()
            json.value(name)
            json.value(value)
            json.endArray()
        }
        json.endObject()
        json.newline()
    }

    init?(_ node: JSONNode) {
        guard let atUs = node["at_us"]?.int else { return nil }
        if let id = node["exchange"]?.string.flatMap({ ExchangeID(text: $0) }) {
            self.init(.exchange(id), atUs: atUs)
        } else if let name = node["metadata"]?[0]?.string, let value = node["metadata"]?[1]?.string {
            self.init(.metadata(name: name, value: value), atUs: atUs)
        } else {
            return nil
        }
    }
}

/// The list of all that must be forgotten, in a file beside the segments: the tombstones.
///
/// It outlives what it erases: a hot segment that is sealed later, or a copy that comes back, loses the same records.
package struct Erasures: Sendable {
    /// What must be forgotten, oldest first.
    package private(set) var all: [Erasure] = []
    private var exchanges: Set<ExchangeID> = []

    /// Name of the file.
    package static let fileName = "erasures.ndjson"
    private static let bytesLimit = 64 << 20

    /// Nothing to forget.
    package init() {}

    /// Reads the list of a directory of segments.
    ///
    /// - Parameter directory: the segments.
    /// - Throws: `IndexingError` of code `erasuresUnreadable` where a line is damaged: rather nothing is sealed than something kept.
    package init(of directory: SegmentDirectory) throws(IndexingError) {
        let path = PathText.join(directory.path, Erasures.fileName)
        let bytes: [UInt8]
        do throws(PlatformError) {
            guard try directory.files.status(of: path) != nil else { return }
            bytes = try directory.files.readFile(path, limit: Erasures.bytesLimit)
        } catch {
            throw IndexingError(code: .erasuresUnreadable, message: error.message, path: path)
        }
        for line in bytes.split(separator: 0x0A) {
            guard let document = JSONDocument.read(line), let erasure = Erasure(document.root) else {
                throw IndexingError(
                    code: .erasuresUnreadable, message: "a line of \(path) is damaged; mend it, nothing is sealed meanwhile",
                    path: path)
            }
            add(erasure)
        }
    }

    private mutating func add(_ erasure: Erasure) {
        guard !all.contains(where: { $0.target == erasure.target && $0.atUs >= erasure.atUs }) else { return }
        all.append(erasure)
        if case .exchange(let id) = erasure.target { exchanges.insert(id) }
    }

    /// Adds to the list and makes it durable: from here on these are forgotten, sooner or later.
    ///
    /// - Parameters:
    ///   - more: what else must be forgotten.
    ///   - directory: the segments.
    /// - Throws: `IndexingError` of code `erasuresUnreadable`.
    package mutating func append(_ more: [Erasure], in directory: SegmentDirectory) throws(IndexingError) {
        for erasure in more { add(erasure) }
        var json = JSONWriter()
        for erasure in all { erasure.write(to: &json) }
        let path = PathText.join(directory.path, Erasures.fileName)
        do { try directory.files.replaceFile(path, with: json.bytes) } catch {
            throw IndexingError(code: .erasuresUnreadable, message: error.message, path: path)
        }
    }

    /// The exchanges named one by one.
    var exchangeIDs: [ExchangeID] { Array(exchanges) }

    /// The pieces of metadata whose exchanges must be forgotten.
    var metadata: [(name: String, value: String)] {
        all.compactMap { erasure in
            guard case .metadata(let name, let value) = erasure.target else { return nil }
            return (name, value)
        }
    }

    /// Whether there is nothing to forget.
    package var isEmpty: Bool { all.isEmpty }

    /// Whether a fact must be forgotten.
    func covers(_ fact: ExchangeFact) -> Bool {
        if exchanges.contains(fact.head.id) { return true }
        return all.contains { erasure in
            guard case .metadata(let name, let value) = erasure.target else { return false }
            return fact.head.startedAtUs <= erasure.atUs
                && fact.head.attribution.metadata.contains { $0.name == name && $0.value == value }
        }
    }

    /// Whether a record must be forgotten.
    ///
    /// - Parameters:
    ///   - id: its exchange.
    ///   - startedAtUs: when it began.
    ///   - line: its line, or its fact's: read only where metadata is asked for.
    /// - Returns: true where some erasure says so.
    func covers(_ id: ExchangeID, startedAtUs: Int64, line: ByteRun) -> Bool {
        if exchanges.contains(id) { return true }
        let asked = all.filter { erasure in
            guard case .metadata = erasure.target else { return false }
            return startedAtUs <= erasure.atUs
        }
        guard !asked.isEmpty, let metadata = JSONDocument.read(line.array)?.root["metadata"] else { return false }
        return asked.contains { erasure in
            guard case .metadata(let name, let value) = erasure.target else { return false }
            return metadata[name]?.string == value
        }
    }
}
