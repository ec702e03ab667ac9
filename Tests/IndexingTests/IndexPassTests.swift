// SPDX-License-Identifier: Apache-2.0
import Answers
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import GRDB
import Indexing
import Platform
import SegmentLog
import Synchronization
import Testing

/// A data directory with segments of sample records.
final class Traffic: Sendable {
    let scratch: ScratchDirectory
    let paths: IndexPaths
    let files = PosixFileSystem()

    init() throws {
        scratch = try ScratchDirectory()
        paths = IndexPaths(dataDirectory: scratch.path)
    }

    /// Writes records, one batch for every `perBatch` of them; nil is a line that is no record.
    func write(_ records: [ExchangeRecord?], perBatch: Int, node: String = "n1") throws {
        let writer = try SegmentWriter(directory: paths.segments, node: node, files: files, clock: SystemClock())
        for (i, record) in records.enumerated() {
            try writer.append(
                record?.encodedLine() ?? Array("{\"v\":1,\"broken\":true}\n".utf8), startedAtUs: record?.head.startedAtUs ?? 1)
            if (i + 1).isMultiple(of: perBatch) { try writer.flush() }
        }
        try writer.close()
    }

    static func record(of fact: ExchangeFact) -> ExchangeRecord {
        var record = ExchangeRecord(head: fact.head)
        record.requestBody.wireByteCount = fact.requestBodyBytes
        record.responseBody.wireByteCount = fact.responseBodyBytes
        record.requestBody.content = Array("{\"model\":\"\(fact.reading.modelRequested ?? "-")\"}".utf8)
        return record
    }

    static func records(seed: UInt64, count: Int) -> [ExchangeRecord] { SampleFacts.facts(seed: seed, count: count).map(record) }

    /// Takes the model out of the body that `record(of:)` made.
    static func reading(_ record: ExchangeRecord) -> ExchangeReading {
        var reading = ExchangeReading()
        reading.modelRequested = String(decoding: record.requestBody.content ?? [], as: UTF8.self)
        reading.usage.inputTotal = Int64(record.head.id.low & 0xFFFF)
        return reading
    }

    func store() throws -> FactStore { try paths.openForWriting(waitUs: 60_000_000) }

    func pass(_ store: FactStore) -> IndexPass {
        IndexPass(
            store: store, directory: SegmentDirectory(files: files, path: paths.segments), lock: IndexLock(path: paths.lock),
            reading: Traffic.reading)
    }

    @discardableResult
    func index(_ options: IndexPassOptions = IndexPassOptions(maxDurationUs: 60_000_000)) throws -> IndexReport {
        try pass(store()).run(options)
    }

    /// Packs and rolls up, as `weir index` does at its end.
    func build() throws -> BuildReport {
        try ColumnBuilding(store: store(), lock: IndexLock(path: paths.lock)).run(IndexPassOptions(maxDurationUs: 60_000_000))
    }

    func dump() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try Answers.writeDump(store: FactStore.open(path: paths.index, mode: .readOnly)) { bytes += $0 }
        return bytes
    }

    func removeIndex() {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: paths.index + suffix) }
    }

    func segments() throws -> [SegmentFile] { try SegmentDirectory(files: files, path: paths.segments).list() }
}

@Suite struct IndexPassTests {
    @Test func rebuildsBesideTheOldIndex() throws {
        let traffic = try Traffic()
        for part in 0..<2 {
            try traffic.write(Traffic.records(seed: UInt64(60 + part), count: 40), perBatch: 7, node: "n\(part)")
            try traffic.index()
            // What the second part brings comes late to the hours, days and weeks of the first.
            let built = try traffic.build()
            #expect(built.hours > 0 && built.days > 0 && built.weeks > 0)
        }
        try traffic.seal()
        let before = try traffic.dump()
        let rebuild = IndexRebuild(paths: traffic.paths, directory: traffic.directory, reading: Traffic.reading)
        // What an index has that no segment says is not in the new one.
        var stray = SampleFacts.facts(seed: 99, count: 1)
        stray[0].location.segment = "stray.hot"
        try traffic.store().commit(facts: stray, checkpoint: Checkpoint(segment: "stray.hot", offset: 1))
        let report = try rebuild.run(IndexPassOptions(maxDurationUs: 60_000_000))
        #expect(report.facts == 80 && report.isCaughtUp)
        #expect(try traffic.dump() == before)
        #expect(try traffic.fetched().count == 80)
        // One that is no database any more is replaced as well; one that cannot be finished changes nothing.
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: traffic.paths.index + suffix) }
        try Data(repeating: 0x41, count: 9_000).write(to: URL(fileURLWithPath: traffic.paths.index))
        #expect(throws: FactStoreError.self) { try traffic.index() }
        let stopped = try rebuild.run(IndexPassOptions(maxDurationUs: 60_000_000, shouldStop: { true }))
        #expect(!stopped.isCaughtUp)
        #expect(throws: FactStoreError.self) { try traffic.index() }
        #expect(try rebuild.run(IndexPassOptions(maxDurationUs: 60_000_000)).facts == 80)
        #expect(try traffic.dump() == before)
        let left = try traffic.files.list(traffic.scratch.path).filter { $0.contains(".new") }
        #expect(left.isEmpty, "\(left)")
        let sealer = try #require(try traffic.directory.sealersLock())
        defer { sealer.release() }
        #expect { _ = try rebuild.run(IndexPassOptions(maxDurationUs: 1_000)) } throws: {
            ($0 as? IndexingError)?.code == .locked
        }
    }

    @Test func everyRecordBecomesOneFactWithItsPlace() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 1, count: 120)
        try traffic.write(records, perBatch: 7)
        let seen = Mutex<[IndexReport]>([])
        let store = try traffic.store()
        let report = try traffic.pass(store).run(IndexPassOptions(maxDurationUs: 60_000_000)) { report in
            seen.withLock { $0.append(report) }
        }
        #expect(report.facts == 120 && report.records == 120 && report.batches == 18 && report.isCaughtUp && report.exitCode == 0)
        #expect(report.bytes == report.totalBytes && report.incompleteBytes == 0)
        #expect(seen.withLock { $0.map(\.facts) } == (1...18).map { min($0 * 7, 120) })
        let byID = Dictionary(uniqueKeysWithValues: records.map { ($0.head.id, $0) })
        let directory = SegmentDirectory(files: traffic.files, path: traffic.paths.segments)
        try store.forEachFact { fact in
            let record = try #require(byID[fact.head.id])
            #expect(fact.head == record.head)
            #expect(fact.reading == Traffic.reading(record))
            let reader = try SegmentReader(file: #require(directory.file(named: fact.location.segment)), files: traffic.files)
            let line = try reader.record(frame: fact.location.frame, offset: Int(fact.location.offset))
            #expect(try ExchangeRecord(line: line) == record)
        }
        let again = try traffic.index()
        #expect(again.batches == 0 && again.isCaughtUp)
    }

    @Test func growsWithTheSegments() throws {
        let traffic = try Traffic()
        #expect(try traffic.index().isCaughtUp)
        try traffic.write(Traffic.records(seed: 2, count: 10), perBatch: 4)
        #expect(try traffic.index().facts == 10)
        try traffic.write(Traffic.records(seed: 3, count: 5), perBatch: 4, node: "n2")
        #expect(try traffic.index().facts == 5)
    }

    @Test func stoppingAfterAnyBatchLosesAndDoublesNothing() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 4, count: 60), perBatch: 3)
        try traffic.index()
        let whole = try traffic.dump()
        traffic.removeIndex()
        var passes = 0
        while true {
            let report = try traffic.index(IndexPassOptions(maxDurationUs: 60_000_000, shouldStop: { true }))
            passes += 1
            if report.isCaughtUp { break }
            #expect(report.exitCode == 3 && report.batches == 1)
        }
        #expect(passes == 21)
        #expect(try traffic.dump() == whole)
    }

    @Test func failureInsideABatchLeavesNothingOfIt() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 5, count: 40)
        try traffic.write(records, perBatch: 10)
        try traffic.index()
        let whole = try traffic.dump()
        traffic.removeIndex()
        try traffic.store().close()
        let queue = try DatabaseQueue(path: traffic.paths.index)
        try queue.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER fault BEFORE INSERT ON fact WHEN (SELECT count(*) FROM fact) = 25
                    BEGIN SELECT RAISE(ABORT, 'the plug was pulled'); END
                    """)
        }
        #expect(throws: FactStoreError.self) { try traffic.index() }
        #expect(try FactStore.open(path: traffic.paths.index, mode: .readOnly).count() == 20)
        try queue.write { try $0.execute(sql: "DROP TRIGGER fault") }
        try queue.close()
        #expect(try traffic.index().facts == 20)
        #expect(try traffic.dump() == whole)
    }

    @Test func rebuildGivesTheSameDump() throws {
        let traffic = try Traffic()
        for (seed, node) in [(6, "b"), (7, "a"), (8, "b")] {
            try traffic.write(Traffic.records(seed: UInt64(seed), count: 25), perBatch: 6, node: node)
            try traffic.index()
        }
        let grown = try traffic.dump()
        traffic.removeIndex()
        try traffic.index()
        #expect(try traffic.dump() == grown)
        #expect(!grown.isEmpty)
    }

    @Test func badLinesAndDamageAreCountedAndPassedOver() throws {
        let traffic = try Traffic()
        var records: [ExchangeRecord?] = Traffic.records(seed: 9, count: 30)
        records.insert(nil, at: 4)
        records.insert(nil, at: 17)
        try traffic.write(records, perBatch: 8)
        let segment = try #require(try traffic.segments().first)
        let reader = try SegmentReader(file: segment, files: traffic.files)
        guard case .batch(let first) = try reader.next(after: 0) else { throw CancellationError() }
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: segment.path)))
        bytes[Int(first.next) + SegmentFormat.headerBytes + 9] ^= 0x10
        try Data(bytes).write(to: URL(fileURLWithPath: segment.path))
        let report = try traffic.index()
        #expect(report.damaged == 1 && report.undecodable == 2 && report.isCaughtUp)
        #expect(report.records + report.undecodable == 24)
        let store = try traffic.store()
        let count = try store.lossCount()
        #expect(count.damagedRanges == 1 && count.undecodableLines == Int64(report.undecodable))
        #expect(try store.count() == Int64(report.records))
        let damage = try store.losses(limit: 10).first { $0.kind == .damage }
        #expect(damage?.frame == first.next && damage?.reason == DamageReason.badChecksum.rawValue)
        #expect(try traffic.index().damaged == 0)
    }

    @Test func tornTailWaitsAndIsReadWhenItIsWhole() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 10, count: 20), perBatch: 5)
        let segment = try #require(try traffic.segments().first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: segment.path))
        try whole.prefix(whole.count - 40).write(to: URL(fileURLWithPath: segment.path))
        let torn = try traffic.index()
        #expect(torn.facts == 15 && torn.incompleteBytes > 0 && torn.isCaughtUp && torn.damaged == 0)
        try whole.write(to: URL(fileURLWithPath: segment.path))
        #expect(try traffic.index().facts == 5)
    }

    @Test func vanishedSegmentKeepsItsFacts() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 11, count: 6), perBatch: 3)
        try traffic.index()
        for segment in try traffic.segments() { try FileManager.default.removeItem(atPath: segment.path) }
        let report = try traffic.index()
        #expect(report.isCaughtUp && report.unreadable.isEmpty)
        #expect(try traffic.store().count() == 6)
    }

    @Test func unreadableSegmentIsNamedAndTheOthersAreRead() throws {
        let files = MemoryFileSystem()
        let scratch = try ScratchDirectory()
        for node in ["a", "b"] {
            let writer = try SegmentWriter(directory: "/segments", node: node, files: files, clock: SystemClock())
            for record in Traffic.records(seed: node == "a" ? 12 : 13, count: 4) {
                try writer.append(record.encodedLine(), startedAtUs: record.head.startedAtUs)
            }
            try writer.close()
        }
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let directory = SegmentDirectory(files: files, path: "/segments")
        let pass = IndexPass(
            store: store, directory: directory, lock: IndexLock(path: scratch.path + "/index.lock"), reading: Traffic.reading)
        files.fail(.read, nth: 1, errno: 5)
        let report = try pass.run(IndexPassOptions(maxDurationUs: 60_000_000))
        let first = try #require(try directory.list().first)
        #expect(report.unreadable == [first.name] && report.exitCode == 1)
        #expect(report.records == 4)
        #expect(try pass.run(IndexPassOptions(maxDurationUs: 60_000_000)).exitCode == 0)
    }
}

@Suite struct IndexLockTests {
    @Test func whoComesSecondWaitsAndThenSaysSo() throws {
        let traffic = try Traffic()
        let pass = try traffic.pass(traffic.store())
        let held = IndexLock(path: traffic.paths.lock)
        try held.acquire(waitUs: 0)
        #expect(throws: IndexingError.self) { try traffic.paths.openForWriting(waitUs: 5_000) }
        let error = #expect(throws: IndexingError.self) { try pass.run(IndexPassOptions(maxDurationUs: 30_000)) }
        #expect(error?.code == .locked && error?.exitCode == 3)
        held.release()
        #expect(try traffic.index(IndexPassOptions(maxDurationUs: 30_000)).isCaughtUp)
    }

    @Test func readerSeesWhatAWriterCommitsMeanwhile() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 22, count: 4), perBatch: 2)
        let writer = try traffic.store()
        let reader = try FactStore.open(path: traffic.paths.index, mode: .readOnly)
        #expect(try reader.count() == 0)
        let counts = Mutex<[Int64]>([])
        _ = try traffic.pass(writer).run(IndexPassOptions(maxDurationUs: 60_000_000)) { _ in
            counts.withLock { $0.append((try? reader.count()) ?? -1) }
        }
        #expect(counts.withLock { $0 } == [2, 4])
        #expect(throws: FactStoreError.self) { try reader.commit(facts: [], checkpoint: Checkpoint(segment: "x", offset: 1)) }
    }

    @Test func pathThatCannotBeLockedIsBadUsage() throws {
        let error = #expect(throws: IndexingError.self) { try IndexLock(path: "/nonexistent/index.lock").acquire(waitUs: 1_000) }
        #expect(error?.code == .lockUnusable && error?.exitCode == 2)
    }

    @Test func passThatRunsOutOfTimeGoesOnLater() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 20, count: 9), perBatch: 3)
        let report = try traffic.index(IndexPassOptions(maxDurationUs: 0))
        #expect(!report.isCaughtUp && report.batches == 1 && report.exitCode == 3)
        #expect(try traffic.index().facts == 6)
    }

    @Test func twoIndexersTogetherGiveEveryFactOnce() async throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 21, count: 400)
        try traffic.write(records, perBatch: 2)
        let reports = try await withThrowingTaskGroup(of: IndexReport.self) { group in
            for isYielding in [true, true, false] {
                group.addTask { try traffic.index(IndexPassOptions(maxDurationUs: 120_000_000, isYielding: isYielding)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(reports.reduce(0) { $0 + $1.facts } == 400)
        #expect(reports.reduce(0) { $0 + $1.duplicates } == 0)
        #expect(!reports.contains { !$0.isCaughtUp })
        #expect(try traffic.store().count() == 400)
    }
}

@Suite struct FactBuilderTests {
    private func fact(_ change: (inout ExchangeRecord, inout ExchangeReading) -> Void) -> ExchangeFact {
        var record = Traffic.records(seed: 30, count: 1)[0]
        var reading = ExchangeReading()
        change(&record, &reading)
        var fact = ExchangeFact(head: .blank, location: PayloadLocation(segment: "s", frame: 0, offset: 0))
        FactBuilder.fill(&fact, from: &record, reading: reading)
        return fact
    }

    @Test func overheadIsTheTimeBeforeUpstreamHasTheRequest() {
        func overhead(_ received: Int64?, _ sent: Int64?) -> Int64? {
            fact { record, _ in
                record.head.requestReceivedUs = received
                record.head.upstreamSentUs = sent
                record.attempts = []
            }.overheadUs
        }
        #expect(overhead(100, 350) == 250)
        #expect(overhead(350, 100) == 0)
        #expect(overhead(nil, 100) == nil && overhead(100, nil) == nil)
        #expect(overhead(Int64.min, Int64.max) == nil)
    }

    @Test func waitingForProvidersIsNoOverhead() {
        func attempt(_ started: Int64, connected: Int64?, ended: Int64?) -> Attempt {
            var attempt = Attempt(n: 1, startedUs: started)
            (attempt.connectedUs, attempt.endedUs) = (connected, ended)
            return attempt
        }
        func overhead(_ attempts: [Attempt]) -> Int64? {
            fact { record, _ in
                (record.head.requestReceivedUs, record.head.upstreamSentUs) = (100, 1_000)
                record.attempts = attempts
            }.overheadUs
        }
        #expect(overhead([attempt(150, connected: 750, ended: 5_000)]) == 300, "connecting")
        #expect(overhead([attempt(50, connected: 60, ended: 5_000)]) == 900, "connected before the request was whole")
        #expect(overhead([attempt(50, connected: 300, ended: nil)]) == 700, "in part")
        #expect(
            overhead([
                attempt(110, connected: 120, ended: 400), attempt(450, connected: nil, ended: 500),
                attempt(600, connected: 800, ended: 9_000),
            ]) == 360, "failed attempts as a whole")
        let same = attempt(110, connected: 900, ended: nil)
        #expect(overhead([same, same]) == 110, "each moment once")
        #expect(overhead([attempt(2_000, connected: 3_000, ended: 4_000)]) == 900, "after it was sent")
    }

    @Test func countsThatCannotBeAreUnknown() {
        let fact = fact { _, reading in
            reading.usage.inputTotal = -1
            reading.usage.outputTotal = Int64.max
            reading.usage.inputCached = 0
            reading.toolCalls = 3
            reading.tokensPerSecond = .infinity
            reading.reportedCostNanousd = 77
        }
        #expect(
            fact.reading.usage.inputTotal == nil && fact.reading.usage.outputTotal == nil && fact.reading.usage.inputCached == 0)
        #expect(fact.reading.toolCalls == 3 && fact.reading.tokensPerSecond == nil)
        #expect(fact.cost.reportedNanousd == 77 && fact.cost.totalNanousd == nil)
    }
}
