// SPDX-License-Identifier: Apache-2.0
import Answers
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import Indexing
import Platform
import SegmentLog
import Testing

/// Segments in memory, where every operation can fail, and an index on the disk.
private struct StepBench {
    let scratch: ScratchDirectory
    let files = MemoryFileSystem(seed: 5)
    let paths: IndexPaths
    var directory: SegmentDirectory { SegmentDirectory(files: files, path: "/log") }

    static let records = Traffic.records(seed: 31, count: 9)
    static let erasures = [
        Erasure(.exchange(records[1].head.id), atUs: Int64.max), Erasure(.metadata(name: "user", value: "2"), atUs: Int64.max),
    ]
    static func isGone(_ record: ExchangeRecord) -> Bool {
        record.head.id == records[1].head.id
            || record.head.attribution.metadata.contains { $0.name == "user" && $0.value == "2" }
    }

    init() throws {
        scratch = try ScratchDirectory()
        paths = IndexPaths(dataDirectory: scratch.path)
        let writer = try SegmentWriter(directory: "/log", node: "n1", files: files, clock: SystemClock())
        for (i, record) in Self.records.enumerated() {
            try writer.append(record.encodedLine(), startedAtUs: record.head.startedAtUs)
            if i % 4 == 3 { try writer.flush() }
        }
        try writer.close()
        try index()
    }

    func index() throws {
        let pass = IndexPass(
            store: try store(), directory: directory, lock: IndexLock(path: paths.lock), reading: Traffic.reading)
        _ = try pass.run(IndexPassOptions(maxDurationUs: 60_000_000))
    }

    func store() throws -> FactStore { try paths.openForWriting(waitUs: 60_000_000) }

    func keeper() throws -> SegmentKeeper {
        SegmentKeeper(store: try store(), directory: directory, lock: IndexLock(path: paths.lock))
    }

    func dump() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try Answers.writeDump(store: FactStore.open(path: paths.index, mode: .readOnly)) { bytes += $0 }
        return bytes
    }

    /// The exchanges whose facts lie in sidecars, and those whose records lie in segments; the price versions in the sidecars.
    func inFiles() throws -> (facts: Set<ExchangeID>, records: Set<ExchangeID>, versions: Set<String?>) {
        var facts: Set<ExchangeID> = []
        var versions: Set<String?> = []
        var records: Set<ExchangeID> = []
        for name in try files.list("/log").compactMap({ SegmentName(fileName: $0) })
        where name.part == .facts || name.part == .records {
            var rest = try SealedLines(try #require(directory.file(named: name.description)), in: directory)
            while let lines = try rest.next() {
                for line in lines {
                    if name.part == .facts {
                        let fact = try ExchangeFact(line: line)
                        facts.insert(fact.head.id)
                        versions.insert(fact.priceVersion)
                    }
                    if name.part == .records { records.insert(try ExchangeRecord(line: line).head.id) }
                }
            }
        }
        return (facts, records, versions)
    }
}

/// At whatever operation the disk fails or the power goes while segments are sealed, erased from or removed: the next run finishes it.
@Suite struct SegmentStepTests {
    enum Work: CaseIterable {
        case sealing, erasingHot, erasingSealed, erasingExpired, repricing, repricingExpired

        var beginsSealed: Bool { self != .sealing && self != .erasingHot }
        var beginsExpired: Bool { self == .erasingExpired || self == .repricingExpired }
        var erases: Bool { self == .erasingHot || self == .erasingSealed || self == .erasingExpired }
        var reprices: Bool { self == .repricing || self == .repricingExpired }
    }

    private static func prepare(_ work: Work, _ bench: StepBench) throws {
        guard work.beginsSealed else { return }
        _ = try bench.keeper().seal()
        if work.beginsExpired {
            var policy = RetentionPolicy()
            policy.ageUs = 0
            _ = try bench.keeper().retain(policy)
        }
        if work.reprices { _ = try bench.store().reprice(sinceUs: nil, untilUs: nil, price: Traffic.dearer) }
    }

    private static func run(_ work: Work, _ keeper: SegmentKeeper) throws -> KeepingReport {
        if work.reprices { return try keeper.repriceFacts(sinceUs: nil, untilUs: nil) }
        return work == .sealing ? try keeper.seal() : try keeper.erase(StepBench.erasures)
    }

    @Test(arguments: Work.allCases, [false, true]) func isFinishedByTheNextRun(work: Work, withPowerCut: Bool) throws {
        // A power cut at a reading is a power cut at the writing before it.
        let readings: [FileOperation] = withPowerCut ? [] : [.open, .read]
        for operation in [FileOperation.write, .sync, .syncDirectory, .rename, .link, .unlink] + readings {
            var nth = 0
            while true {
                nth += 1
                let bench = try StepBench()
                try Self.prepare(work, bench)
                let before = bench.files.count(of: operation)
                bench.files.fail(operation, nth: nth, errno: 5)
                let first = Result { try Self.run(work, bench.keeper()) }
                let isReached = bench.files.count(of: operation) - before >= nth
                bench.files.clearFaults()
                if withPowerCut { bench.files.powerCut(tornTail: true) }
                try bench.index()
                let comment = "\(work) \(operation) \(nth) \(first)"
                let again = try Self.run(work, bench.keeper())
                #expect(again.failures.isEmpty, "\(comment): \(again)")
                try Self.check(work, bench, comment, rebuilding: withPowerCut)
                guard isReached else { break }
                try #require(nth < 200)
            }
            #expect(nth > 1 || [.link, .unlink, .read].contains(operation), "\(operation) was never asked for")
        }
    }

    private static func check(_ work: Work, _ bench: StepBench, _ comment: String, rebuilding: Bool) throws {
        let kept = Set(StepBench.records.filter { !work.erases || !StepBench.isGone($0) }.map(\.head.id))
        let there = try bench.inFiles()
        #expect(there.facts == kept, "\(comment)")
        #expect(there.records == (work.beginsExpired ? [] : kept), "\(comment)")
        if work.reprices { #expect(there.versions == ["dearer"], "\(comment)") }
        var indexed: Set<ExchangeID> = []
        let reader = SegmentRecordReader(directory: bench.directory)
        try bench.store().forEachFact { fact in
            indexed.insert(fact.head.id)
            guard !work.beginsExpired else { return }
            let place = fact.location
            let line = try reader.record(segment: place.segment, frame: place.frame, offset: Int(place.offset))
            #expect(try ExchangeRecord(line: line).head.id == fact.head.id, "\(comment)")
        }
        #expect(indexed == kept, "\(comment)")
        let names = try bench.files.list("/log")
        #expect(names.allSatisfy { !$0.hasSuffix(".tmp") && !$0.hasSuffix(".hot") }, "\(comment): \(names)")
        #expect(names.count { $0.hasSuffix(".manifest.json") } == 1, "\(comment): \(names)")
        // A new index says the same; what has records is priced anew.
        guard rebuilding, work != .repricing else { return }
        let before = try bench.dump()
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: bench.paths.index + suffix) }
        try bench.index()
        #expect(try bench.dump() == before, "\(comment)")
    }

    /// A disk that fills while a segment is written anew has as much room afterwards as before.
    @Test func whatDidNotFitLeavesNothingBehind() throws {
        let bench = try StepBench()
        let names = try bench.files.list("/log")
        bench.files.fail(.write, nth: 2, errno: 28)
        let report = try bench.keeper().seal()
        #expect(report.failures.count == 1 && report.sealed == 0)
        let after = try bench.files.list("/log").filter { $0 != "seal.lock" }
        #expect(after == names.filter { $0 != "seal.lock" })
        bench.files.clearFaults()
        // And it is not even begun where the room would not do.
        bench.files.setCapacity(1)
        let full = try bench.keeper().seal()
        #expect(full.failures.count == 1 && full.failures[0].contains("fewer than twice"), "\(full)")
        bench.files.setCapacity(nil)
        #expect(try bench.keeper().seal().sealed == 1)
    }
}
