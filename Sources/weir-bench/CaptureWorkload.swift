// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Capture
import ExchangeModel
import Foundation
import Logging
import Platform

/// Small exchanges through lane, arena, capture thread and segment files.
struct CaptureWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Capture N exchanges of varied prompts; CPU time per exchange and thread, drops, bytes."
    )

    @Option(help: "Exchanges.") var exchanges = 200_000
    @Option(help: "Bytes of a request's body.") var requestBytes = 1_024
    @Option(help: "Bytes of an answer's body.") var answerBytes = 1_024
    @Option(help: "Pieces an answer comes in.") var pieces = 1
    @Option(help: "Pause after every hundred exchanges, microseconds: 0 produces without a pause.") var pauseUs: Int64 = 3_000
    @Option(help: "Where the files lie; made and removed.") var directory = "weir-bench-data"
    @Flag(help: "One JSON object instead of a table.") var json = false

    func run() throws {
        guard exchanges > 0, requestBytes > 0, answerBytes > 0, pieces > 0 else {
            throw ValidationError("all numbers must be above 0")
        }
        let files = PosixFileSystem()
        let logger = Logger(label: "weir-bench") { StreamLogHandler.standardError(label: $0) }
        let prompts = Prompts(requestBytes: requestBytes, answerBytes: answerBytes)
        let before = CPUTime.ofProcess
        let engine = try CaptureEngine(
            places: CapturePlaces(
                segments: PathText.join(directory, "segments"), arenas: PathText.join(directory, "arenas"),
                lock: PathText.join(directory, "lock")),
            node: "bench", hasherSecret: SystemRandom.bytes(32), files: files, logger: logger)
        let lane = engine.makeLane()
        let clock = SystemClock()
        let (count, rest, pieces) = (exchanges, pauseUs, pieces)
        let started = clock.monotonicUs
        let threadBefore = SystemClock.threadCPUNs
        var produced: Int64 = 0
        // What is to be captured is made before, and the clock is read once for each hundred.
        for first in stride(from: 0, to: count, by: 100) {
            let made = (first..<min(first + 100, count)).map(prompts.exchange)
            let cpu = SystemClock.threadCPUNs
            for (body, answer) in made { one(lane, prompts, body, answer, pieces: pieces) }
            produced += SystemClock.threadCPUNs - cpu
            clock.sleep(us: rest)
        }
        let producedAll = SystemClock.threadCPUNs - threadBefore
        engine.stop()
        let all = CPUTime.ofProcess - before
        let report = Report(
            exchanges: exchanges, producerUs: Double(produced) / 1_000 / Double(exchanges),
            captureThreadUs: Double(all - producedAll) / 1_000 / Double(exchanges), counters: engine.counters,
            elapsedUs: clock.monotonicUs - started, segmentBytes: try segmentBytes(files), residentKiB: residentKiB)
        try FileHandle.standardOutput.write(contentsOf: Data((json ? report.json : report.table).utf8))
        try FileManager.default.removeItem(atPath: directory)
    }

    /// What the gateway does with a tap for one small exchange.
    private func one(_ lane: CaptureLane, _ prompts: Prompts, _ body: [UInt8], _ answer: [UInt8], pieces: Int) {
        let tap = lane.begin()
        prompts.requestHead.withUnsafeBytes { tap.requestHead($0) }
        tap.exchange.provider = "openai"
        tap.exchange.api = .openaiChat
        tap.exchange.upstreamURL = prompts.upstreamURL
        tap.checkpoint()
        var attempt = Attempt(n: 1, startedUs: tap.nowUs())
        attempt.upstreamURL = prompts.upstreamURL
        attempt.connectedUs = tap.nowUs()
        tap.exchange.attempts.append(attempt)
        body.withUnsafeBytes { tap.requestBytes($0) }
        let sent = tap.nowUs()
        tap.exchange.requestReceivedUs = sent
        tap.exchange.upstreamSentUs = sent
        tap.exchange.attempts[0].requestSentUs = sent
        let first = tap.nowUs()
        tap.exchange.firstByteUs = first
        tap.exchange.status = 200
        prompts.answerHead.withUnsafeBytes { tap.responseHead($0) }
        tap.exchange.attempts[0].firstByteUs = first
        tap.exchange.attempts[0].status = 200
        let size = max(1, answer.count / pieces)
        answer.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count {
                let end = at + size * 2 > bytes.count ? bytes.count : at + size
                tap.responseBytes(UnsafeRawBufferPointer(rebasing: bytes[at..<end]), at: tap.nowUs())
                at = end
            }
        }
        let ended = tap.nowUs()
        tap.exchange.lastByteUs = ended
        tap.exchange.attempts[0].endedUs = ended
        tap.exchange.attempts[0].outcome = .completed
        tap.commit(.completed)
    }

    private func segmentBytes(_ files: PosixFileSystem) throws -> Int64 {
        let folder = PathText.join(directory, "segments")
        return try files.list(folder).reduce(0) { try $0 + (files.status(of: PathText.join(folder, $1))?.size ?? 0) }
    }

    /// Anonymous resident memory.
    private var residentKiB: Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }) else { return 0 }
        return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
    }
}

/// Request and answer bytes that differ from exchange to exchange.
struct Prompts {
    let upstreamURL = "https://api.openai.com/v1/chat/completions"
    let requestHead = Array(
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
            + "Authorization: Bearer sk-proj-0123456789abcdefghijklmnopqrstuvwxyz0123456789\r\nContent-Type: application/json\r\n"
            + "User-Agent: OpenAI/Python 1.99.0\r\nX-Stainless-Lang: python\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n"
            + "x-inference-task-id: triage\r\nContent-Length: 1024\r\n\r\n").utf8)
    let answerHead = Array(
        ("HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 18:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n"
            + "openai-organization: org-abc\r\nopenai-processing-ms: 412\r\nx-request-id: req_0123456789abcdef\r\n"
            + "x-ratelimit-remaining-tokens: 149984\r\n\r\n").utf8)
    private let words: [[UInt8]]
    private let requestBytes: Int
    private let answerBytes: Int

    init(requestBytes: Int, answerBytes: Int) {
        self.requestBytes = requestBytes
        self.answerBytes = answerBytes
        words = (0..<4_096).map { number in
            var state = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
            return (0..<(3 + number % 7)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(97 + (state >> 33) % 26)
            } + [0x20]
        }
    }

    func exchange(_ number: Int) -> (request: [UInt8], answer: [UInt8]) {
        (
            text(#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":""#, #""}]}"#, requestBytes, number),
            text(
                #"{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":""#,
                #""},"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":180,"total_tokens":380}}"#,
                answerBytes, number &+ 7_919)
        )
    }

    private func text(_ head: String, _ tail: String, _ bytes: Int, _ seed: Int) -> [UInt8] {
        var out = Array(head.utf8)
        let end = bytes - tail.utf8.count
        var state = UInt64(truncatingIfNeeded: seed) &* 0xBF58_476D_1CE4_E5B9
        while out.count < end {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            out += words[Int(state >> 40) & 4_095]
        }
        out += Array(tail.utf8)
        return out
    }
}

/// What came out.
struct Report {
    let exchanges: Int
    let producerUs: Double
    let captureThreadUs: Double
    let counters: CaptureCounters
    let elapsedUs: Int64
    let segmentBytes: Int64
    let residentKiB: Int

    var json: String {
        """
        {"exchanges":\(exchanges),"producer_us":\(rounded(producerUs)),"capture_thread_us":\(rounded(captureThreadUs)),\
        "written":\(counters.written),"reduced":\(counters.reduced),"dropped":\(counters.dropped),\
        "payload_bytes":\(counters.payloadBytes),"segment_bytes":\(segmentBytes),"elapsed_us":\(elapsedUs),\
        "rss_anon_kib":\(residentKiB)}\n
        """
    }

    var table: String {
        """
        exchanges            \(exchanges)
        producer             \(rounded(producerUs)) us CPU an exchange
        capture thread       \(rounded(captureThreadUs)) us CPU an exchange
        written              \(counters.written)
        reduced              \(counters.reduced)
        dropped              \(counters.dropped)
        payload              \(counters.payloadBytes) bytes
        segments             \(segmentBytes) bytes
        elapsed              \(elapsedUs / 1_000) ms
        anonymous memory     \(residentKiB) KiB\n
        """
    }

    private func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}
