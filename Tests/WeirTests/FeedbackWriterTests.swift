// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import Gateway
import Logging
import Platform
import Synchronization
import Telemetry
import Testing

@testable import weir

/// All that is logged, metadata included.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "tests") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") } }
    }
}

@Suite struct FeedbackWriterTests {
    private static func place() throws -> String {
        let place = NSTemporaryDirectory() + "weir-feedback-\(SystemRandom.bits128().low)"
        try PosixFileSystem().createDirectories(place)
        return place
    }

    private static func body(_ number: Int, label: String = "fine") -> [UInt8] {
        let exchange = ExchangeID(milliseconds: UInt64(1_000 + number), random: (1, UInt64(number)))
        return Array(#"{"exchange_id":"\#(exchange)","score":\#(number),"label":"\#(label)"}"#.utf8)
    }

    @Test func storesWhatItAcceptedBeforeItStops() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = place + "/control.sqlite"
        let lines = Lines()
        let registry = MetricRegistry()
        let writer = FeedbackWriter(path: path, registry: registry)
        try writer.start(lines.logger)
        #expect(!FileManager.default.fileExists(atPath: path))
        var ids: Set<String> = []
        for number in 0..<2_500 {
            guard case .accepted(let id) = writer.offer(Self.body(number)) else {
                Issue.record("not accepted: \(number)")
                continue
            }
            ids.insert(id)
        }
        writer.stop()
        #expect(writer.offer(Self.body(1)) == .closed)
        var stored: Set<String> = []
        try ControlStore.open(path: path, mode: .readOnly).forEachFeedback(limit: 10_000) { stored.insert($0.id.description) }
        #expect(stored == ids && ids.count == 2_500)
        let text = String(decoding: registry.text(), as: UTF8.self)
        #expect(text.contains("weir_feedback_total{result=\"stored\"} 2500\n") && text.contains("weir_feedback_waiting 0\n"))
        #expect(lines.all.isEmpty)
    }

    @Test func refusesWhatDoesNotFitAndWhatIsNone() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        var limits = FeedbackWriter.Limits()
        limits.pieces = 3
        // Nothing takes from the queue: the thread is not started.
        let writer = FeedbackWriter(path: place + "/control.sqlite", limits: limits, registry: MetricRegistry())
        for number in 0..<3 {
            guard case .accepted = writer.offer(Self.body(number)) else {
                Issue.record("not accepted")
                return
            }
        }
        #expect(writer.offer(Self.body(4)) == .full)
        guard case .refused(let reason) = writer.offer(Array(#"{"label":"SECRET-7261"}"#.utf8)) else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains("exchange_id") && !reason.contains("7261"))
    }

    /// What the thread has in hand and cannot store counts as long as it has it.
    @Test(.timeLimit(.minutes(1))) func whatIsInHandCountsToo() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = place + "/control.sqlite"
        try Data(repeating: 7, count: 10_000).write(to: URL(fileURLWithPath: path))
        let (lines, registry) = (Lines(), MetricRegistry())
        var limits = FeedbackWriter.Limits()
        (limits.pieces, limits.retryUs) = (4, 20_000)
        let writer = FeedbackWriter(path: path, limits: limits, registry: registry)
        try writer.start(lines.logger)
        for number in 0..<3 { _ = writer.offer(Self.body(number)) }
        let clock = SystemClock()
        while lines.all.isEmpty { clock.sleep(us: 1_000) }
        // At least one of the three is in hand now.
        guard case .accepted = writer.offer(Self.body(3)) else {
            Issue.record("not accepted")
            return
        }
        #expect(writer.offer(Self.body(4)) == .full)
        #expect(String(decoding: registry.text(), as: UTF8.self).contains("weir_feedback_waiting 4\n"))
        try FileManager.default.removeItem(atPath: path)
        while lines.all.count < 2 { clock.sleep(us: 1_000) }
        while writer.offer(Self.body(5)) == .full { clock.sleep(us: 1_000) }
        writer.stop()
        #expect(try ControlStore.open(path: path, mode: .readOnly).feedbackCount() == 5)
        #expect(String(decoding: registry.text(), as: UTF8.self).contains("weir_feedback_waiting 0\n"))
    }

    /// The database is another program's: what was accepted is tried until the end, then counted, and none of it is in the log.
    @Test(.timeLimit(.minutes(1))) func keepsTryingAndLogsNothingOfWhatWasWritten() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = place + "/control.sqlite"
        try Data(repeating: 7, count: 10_000).write(to: URL(fileURLWithPath: path))
        let lines = Lines()
        let registry = MetricRegistry()
        var limits = FeedbackWriter.Limits()
        limits.retryUs = 20_000
        let writer = FeedbackWriter(path: path, limits: limits, registry: registry)
        try writer.start(lines.logger)
        for number in 0..<5 { _ = writer.offer(Self.body(number, label: "SECRET-7261")) }
        let clock = SystemClock()
        while lines.all.isEmpty { clock.sleep(us: 1_000) }
        writer.stop()
        #expect(lines.all.count == 2 && lines.all.contains { $0.contains("control_damaged") })
        #expect(lines.all.allSatisfy { !$0.contains("7261") })
        #expect(String(decoding: registry.text(), as: UTF8.self).contains("weir_feedback_total{result=\"lost\"} 5\n"))
    }

    @Test(.timeLimit(.minutes(1))) func storesOnceTheDatabaseCanBeWrittenAgain() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = place + "/control.sqlite"
        try Data(repeating: 7, count: 10_000).write(to: URL(fileURLWithPath: path))
        let lines = Lines()
        var limits = FeedbackWriter.Limits()
        limits.retryUs = 20_000
        let writer = FeedbackWriter(path: path, limits: limits, registry: MetricRegistry())
        try writer.start(lines.logger)
        for number in 0..<5 { _ = writer.offer(Self.body(number)) }
        let clock = SystemClock()
        while lines.all.isEmpty { clock.sleep(us: 1_000) }
        try FileManager.default.removeItem(atPath: path)
        while lines.all.count < 2 { clock.sleep(us: 1_000) }
        writer.stop()
        #expect(try ControlStore.open(path: path, mode: .readOnly).feedbackCount() == 5)
    }
}
