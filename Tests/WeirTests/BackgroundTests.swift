// SPDX-License-Identifier: Apache-2.0
import Indexing
import Logging
import Platform
import SegmentLog
import Synchronization
import Telemetry
import Testing

@testable import weir

/// Lines of a log, with their levels.
private final class LogLines: Sendable {
    private let lines = Mutex<[(level: Logger.Level, text: String)]>([])
    var all: [(level: Logger.Level, text: String)] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "tests") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            lines.lines.withLock { $0.append((event.level, "\(event.message) \(event.metadata ?? [:])")) }
        }
    }
}

@Suite struct BackgroundTests {
    private static func report(isCaughtUp: Bool, locked: [String]) -> IndexReport {
        var report = IndexReport()
        report.isCaughtUp = isCaughtUp
        report.locked = locked
        return report
    }

    /// Another process holds the index: nothing is read, and what is old goes all the same.
    @Test(.timeLimit(.minutes(1))) func removesWhatIsOldWhileTheIndexCannotBeWritten() throws {
        let files = MemoryFileSystem()
        let clock = ManualClock(wallUs: 1_600_000_000_000_000)
        let directory = SegmentDirectory(files: files, path: "/segments")
        let writer = try SegmentWriter(directory: directory.path, node: "n1", files: files, clock: clock)
        try writer.append(Array("{\"v\":1}".utf8), startedAtUs: clock.wallUs)
        try writer.close()
        let hot = try #require(try directory.list().first)
        let sealing = SegmentSealing(directory: directory, clock: clock)
        let draft = try sealing.draft(of: hot) { _ in SegmentLineTraits(startedAtUs: clock.wallUs, order: 0..<1) }
        try draft?.writeFacts({ nil }, sums: { ([:], nil) })
        try draft?.publish()
        try sealing.remove(hot)
        #expect(try directory.list().map(\.isSealed) == [true])

        let place = "/tmp/weir-background-\(SystemRandom.bits128().low)"
        try PosixFileSystem().createDirectories(place)
        let paths = IndexPaths(dataDirectory: place)
        let held = IndexLock(path: paths.lock)
        try held.acquire(waitUs: 1_000_000)
        defer {
            held.release()
            for name in (try? PosixFileSystem().list(place)) ?? [] { try? PosixFileSystem().unlink(place + "/" + name) }
        }
        var retention = RetentionPolicy()
        retention.ageUs = 1_000_000
        var plan = BackgroundPlan(paths: paths, log: directory, seals: true, retention: retention)
        plan.keepingPauseUs = 1_000
        let registry = MetricRegistry()
        let metrics = try IndexerMetrics(providers: [], registry: registry)
        let indexer = try BackgroundIndexer(plan, metrics: metrics, logger: LogLines().logger)
        for _ in 0..<200 where try !directory.list().isEmpty { SystemClock().sleep(us: 50_000) }
        indexer.stop()
        #expect(try directory.list().isEmpty)
        let scrape = String(decoding: registry.text(), as: UTF8.self)
        #expect(
            scrape.contains("weir_index_passes_total{result=\"locked\"}")
                && !scrape.contains("weir_segments_removed_bytes_total 0"))
    }

    /// What is locked is not read: the index lags for as long.
    @Test func aPassOverLockedSegmentsIsNotCaughtUp() throws {
        let clock = ManualClock(wallUs: 1_700_000_000_000_000)
        let registry = MetricRegistry()
        let metrics = try IndexerMetrics(providers: [], registry: registry, clock: clock)
        func lag() throws -> String {
            let lines = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n")
            return String(try #require(lines.first { $0.hasPrefix("weir_index_lag_seconds ") }))
        }
        clock.advance(us: 60_000_000)
        let now = clock.wallUs
        metrics.passed(.finished, Self.report(isCaughtUp: true, locked: ["a.hot"]), startedAtUs: now, endedAtUs: now)
        #expect(try lag().hasPrefix("weir_index_lag_seconds 60"))
        metrics.passed(.finished, Self.report(isCaughtUp: true, locked: []), startedAtUs: now, endedAtUs: now)
        #expect(try lag().hasPrefix("weir_index_lag_seconds 0"))
    }

    @Test func saysWhichSegmentsAreLockedOnceAndWhenOthersAre() {
        let log = LogLines()
        var locked = LockedSegments()
        let steps: [(isCaughtUp: Bool, names: [String], lines: Int)] = [
            (true, [], 0), (true, ["a"], 1), (true, ["a"], 1), (false, [], 1), (false, ["b"], 2), (true, ["b", "a"], 2),
            (true, ["b"], 3), (true, [], 4), (true, [], 4),
        ]
        for (number, step) in steps.enumerated() {
            locked.note(Self.report(isCaughtUp: step.isCaughtUp, locked: step.names), log.logger)
            #expect(log.all.count == step.lines, "step \(number)")
        }
        #expect(log.all.map(\.level) == [.error, .error, .error, .notice] && log.all[1].text.contains("a, b"))
    }
}
