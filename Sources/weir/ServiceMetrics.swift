// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Indexing
import Platform
import SegmentLog
import Synchronization
import Telemetry

/// What the kernel says of this process, and what was built, in the scrape.
enum ProcessMetrics {
    static func add(to registry: MetricRegistry) {
        registry.addSource { out in
            out.begin("weir_build_info", type: "gauge", help: "Always 1; the label says what runs.")
            out.sample("weir_build_info", [("version", Program.version)], 1)
            let facts = ProcessFacts.current()
            func write(_ name: String, _ type: StaticString, _ value: Int?, _ help: String, unit: MetricUnit = .plain) {
                guard let value else { return }
                out.begin(name, type: type, help: help)
                out.sample(name, [], value, unit: unit)
            }
            write("process_resident_memory_bytes", "gauge", facts.residentBytes, "Resident memory, mapped files included.")
            write("weir_process_anonymous_memory_bytes", "gauge", facts.anonymousBytes, "Resident anonymous memory (RssAnon).")
            write("process_open_fds", "gauge", facts.openDescriptors, "Open descriptors.")
            write("process_max_fds", "gauge", facts.maxDescriptors, "Descriptors that may be open.")
            write(
                "process_cpu_seconds_total", "counter", facts.processorUs, "Processor time of all threads, user and system.",
                unit: .microseconds)
            write(
                "process_start_time_seconds", "gauge", facts.startedAtUs, "When the process began, since the epoch.",
                unit: .microseconds)
        }
    }
}

/// Counts what the indexer inside `serve` does.
///
/// World: thread; written by the index thread alone, but for the two times, which are atomic.
final class IndexerMetrics: Sendable {
    /// How a pass ended.
    enum Ending: Int, CaseIterable {
        case finished, locked, failed

        var label: String {
            switch self {
            case .finished: "finished"
            case .locked: "locked"
            case .failed: "failed"
            }
        }
    }

    /// From 25 ms to 2 minutes.
    private static let ttftBounds: [Int64] = [
        25_000, 50_000, 100_000, 200_000, 350_000, 500_000, 750_000, 1_000_000, 1_500_000, 2_500_000, 5_000_000, 10_000_000,
        30_000_000, 60_000_000, 120_000_000,
    ]

    private let shard: MetricShard
    private let providers: [String: Int]
    private let facts: MetricHandle
    private let ttft: MetricHandle
    private let passes: MetricHandle
    private let damaged: MetricHandle
    private let sealed: MetricHandle
    private let sealFailures: MetricHandle
    private let removedBytes: MetricHandle
    private let times: Times

    private final class Times: Sendable {
        /// When the last pass began that left nothing unread, microseconds since the epoch; before the first, the start.
        let caughtUpAtUs: Atomic<Int>
        let lastPassUs = Atomic<Int>(0)

        init(nowUs: Int) { caughtUpAtUs = Atomic(nowUs) }
    }

    /// Adds the indexer's metrics to the scrape.
    init(providers names: [String], registry: MetricRegistry, clock: any Clock = SystemClock()) throws(TelemetryError) {
        let labels = names.filter { $0 != "other" }.prefix(100) + ["other"]
        var layout = MetricLayout()
        facts = try layout.add(
            MetricFamily("weir_index_facts_total", .counter, help: "Records read into facts since the start."))
        ttft = try layout.add(
            MetricFamily(
                "weir_index_ttft_seconds", .histogram(bounds: IndexerMetrics.ttftBounds), unit: .microseconds,
                labels: [MetricLabel("provider", Array(labels))],
                help: "From a request's head to the first event with model output, of streamed answers as they are indexed."))
        passes = try layout.add(
            MetricFamily(
                "weir_index_passes_total", .counter, labels: [MetricLabel("result", Ending.allCases.map(\.label))],
                help: "Passes of the indexer."))
        damaged = try layout.add(
            MetricFamily("weir_index_damaged_total", .counter, help: "Damaged ranges and lines that are no record."))
        sealed = try layout.add(MetricFamily("weir_segments_sealed_total", .counter, help: "Segments sealed since the start."))
        sealFailures = try layout.add(
            MetricFamily("weir_segments_seal_failures_total", .counter, help: "Tries to seal a segment that failed."))
        removedBytes = try layout.add(
            MetricFamily("weir_segments_removed_bytes_total", .counter, help: "Bytes removed by retention."))
        shard = try IndexerMetrics.only(registry.makeShards(layout, count: 1))
        providers = Dictionary(labels.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let times = Times(nowUs: Int(clamping: clock.wallUs))
        self.times = times
        registry.addSource { out in
            let now = Int(clamping: clock.wallUs)
            out.begin(
                "weir_index_lag_seconds", type: "gauge", help: "Age of the newest moment whose records are all in the index.")
            let lag = max(0, now - times.caughtUpAtUs.load(ordering: .relaxed))
            out.sample("weir_index_lag_seconds", [], lag, unit: .microseconds)
            out.begin(
                "weir_index_last_pass_timestamp_seconds", type: "gauge", help: "When the last pass ended; 0 before the first.")
            let last = times.lastPassUs.load(ordering: .relaxed)
            out.sample("weir_index_last_pass_timestamp_seconds", [], last, unit: .microseconds)
        }
    }

    private static func only(_ shards: [MetricShard]) throws(TelemetryError) -> MetricShard {
        guard let shard = shards.first else { throw TelemetryError(.noShard, "the indexer has no shard to count in") }
        return shard
    }

    /// Counts facts as they are committed.
    func note(_ read: [ExchangeFact]) {
        shard.add(read.count, to: facts.series)
        for fact in read {
            guard let us = fact.reading.ttftUs else { continue }
            shard.observe(us, in: ttft, at: ttft.series(providers[fact.head.provider] ?? -1))
        }
    }

    /// Counts what was sealed.
    func kept(_ report: KeepingReport) {
        shard.add(report.sealed, to: sealed.series)
        shard.add(report.failures.count, to: sealFailures.series)
    }

    /// Counts what retention removed.
    func removed(_ plan: RetentionPlan) { shard.add(Int(clamping: plan.freedBytes), to: removedBytes.series) }

    /// Counts the end of a pass.
    ///
    /// - Parameters:
    ///   - ending: how it ended.
    ///   - report: what it did, where it got so far.
    ///   - startedAtUs: since the epoch.
    ///   - endedAtUs: since the epoch.
    func passed(_ ending: Ending, _ report: IndexReport?, startedAtUs: Int64, endedAtUs: Int64) {
        shard.add(1, to: passes.series(ending.rawValue))
        times.lastPassUs.store(Int(clamping: endedAtUs), ordering: .relaxed)
        guard let report else { return }
        shard.add(report.damaged + report.undecodable, to: damaged.series)
        // What is locked is unread, and stays so until its key comes.
        if report.isCaughtUp, report.locked.isEmpty { times.caughtUpAtUs.store(Int(clamping: startedAtUs), ordering: .relaxed) }
    }
}
