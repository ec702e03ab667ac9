// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Why a line is not a record.
package struct RecordError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable {
        case notJSON, unsupportedVersion, missingKey, wrongType, badBody
    }

    /// What is wrong.
    package let code: Code
    /// The key concerned, or the reader's words.
    package let detail: String

    /// What happened.
    package var description: String { "not a record: \(code.rawValue) (\(detail))" }
}

extension ExchangeRecord {
    /// Reads one line as written by `encodedLine()`; keys that are not known are ignored.
    ///
    /// - Parameter line: one JSON object, with or without its newline.
    /// - Throws: `RecordError`; never traps, whatever the bytes.
    package init(line: some Collection<UInt8>) throws(RecordError) {
        self.init(head: .blank)
        try read(line: line)
    }

    /// Becomes what a line says; a record that many lines are read into one after another is never copied.
    ///
    /// - Parameter line: as in `init(line:)`.
    /// - Throws: `RecordError`; then part of the line may have been taken.
    package mutating func read(line: some Collection<UInt8>) throws(RecordError) {
        let reader = try RecordReader(line: line)
        try head.read(reader)
        attempts = []
        for node in reader.root["attempts"]?.elements ?? JSONNode.noElements {
            attempts.append(try Attempt(RecordReader(root: node)))
        }
        requestHeaders = try reader.headers("request_headers")
        responseHeaders = try reader.headers("response_headers")
        requestBody = try RecordedBody(reader, .request)
        responseBody = try RecordedBody(reader, .response)
        responseChunks = []
        for node in reader.root["response_chunks"]?.elements ?? JSONNode.noElements {
            guard let offset = node[0]?.int, let time = node[1]?.int else {
                throw RecordError(code: .wrongType, detail: "response_chunks")
            }
            responseChunks.append(ChunkArrival(offset: offset, timeUs: time))
        }
    }
}

/// Typed access to the members of one object.
struct RecordReader {
    let root: JSONFields

    init(root: JSONNode) { self.root = JSONFields(root) }

    /// The object of a whole line, a record's or a fact's, of the version that this program reads.
    init(line: some Collection<UInt8>) throws(RecordError) {
        do { root = JSONFields(try JSONDocument(Array(line)).root) } catch {
            throw RecordError(code: .notJSON, detail: error.description)
        }
        let version = try integer("v")
        guard version == ExchangeRecord.version else { throw RecordError(code: .unsupportedVersion, detail: "v = \(version)") }
    }

    func text(_ key: String) throws(RecordError) -> String? {
        try RecordReader.value(root.string(key), key)
    }

    func requiredText(_ key: String) throws(RecordError) -> String {
        guard let text = try text(key) else { throw RecordError(code: .wrongType, detail: key) }
        return text
    }

    func optionalInteger(_ key: String) throws(RecordError) -> Int64? {
        try RecordReader.value(root.integer(key), key)
    }

    private static func value<Value>(_ member: JSONMember<Value>, _ key: String) throws(RecordError) -> Value? {
        switch member {
        case .value(let value): return value
        case .null: return nil
        case .absent: throw RecordError(code: .missingKey, detail: key)
        case .other: throw RecordError(code: .wrongType, detail: key)
        }
    }

    func integer(_ key: String) throws(RecordError) -> Int64 {
        guard let value = try optionalInteger(key) else { throw RecordError(code: .wrongType, detail: key) }
        return value
    }

    func status(_ key: String) throws(RecordError) -> Int? {
        guard let value = try optionalInteger(key) else { return nil }
        guard let status = Int(exactly: value) else { throw RecordError(code: .wrongType, detail: key) }
        return status
    }

    func named<T: RawRepresentable<String>>(_: T.Type, _ key: String) throws(RecordError) -> T? {
        guard let text = try text(key) else { return nil }
        guard let value = T(rawValue: text) else { throw RecordError(code: .wrongType, detail: "\(key) = \(text)") }
        return value
    }

    func headers(_ key: String) throws(RecordError) -> [HeaderPair] {
        guard let node = root[key] else { throw RecordError(code: .missingKey, detail: key) }
        var pairs: [HeaderPair] = []
        for element in node.elements {
            guard let name = element[0]?.string, let value = element[1]?.string else {
                throw RecordError(code: .wrongType, detail: key)
            }
            pairs.append(HeaderPair(name, value))
        }
        return pairs
    }
}

extension ExchangeHead {
    /// A head that nothing is known of yet.
    package static var blank: ExchangeHead {
        ExchangeHead(id: ExchangeID(high: 0, low: 0), node: "", startedAtUs: 0, method: "", path: "")
    }

    /// Becomes what an object says.
    mutating func read(_ reader: RecordReader) throws(RecordError) {
        guard let id = ExchangeID(text: try reader.requiredText("id")) else { throw RecordError(code: .wrongType, detail: "id") }
        self = ExchangeHead(
            id: id, node: try reader.requiredText("node"), startedAtUs: try reader.integer("started_at_us"),
            method: try reader.requiredText("method"), path: try reader.requiredText("path"))
        attribution.environment = try reader.text("environment")
        attribution.task = try reader.requiredText("task")
        for (key, value) in reader.root["metadata"]?.members ?? JSONNode.noMembers {
            guard let name = key.string, let text = value.string else { throw RecordError(code: .wrongType, detail: "metadata") }
            attribution.metadata.append((name, text))
        }
        keyID = try reader.text("key_id")
        traceID = try reader.text("trace_id")
        parentSpanID = try reader.text("parent_span_id")
        clientRequestID = try reader.text("client_request_id")
        provider = try reader.requiredText("provider")
        deployment = try reader.text("deployment")
        api = try reader.text("api").map(APIFamily.init(rawValue:))
        query = try reader.requiredText("query")
        upstreamURL = try reader.text("upstream_url")
        status = try reader.status("status")
        guard let outcome = try reader.named(Outcome.self, "outcome") else {
            throw RecordError(code: .wrongType, detail: "outcome")
        }
        self.outcome = outcome
        errorSource = try reader.named(ErrorSource.self, "error_source")
        errorCode = try reader.text("error_code")
        requestReceivedUs = try reader.optionalInteger("request_received_us")
        upstreamSentUs = try reader.optionalInteger("upstream_sent_us")
        firstByteUs = try reader.optionalInteger("first_byte_us")
        lastByteUs = try reader.optionalInteger("last_byte_us")
        endedUs = try reader.optionalInteger("ended_us")
        responseStream = reader.root["response_stream"]?.bool ?? false
    }
}

extension Attempt {
    init(_ reader: RecordReader) throws(RecordError) {
        self.init(n: Int(clamping: try reader.integer("n")), startedUs: try reader.integer("started_us"))
        deployment = try reader.text("deployment")
        upstreamURL = try reader.text("upstream_url")
        connectedUs = try reader.optionalInteger("connected_us")
        requestSentUs = try reader.optionalInteger("request_sent_us")
        firstByteUs = try reader.optionalInteger("first_byte_us")
        endedUs = try reader.optionalInteger("ended_us")
        status = try reader.status("status")
        outcome = try reader.named(Outcome.self, "outcome")
        retryReason = try reader.text("retry_reason")
    }
}

/// The keys of a body, for each side once.
private struct BodyKeys: Sendable {
    let side: String
    let body: String
    let encoding: String
    let wireByteCount: String
    let contentCoding: String
    let kept: String
    let sha256: String

    static let request = BodyKeys("request")
    static let response = BodyKeys("response")

    private init(_ side: String) {
        self.side = side
        body = side + "_body"
        encoding = side + "_body_encoding"
        wireByteCount = side + "_body_bytes"
        contentCoding = side + "_content_coding"
        kept = side + "_body_kept"
        sha256 = side + "_body_sha256"
    }
}

extension RecordedBody {
    fileprivate init(_ reader: RecordReader, _ keys: BodyKeys) throws(RecordError) {
        self.init()
        guard let node = reader.root[keys.body] else { throw RecordError(code: .missingKey, detail: keys.body) }
        let encoding = try reader.requiredText(keys.encoding)
        if node.kind == .string {
            let stored = node.unescapedBytes
            guard encoding == "base64" else {
                content = stored
                try readSizes(reader, keys)
                return
            }
            guard let decoded = Base64.decode(stored[...]) else { throw RecordError(code: .badBody, detail: keys.side) }
            content = decoded
        }
        try readSizes(reader, keys)
    }

    private mutating func readSizes(_ reader: RecordReader, _ keys: BodyKeys) throws(RecordError) {
        wireByteCount = try reader.integer(keys.wireByteCount)
        contentCoding = try reader.text(keys.contentCoding)
        guard let kept = try reader.named(BodyKept.self, keys.kept) else {
            throw RecordError(code: .wrongType, detail: keys.kept)
        }
        self.kept = kept
        sha256 = try reader.text(keys.sha256)
    }
}
