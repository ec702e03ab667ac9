// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Outbound
import Platform
import Redaction
import Synchronization

/// Keeps the answers of a replay as records in a file of JSON lines; safe to use from several threads.
///
/// Each is a record of its own (`node` is `replay`), whose metadata `replay_of` names the exchange that was sent again.
final class ReplayAnswers: Sendable {
    private struct State {
        let file: any OpenFile
        var error: PlatformError?
    }

    static let fileName = "answers.jsonl"
    static let reportName = "report.json"

    private let directory: String
    private let state: Mutex<State>

    /// Begins a file in a directory, which is made; one that is there is left alone.
    init(directory: String, files: any FileSystem) throws {
        self.directory = directory
        try files.createDirectories(directory)
        let path = PathText.join(directory, ReplayAnswers.fileName)
        guard try files.status(of: path) == nil else { throw VerbFailure.usage("\(path) is there already; name another --out") }
        let file = try PosixFileSystem().open(path, .createNew)
        state = Mutex(State(file: file))
    }

    /// Appends a record; after the first failure nothing more.
    func keep(_ record: ExchangeRecord) {
        let line = record.encodedLine()
        state.withLock { state in
            guard state.error == nil else { return }
            do throws(PlatformError) { try state.file.append(line) } catch { state.error = error }
        }
    }

    /// Makes the answers durable and puts the report beside them.
    func finish(report: [UInt8]) throws {
        try state.withLock { state in
            if let error = state.error { throw error }
            try state.file.sync()
        }
        try PosixFileSystem().replaceFile(PathText.join(directory, ReplayAnswers.reportName), with: report)
    }

    // MARK: Records

    /// The record of a request that was sent again.
    ///
    /// - Parameters:
    ///   - record: the exchange as it was recorded.
    ///   - sent: the request as it was sent: a key in it is looked for in the answer.
    ///   - answer: what came now.
    ///   - sentAtUs: when it was sent, microseconds since the epoch.
    ///   - provider: the host it was sent to.
    ///   - url: where it was sent, without its query.
    /// - Returns: a record of the second exchange; its credentials are redacted.
    static func record(
        of record: ExchangeRecord, sent: ReplayRequest, answer: Result<OutboundResponse, OutboundError>, sentAtUs: Int64,
        provider: String, url: String
    ) -> ExchangeRecord {
        var scrubber = CredentialScrubber()
        var sentHeaders = sent.headers.map { HeaderPair($0.name, $0.value) }
        scrubber.redact(&sentHeaders)
        if let mark = sent.url.firstIndex(of: "?") {
            _ = scrubber.redactedQuery(String(sent.url[sent.url.index(after: mark)...]))
        }
        let url = scrubber.masked(url)
        let random = SystemRandom.bits128()
        let id = ExchangeID(milliseconds: UInt64(clamping: sentAtUs / 1_000), random: (random.high, random.low))
        var made = ExchangeRecord(
            head: ExchangeHead(
                id: id, node: "replay", startedAtUs: sentAtUs, method: record.head.method, path: record.head.path))
        made.head.attribution = record.head.attribution
        made.head.attribution.metadata.removeAll { $0.name == "replay_of" }
        made.head.attribution.metadata.append((name: "replay_of", value: record.head.id.description))
        made.head.attribution.metadata.sort { $0.name < $1.name }
        made.head.provider = provider
        made.head.api = record.head.api
        made.head.query = record.head.query
        made.head.upstreamURL = url
        made.head.requestReceivedUs = 0
        made.requestHeaders = record.requestHeaders
        made.requestBody = record.requestBody
        var attempt = Attempt(n: 1, startedUs: 0)
        attempt.upstreamURL = url
        switch answer {
        case .success(let response):
            fill(&made, &attempt, from: response, wasStream: record.head.responseStream, scrubber)
        case .failure(let error):
            made.head.outcome = error.code == .timedOut ? .timedOut : .upstreamFailed
            made.head.errorSource = .gateway
            made.head.errorCode = error.code.rawValue
        }
        attempt.outcome = made.head.outcome
        made.attempts = [attempt]
        return made
    }

    private static func fill(
        _ made: inout ExchangeRecord, _ attempt: inout Attempt, from response: OutboundResponse, wasStream: Bool,
        _ sent: CredentialScrubber
    ) {
        let times = response.timings
        made.head.status = response.status
        made.head.outcome = .completed
        made.head.firstByteUs = times.firstByteUs
        made.head.lastByteUs = times.totalUs
        made.head.endedUs = times.totalUs
        let contentType = response.header("content-type") ?? ""
        made.head.responseStream = contentType.lowercased().hasPrefix("text/event-stream") || (wasStream && contentType.isEmpty)
        made.responseHeaders = response.headers.map { HeaderPair($0.name, $0.value) }
        var scrubber = sent
        scrubber.redact(&made.responseHeaders)
        made.responseHeaders = made.responseHeaders.map { HeaderPair(scrubber.masked($0.name), scrubber.masked($0.value)) }
        var body = response.body
        scrubber.mask(&body)
        made.responseBody = RecordedBody(content: body, wireByteCount: Int64(body.count))
        made.responseChunks = response.arrivals.prefix(ExchangeRecord.chunkLimit).map {
            ChunkArrival(offset: Int64($0.offset), timeUs: $0.timeUs)
        }
        attempt.connectedUs = times.connectUs
        attempt.firstByteUs = times.firstByteUs
        attempt.endedUs = times.totalUs
        attempt.status = response.status
    }
}
