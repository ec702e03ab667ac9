// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Capture
import ExchangeModel
import Foundation
import Logging
import Platform
import SegmentLog

/// The exchanges of a file of records through lane, arena, capture thread and segment files.
struct RecordsWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "records",
        abstract: "Capture the exchanges of a file of record lines anew; CPU time of the capture thread, drops. The files stay.")

    @Argument(help: "Record lines, as `weir segment cat` prints them.") var file: String
    @Option(help: "The data directory to make.") var directory = "weir-bench-data"
    @Flag(help: "Write the lines as they are, past capture: for what reads segments.") var unchanged = false

    func run() throws {
        let files = PosixFileSystem()
        let logger = Logger(label: "weir-bench") { StreamLogHandler.standardError(label: $0) }
        // Read before the clock runs: two processors may be one core, and the thread be slowed by whoever parses beside it.
        let records = try Data(contentsOf: URL(fileURLWithPath: file)).split(separator: 0x0A)
            .map { try ExchangeRecord(line: Array($0)) }
        if unchanged { return try RecordsWorkload.write(records, to: PathText.join(directory, "segments")) }
        let before = CPUTime.ofProcess
        let engine = try CaptureEngine(
            places: CapturePlaces(
                segments: PathText.join(directory, "segments"), arenas: PathText.join(directory, "arenas"),
                lock: PathText.join(directory, "lock")),
            node: "bench", hasherSecret: SystemRandom.bytes(32), files: files, logger: logger)
        let lane = engine.makeLane()
        let clock = SystemClock()
        let threadBefore = SystemClock.threadCPUNs
        for record in records {
            // What comes faster than the thread works off would be thinned out, and the figure be of something else.
            // Pages are counted as of the latest commit: once nothing waits they are back.
            while engine.counters.inFlightBytes > 8 << 20, engine.counters.waiting > 0 { clock.sleep(us: 500) }
            RecordsWorkload.capture(record, lane)
        }
        while engine.counters.waiting > 0 { clock.sleep(us: 1_000) }
        let produced = SystemClock.threadCPUNs - threadBefore
        engine.stop()
        let thread = CPUTime.ofProcess - before - produced
        let counters = engine.counters
        let report = """
            {"exchanges":\(records.count),"written":\(counters.written),"reduced":\(counters.reduced),"dropped":\(counters.dropped),\
            "payload_bytes":\(counters.payloadBytes),"capture_thread_s":\(String(format: "%.4f", Double(thread) / 1e9))}\n
            """
        try FileHandle.standardOutput.write(contentsOf: Data(report.utf8))
    }

    /// Writes records with the ids and times that they have.
    private static func write(_ records: [ExchangeRecord], to directory: String) throws {
        let writer = try SegmentWriter(directory: directory, node: "bench", files: PosixFileSystem(), clock: SystemClock())
        for record in records { try writer.append(record.encodedLine(), startedAtUs: record.head.startedAtUs) }
        try writer.close()
        try FileHandle.standardOutput.write(contentsOf: Data("{\"exchanges\":\(writer.counters.records)}\n".utf8))
    }

    /// Passes an exchange's bytes to a tap as they came.
    private static func capture(_ record: ExchangeRecord, _ lane: CaptureLane) {
        let tap = lane.begin()
        head("\(record.head.method) \(record.head.path) HTTP/1.1", record.requestHeaders).withUnsafeBytes { tap.requestHead($0) }
        tap.exchange.provider = record.head.provider
        tap.exchange.api = record.head.api
        tap.exchange.upstreamURL = record.head.upstreamURL
        tap.exchange.responseStream = record.head.responseStream
        var attempt = Attempt(n: 1, startedUs: tap.nowUs())
        attempt.upstreamURL = record.head.upstreamURL
        (attempt.status, attempt.outcome) = (record.head.status, .completed)
        tap.exchange.attempts.append(attempt)
        tap.checkpoint()
        (record.requestBody.content ?? []).withUnsafeBytes { tap.requestBytes($0) }
        tap.exchange.requestReceivedUs = tap.nowUs()
        tap.exchange.upstreamSentUs = tap.nowUs()
        tap.exchange.status = record.head.status
        tap.exchange.firstByteUs = tap.nowUs()
        head("HTTP/1.1 \(record.head.status ?? 200) Answer", record.responseHeaders).withUnsafeBytes { tap.responseHead($0) }
        let content = record.responseBody.content ?? []
        let starts = record.responseChunks.map { Int(clamping: $0.offset) }.filter { $0 > 0 && $0 < content.count }
        content.withUnsafeBytes { bytes in
            var at = 0
            for end in starts + [content.count] where end > at {
                tap.responseBytes(UnsafeRawBufferPointer(rebasing: bytes[at..<end]), at: tap.nowUs())
                at = end
            }
        }
        tap.commit(.completed)
    }

    /// A head as on the wire; credentials that records no longer hold are there again.
    private static func head(_ first: String, _ headers: [HeaderPair]) -> [UInt8] {
        let key = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz0123456789"
        let lines = headers.map { "\($0.name): \($0.value == "Bearer [redacted]" ? "Bearer \(key)" : $0.value)\r\n" }
        return Array("\(first)\r\n\(lines.joined())\r\n".utf8)
    }
}

/// Processor time.
enum CPUTime {
    /// Of all threads, nanoseconds.
    static var ofProcess: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
