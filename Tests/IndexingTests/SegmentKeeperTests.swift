// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactSamples
import FactStore
import Indexing
import Platform
import SegmentLog
import Testing

extension Traffic {
    var directory: SegmentDirectory { SegmentDirectory(files: files, path: paths.segments) }

    func keeper(_ store: FactStore) -> SegmentKeeper {
        SegmentKeeper(store: store, directory: directory, lock: IndexLock(path: paths.lock))
    }

    @discardableResult
    func seal() throws -> KeepingReport { try keeper(store()).seal() }

    /// Every fact's record, fetched by the place that the fact remembers, by id.
    func fetched() throws -> [ExchangeRecord] {
        let reader = SegmentRecordReader(directory: directory)
        var found: [ExchangeRecord] = []
        try store().forEachFact { fact in
            let line = try reader.record(
                segment: fact.location.segment, frame: fact.location.frame, offset: Int(fact.location.offset))
            let record = try ExchangeRecord(line: line)
            #expect(record.head.id == fact.head.id)
            found.append(record)
        }
        return found.sorted { $0.head.id < $1.head.id }
    }

    /// A price that no fact of the traffic had before.
    static func dearer(_ fact: ExchangeFact) -> FactPrice? {
        var cost = CostBreakdown()
        cost.inputNanousd = 7 + fact.requestBodyBytes
        cost.totalNanousd = cost.inputNanousd
        return FactPrice(cost: cost, version: "dearer")
    }

    func erase(_ targets: [Erasure.Target]) throws -> KeepingReport {
        try keeper(store()).erase(targets.map { Erasure($0, atUs: Int64.max) })
    }
}

@Suite struct SegmentKeeperTests {
    private static func byID(_ records: [ExchangeRecord]) -> [ExchangeRecord] {
        records.sorted { $0.head.id < $1.head.id }
    }

    @Test func sealsWhatIsIndexedAndTheIndexFollows() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 31, count: 90)
        try traffic.write(records.map { $0 }, perBatch: 7)
        #expect(
            try traffic.seal()
                == {
                    var none = KeepingReport(); none.waiting = 1; return none
                }())
        try traffic.index()
        let before = try traffic.dump()
        let report = try traffic.seal()
        #expect(report.sealed == 1 && report.records == 90 && report.failures.isEmpty && report.isFinished)
        let file = try #require(try traffic.segments().first)
        #expect(try traffic.segments().count == 1 && file.isSealed)
        #expect(try traffic.fetched() == Self.byID(records))
        #expect(try traffic.dump() == before)
        // Nothing is read again, and nothing sealed again.
        #expect(try traffic.index().batches == 0)
        #expect(try traffic.seal() == KeepingReport())
    }

    @Test func rebuildFromSealedSegmentsGivesTheSameDump() throws {
        let traffic = try Traffic()
        for part in 0..<3 { try traffic.write(Traffic.records(seed: UInt64(40 + part), count: 30), perBatch: 9) }
        try traffic.index()
        let before = try traffic.dump()
        try traffic.seal()
        traffic.removeIndex()
        #expect(try traffic.index().isCaughtUp)
        #expect(try traffic.dump() == before)
        #expect(try traffic.fetched().count == 90)
    }

    @Test func factsOutliveTheirPayloads() throws {
        let traffic = try Traffic()
        for part in 0..<2 { try traffic.write(Traffic.records(seed: UInt64(50 + part), count: 25), perBatch: 9) }
        try traffic.index()
        let before = try traffic.dump()
        try traffic.seal()
        let manifests = try traffic.segments().map { try traffic.directory.manifest(of: $0) }
        #expect(manifests.map { $0.facts?.lines } == [25, 25])
        var policy = RetentionPolicy()
        policy.bytes = 0
        let plan = try SegmentRetention.plan(policy, in: traffic.directory, nowUs: SystemClock().wallUs)
        #expect(plan.segments == 2 && plan.held.isEmpty && plan.files.count == 2)
        try SegmentRetention.apply(plan, in: traffic.directory)
        #expect(try traffic.segments().isEmpty && traffic.directory.expired().count == 2)
        traffic.removeIndex()
        let report = try traffic.index()
        #expect(report.facts == 50 && report.isCaughtUp && report.unreadable.isEmpty)
        #expect(try traffic.dump() == before)
        #expect(try traffic.index().segments == 0)
        let reader = SegmentRecordReader(directory: traffic.directory)
        try traffic.store().forEachFact { fact in
            #expect { _ = try reader.record(segment: fact.location.segment, frame: fact.location.frame, offset: 0) } throws: {
                ($0 as? SegmentError)?.code == .recordNotFound
            }
        }
    }

    @Test func sumsOfTheManifestAreThoseOfTheFacts() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 61, count: 60)
        try traffic.write(records.map { $0 }, perBatch: 11)
        try traffic.index()
        try traffic.seal()
        let manifest = try traffic.directory.manifest(of: try #require(try traffic.segments().first))
        let requestBytes = records.reduce(0) { $0 + $1.requestBody.wireByteCount }
        #expect(manifest.sums["request_body_bytes"] == requestBytes)
        #expect(manifest.sums["duration_us"] == records.reduce(0) { $0 + ($1.head.endedUs ?? 0) })
        let inputs = records.reduce(Int64(0)) { $0 + (Traffic.reading($1).usage.inputTotal ?? 0) }
        #expect(manifest.sums["usage.input_total"] == inputs)
        #expect(manifest.minStartedAtUs == records.map(\.head.startedAtUs).min())
        #expect(manifest.maxStartedAtUs == records.map(\.head.startedAtUs).max())
    }

    @Test func erasesByExchangeAndByMetadataEverywhere() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 71, count: 80)
        try traffic.write(Array(records[..<40]), perBatch: 7)
        try traffic.write(Array(records[40...]), perBatch: 7)
        try traffic.index()
        let gone = records[5].head.id
        func isGone(_ record: ExchangeRecord) -> Bool {
            record.head.id == gone || record.head.attribution.metadata.contains { $0.name == "user" && $0.value == "2" }
        }
        let report = try traffic.erase([.exchange(gone), .metadata(name: "user", value: "2")])
        let kept = records.filter { !isGone($0) }
        #expect(kept.count < 79 && report.erased == UInt64(80 - kept.count) && report.failures.isEmpty, "\(report)")
        #expect(try traffic.fetched() == Self.byID(kept))
        // In no file, and in no index that is built again.
        traffic.removeIndex()
        try traffic.index()
        #expect(try traffic.fetched() == Self.byID(kept))
        for file in try traffic.segments() {
            let facts = SegmentFile(
                name: file.fileName.with(.facts), path: "\(traffic.paths.segments)/\(file.fileName.with(.facts))", size: 0)
            var rest = try SealedLines(facts, in: traffic.directory)
            while let lines = try rest.next() {
                for line in lines { #expect(try !isGone(ExchangeRecord(head: ExchangeFact(line: line).head))) }
            }
        }
        // What comes later with the same mark is erased when it is sealed; a second erasure finds nothing.
        #expect(try traffic.keeper(traffic.store()).erase().erased == 0)
        try traffic.write(Array(records[..<40]), perBatch: 7, node: "n2")
        try traffic.index()
        try traffic.seal()
        #expect(try traffic.fetched() == Self.byID(kept))
    }

    @Test func erasesFromTheFactsOfPayloadsThatAreGone() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 81, count: 30)
        try traffic.write(records.map { $0 }, perBatch: 7)
        try traffic.index()
        try traffic.seal()
        var policy = RetentionPolicy()
        policy.ageUs = 0
        try SegmentRetention.apply(
            SegmentRetention.plan(policy, in: traffic.directory, nowUs: Int64.max), in: traffic.directory)
        let report = try traffic.erase([.exchange(records[3].head.id)])
        #expect(report.erased == 1 && report.failures.isEmpty)
        #expect(try traffic.store().count() == 29)
        traffic.removeIndex()
        #expect(try traffic.index().facts == 29)
    }

    @Test func sidecarsFollowARepricing() throws {
        let traffic = try Traffic()
        let parts = (0..<3).map { Traffic.records(seed: UInt64(300 + $0), count: 20) }
        for part in parts { try traffic.write(part.map { $0 }, perBatch: 9) }
        try traffic.index()
        try traffic.seal()
        let before = try traffic.segments().map { try traffic.directory.manifest(of: $0) }
        let held = try traffic.segments()[2]
        try traffic.directory.set(SegmentHold(reason: "case 8", atUs: 5), on: held.stem)
        let store = try traffic.store()
        #expect(try store.reprice(sinceUs: nil, untilUs: nil, price: Traffic.dearer).changed == 60)
        let keeper = traffic.keeper(store)
        // None begins in the range.
        #expect(try keeper.repriceFacts(sinceUs: Int64.max, untilUs: nil) == KeepingReport())
        #expect(try keeper.repriceFacts(sinceUs: nil, untilUs: 0) == KeepingReport())
        let report = try keeper.repriceFacts(sinceUs: nil, untilUs: nil)
        #expect(report.rewritten == 2 && report.held == [held.name] && report.failures.isEmpty && report.isFinished, "\(report)")
        let again = try keeper.repriceFacts(sinceUs: nil, untilUs: nil)
        #expect(again.rewritten == 0 && again.held == [held.name])
        let after = try traffic.segments().map { try traffic.directory.manifest(of: $0) }
        #expect(after.map(\.generation) == [2, 2, 1] && after.map(\.records.sha256) == before.map(\.records.sha256))
        for (manifest, records) in zip(after, parts).prefix(2) {
            let cost = records.reduce(Int64(0)) { $0 + 7 + $1.requestBody.wireByteCount }
            #expect(manifest.sums["cost.total_nanousd"] == cost && manifest.facts?.lines == 20)
        }
        #expect(try traffic.segments().allSatisfy { SegmentVerify.hasSoundFacts($0, in: traffic.directory) })
        #expect(try traffic.fetched() == Self.byID(parts.flatMap { $0 }))
        // Once payloads have expired the sidecars are the source.
        try traffic.directory.liftHold(on: held.stem)
        #expect(try keeper.repriceFacts(sinceUs: nil, untilUs: nil).rewritten == 1)
        let dump = try traffic.dump()
        var policy = RetentionPolicy()
        policy.bytes = 0
        try SegmentRetention.apply(
            SegmentRetention.plan(policy, in: traffic.directory, nowUs: SystemClock().wallUs), in: traffic.directory)
        traffic.removeIndex()
        #expect(try traffic.index().facts == 60)
        #expect(try traffic.dump() == dump)
    }

    @Test func aRepricingOfSidecarsStopsWhereItIsToldAndWaitsForTheIndex() throws {
        let traffic = try Traffic()
        for seed in [401, 402] as [UInt64] { try traffic.write(Traffic.records(seed: seed, count: 20).map { $0 }, perBatch: 9) }
        try traffic.index()
        try traffic.seal()
        let store = try traffic.store()
        #expect(try store.reprice(sinceUs: nil, untilUs: nil, price: Traffic.dearer).changed == 40)
        let keeper = traffic.keeper(store)
        var looks = 0
        let first = try keeper.repriceFacts(
            sinceUs: nil, untilUs: nil,
            shouldStop: {
                looks += 1
                return looks > 1
            })
        #expect(first.rewritten == 1 && !first.isFinished)
        // A new index that has a segment only in part: facts that are not in it yet would keep their old costs for ever.
        let last = try traffic.segments()[1]
        var facts: [ExchangeFact] = []
        var lines = try SealedLines(traffic.directory.facts(last.fileName.with(.facts)), in: traffic.directory)
        while let some = try lines.next() { facts += try some.map { try ExchangeFact(line: $0) } }
        traffic.removeIndex()
        let part = try traffic.store()
        _ = try part.commit(facts: facts, checkpoint: Checkpoint(segment: last.name, offset: last.size - 1))
        _ = try part.reprice(sinceUs: nil, untilUs: nil, price: Traffic.dearer)
        let waiting = try traffic.keeper(part).repriceFacts(sinceUs: nil, untilUs: nil)
        #expect(waiting.rewritten == 0 && waiting.waiting == 1 && waiting.isFinished)
    }

    @Test func aRepricingOfSidecarsWaitsForWhoSeals() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 403, count: 5).map { $0 }, perBatch: 9)
        try traffic.index()
        try traffic.seal()
        let keeper = traffic.keeper(try traffic.store())
        let held = try #require(try traffic.directory.sealersLock())
        #expect { try keeper.repriceFacts(sinceUs: nil, untilUs: nil, waitUs: 20_000) } throws: {
            ($0 as? IndexingError)?.code == .locked
        }
        var waits = 0
        let report = try keeper.repriceFacts(
            sinceUs: nil, untilUs: nil, waitUs: 60_000_000,
            whileWaiting: {
                waits += 1
                held.release()
            })
        #expect(report == KeepingReport() && waits == 1)
    }

    @Test func aHoldStopsErasureAndRemoval() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 91, count: 20)
        try traffic.write(records.map { $0 }, perBatch: 7)
        try traffic.index()
        try traffic.seal()
        let file = try #require(try traffic.segments().first)
        try traffic.directory.set(SegmentHold(reason: "case 7", atUs: 5), on: file.stem)
        #expect(traffic.directory.hold(of: file.stem) == SegmentHold(reason: "case 7", atUs: 5))
        let report = try traffic.erase([.exchange(records[0].head.id)])
        #expect(report.held == [file.name] && report.erased == 0)
        var policy = RetentionPolicy()
        (policy.ageUs, policy.bytes, policy.factsAgeUs) = (0, 0, 0)
        let plan = try SegmentRetention.plan(policy, in: traffic.directory, nowUs: Int64.max)
        #expect(plan.files.isEmpty && plan.held == [file.name])
        #expect(try traffic.fetched().count == 20)
        try traffic.directory.liftHold(on: file.stem)
        #expect(try traffic.keeper(traffic.store()).erase().erased == 1)
        #expect(try traffic.fetched().count == 19)
    }

    @Test func finishesWhatADeathLeftBehind() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 95, count: 40)
        try traffic.write(records.map { $0 }, perBatch: 7)
        try traffic.index()
        let before = try traffic.dump()
        // Published, and then the process died: hot and sealed are both there, the index points into the hot one.
        let hot = try #require(try traffic.segments().first)
        let sealing = SegmentSealing(directory: traffic.directory, clock: SystemClock())
        let draft = try #require(
            try sealing.draft(of: hot) { SegmentLineTraits(startedAtUs: 0, order: 0..<$0.count) })
        try draft.writeFacts({ nil }, sums: { ([:], nil) })
        try draft.publish()
        #expect(try traffic.segments().map(\.name) == [draft.recordsName])
        #expect(try traffic.fetched() == Self.byID(records))
        // An index pass may meet the twin first; the dump stays the same.
        try traffic.index()
        #expect(try traffic.dump() == before)
        try traffic.seal()
        #expect(try traffic.files.list(traffic.paths.segments).allSatisfy { !$0.hasSuffix(".hot") })
        #expect(try traffic.fetched() == Self.byID(records))
        #expect(try traffic.dump() == before)
        // Or the index went back, by a power cut, to a time before the sealing, and the hot file is gone.
        let file = try #require(try traffic.segments().first)
        try traffic.store().replaceSegment(file.name, by: hot.name, end: hot.size, places: [])
        #expect(throws: SegmentError.self) { try traffic.fetched() }
        try traffic.seal()
        #expect(try traffic.fetched() == Self.byID(records))
    }

    /// As where somebody has taken the lock of its writer away.
    @Test func aSegmentThatGrowsWhileItIsSealedStays() throws {
        let traffic = try Traffic()
        let records = Traffic.records(seed: 96, count: 20)
        try traffic.write(records.map { $0 }, perBatch: 7)
        try traffic.index()
        let hot = try #require(try traffic.segments().first)
        let report = try traffic.keeper(traffic.store()).seal(progress: { file in
            let more = try? traffic.files.open(file.path, .append)
            try? more?.append([0x51])
            more?.close()
        })
        #expect(report.sealed == 0 && report.waiting == 1 && report.failures.isEmpty)
        #expect(try traffic.segments().map(\.name) == [hot.name])
        #expect(try traffic.files.list(traffic.paths.segments).allSatisfy { !$0.contains(".1.") && !$0.hasSuffix(".tmp") })
        #expect(try traffic.fetched() == Self.byID(records))
    }

    @Test func onlyOneSealsAtATime() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 97, count: 5), perBatch: 7)
        try traffic.index()
        let held = try #require(try traffic.directory.sealersLock())
        #expect { try traffic.seal() } throws: { ($0 as? IndexingError)?.code == .locked }
        held.release()
        #expect(try traffic.seal().sealed == 1)
    }

    @Test func damagedErasuresStopSealing() throws {
        let traffic = try Traffic()
        try traffic.write(Traffic.records(seed: 98, count: 5), perBatch: 7)
        try traffic.index()
        try traffic.files.replaceFile("\(traffic.paths.segments)/\(Erasures.fileName)", with: Array("{\"at_us\":1}\n".utf8))
        #expect { try traffic.seal() } throws: { ($0 as? IndexingError)?.code == .erasuresUnreadable }
        #expect(try traffic.segments().allSatisfy { !$0.isSealed })
    }

    @Test func factsReadBackAsTheyWereWritten() throws {
        var samples = SampleFacts(seed: 7)
        for i in 0..<300 {
            var fact = samples.fact(i)
            fact.reading.reportedCostNanousd = fact.cost.reportedNanousd
            var json = JSONWriter()
            fact.write(to: &json)
            #expect(try ExchangeFact(line: json.bytes) == fact)
        }
    }
}
