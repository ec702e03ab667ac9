// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactStore
import Foundation
import Indexing
import Platform
import SegmentLog
import Testing

/// What keeping segments does where something is in the way: holds, deaths, damage, missing keys, full disks.
@Suite struct SegmentTroubleTests {
    private static let user2 = Erasure(.metadata(name: "user", value: "2"), atUs: Int64.max)

    private static func isUser2(_ record: ExchangeRecord) -> Bool {
        record.head.attribution.metadata.contains { $0.name == "user" && $0.value == "2" }
    }

    private static func written(_ seed: UInt64, _ count: Int = 40) throws -> (traffic: Traffic, records: [ExchangeRecord]) {
        let traffic = try Traffic()
        let records = Traffic.records(seed: seed, count: count)
        try traffic.write(records.map { $0 }, perBatch: 7)
        try traffic.index()
        return (traffic, records)
    }

    private static func names(_ traffic: Traffic) throws -> [String] { try traffic.files.list(traffic.paths.segments) }

    private static func path(_ traffic: Traffic, _ name: SegmentName) -> String { "\(traffic.paths.segments)/\(name)" }

    private static func change(_ path: String, at place: Int) throws {
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[place] ^= 0x41
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    /// Every fact that a new index would have is there, and none more.
    private static func rebuildsEqual(_ traffic: Traffic, _ comment: Comment) throws {
        let before = try traffic.dump()
        traffic.removeIndex()
        try traffic.index()
        #expect(try traffic.dump() == before, comment)
    }

    @Test func aHoldOnAHotSegmentKeepsItWhole() throws {
        let (traffic, records) = try Self.written(11)
        let hot = try #require(try traffic.segments().first)
        try traffic.directory.set(SegmentHold(reason: "case 7", atUs: 5), on: hot.stem)
        let report = try traffic.keeper(traffic.store()).erase([Self.user2])
        #expect(report.erased == 0 && report.erasedFacts == 0 && report.sealed == 1)
        #expect(report.held == (try traffic.segments().map(\.name)))
        #expect(try traffic.fetched().count == records.count)
        try traffic.directory.liftHold(on: hot.stem)
        let after = try traffic.keeper(traffic.store()).erase()
        #expect(after.erased == UInt64(records.count(where: Self.isUser2)) && after.held.isEmpty)
        #expect(try traffic.fetched().allSatisfy { !Self.isUser2($0) })
    }

    /// The process dies when the generation without the erased records is published and the index has not followed.
    @Test func anErasureThatWasCutOffLeavesTheIndexToo() throws {
        let (traffic, records) = try Self.written(12)
        try traffic.seal()
        let file = try #require(try traffic.segments().first)
        let gone = records[5].head.id
        var erasures = try Erasures(of: traffic.directory)
        try erasures.append([Erasure(.exchange(gone), atUs: Int64.max)], in: traffic.directory)
        let sealing = SegmentSealing(directory: traffic.directory, clock: SystemClock())
        let draft = try #require(
            try sealing.draft(of: file) { line in
                line.text.contains(gone.description) ? nil : SegmentLineTraits(startedAtUs: 1, order: 0..<line.count)
            })
        try draft.writeFacts({ nil }, sums: { ([:], nil) })
        try draft.publish()
        #expect(try traffic.store().fact(gone) != nil)
        let report = try traffic.keeper(traffic.store()).erase()
        #expect(report.failures.isEmpty, "\(report.failures)")
        #expect(try traffic.store().fact(gone) == nil)
        #expect(try traffic.store().count() == 39)
        #expect(try Self.names(traffic).allSatisfy { !$0.contains(".1.") })
    }

    @Test func leftoversOfEarlierGenerationsGo() throws {
        let (traffic, records) = try Self.written(13)
        try traffic.seal()
        let first = try #require(try traffic.segments().first).fileName
        var kept: [String: Data] = [:]
        for part in [SegmentName.Part.facts, .manifest] {
            let path = Self.path(traffic, first.with(part))
            kept[path] = FileManager.default.contents(atPath: path)
        }
        func putBack() throws { for (path, bytes) in kept { try bytes.write(to: URL(fileURLWithPath: path)) } }
        // Died between removing the records of generation 1 and its facts.
        #expect(try traffic.erase([.exchange(records[1].head.id)]).erased == 1)
        try putBack()
        try traffic.seal()
        #expect(try Self.names(traffic).allSatisfy { !$0.contains(".1.") })
        // The same where the records expired: only facts are written anew.
        var policy = RetentionPolicy()
        policy.ageUs = 0
        _ = try traffic.keeper(traffic.store()).retain(policy)
        let second = SegmentName(first.stem, generation: 2, .facts)
        kept = [:]
        for part in [SegmentName.Part.facts, .manifest] {
            kept[Self.path(traffic, second.with(part))] = FileManager.default.contents(
                atPath: Self.path(traffic, second.with(part)))
        }
        #expect(try traffic.erase([.exchange(records[2].head.id)]).erased == 1)
        try putBack()
        try traffic.seal()
        #expect(try Self.names(traffic).allSatisfy { !$0.contains(".2.") })
        #expect(try traffic.store().count() == 38)
        try Self.rebuildsEqual(traffic, "facts only")
    }

    @Test func factsOutliveTheDamageOfTheirRecords() throws {
        let (traffic, records) = try Self.written(14)
        try traffic.seal()
        let file = try #require(try traffic.segments().first)
        try Self.change(file.path, at: Int(file.size / 2))
        let before = try traffic.dump()
        let (report, _) = try traffic.keeper(traffic.store()).repair()
        #expect(report.rewritten == 1 && report.failures.isEmpty, "\(report)")
        let mended = try #require(try traffic.segments().first)
        let manifest = try traffic.directory.manifest(of: mended)
        #expect(manifest.facts?.lines == UInt64(records.count) && manifest.records.lines < UInt64(records.count))
        #expect(try traffic.dump() == before)
        try Self.rebuildsEqual(traffic, "after repair")
        // A fact without a record is erased like any other, also from the sidecar.
        var lost: ExchangeID?
        try traffic.store().forEachFact { if $0.location.frame < 0 { lost = $0.head.id } }
        let erased = try traffic.erase([.exchange(try #require(lost))])
        #expect(erased.erased == 1 && erased.failures.isEmpty, "\(erased)")
        #expect(try traffic.store().count() == Int64(records.count - 1))
        try Self.rebuildsEqual(traffic, "after erasure")
    }

    /// The index was built anew after the damage: what it lacks is in the old sidecar.
    @Test func aSidecarGivesBackWhatTheIndexLost() throws {
        let (traffic, records) = try Self.written(15)
        try traffic.seal()
        let before = try traffic.dump()
        let file = try #require(try traffic.segments().first)
        try Self.change(file.path, at: Int(file.size / 2))
        traffic.removeIndex()
        try traffic.index()
        #expect(try traffic.store().count() < Int64(records.count))
        #expect(try traffic.keeper(traffic.store()).repair().report.failures.isEmpty)
        traffic.removeIndex()
        try traffic.index()
        #expect(try traffic.dump() == before)
    }

    /// A sidecar with facts that no record gives is damaged: the index goes on without them, and repair makes it anew.
    @Test func aDamagedSidecarStopsNeitherIndexNorRepair() throws {
        let (traffic, records) = try Self.written(24)
        try traffic.seal()
        let first = try #require(try traffic.segments().first)
        try Self.change(first.path, at: Int(first.size / 2))
        #expect(try traffic.keeper(traffic.store()).repair().report.failures.isEmpty)
        let file = try #require(try traffic.segments().first)
        let facts = Self.path(traffic, file.fileName.with(.facts))
        try Self.change(facts, at: 200)
        traffic.removeIndex()
        let report = try traffic.index()
        #expect(report.isCaughtUp && report.unreadable == [file.fileName.with(.facts).description])
        #expect(try traffic.store().count() < Int64(records.count))
        #expect(try traffic.index().segments == 0)
        let (repaired, _) = try traffic.keeper(traffic.store()).repair()
        #expect(repaired.rewritten == 1 && repaired.waiting == 0 && repaired.failures.isEmpty, "\(repaired)")
        let mended = try #require(try traffic.segments().first)
        #expect(SegmentVerify.hasSoundFacts(mended, in: traffic.directory))
        try Self.rebuildsEqual(traffic, "after repair")
    }

    /// A batch was written to two segments because a sync failed, and its first copy is lost.
    @Test func theSecondCopyOfARecordTakesOver() throws {
        let (traffic, records) = try Self.written(16, 14)
        let first = try #require(try traffic.segments().first)
        try traffic.write(Array(records[..<7]), perBatch: 7, node: "n2")
        try traffic.index()
        try Self.change(first.path, at: 200)
        try traffic.seal()
        #expect(try traffic.fetched().count == 14)
        try Self.rebuildsEqual(traffic, "sealed")
        var policy = RetentionPolicy()
        policy.ageUs = 0
        _ = try traffic.keeper(traffic.store()).retain(policy)
        try Self.rebuildsEqual(traffic, "expired")
        #expect(try traffic.store().count() == 14)
    }

    /// The power went after the index had read what was not on the disk yet; recovery wrote it again.
    @Test func whatTheLogLostIsFoundWhereItWasWrittenAgain() throws {
        let (traffic, records) = try Self.written(17, 14)
        let first = try #require(try traffic.segments().first)
        let second = try Self.offsets(traffic, first)[1]
        try traffic.files.truncate(first.path, to: second)
        try traffic.write(Array(records[7...]), perBatch: 7, node: "n2")
        try traffic.index()
        #expect(try traffic.fetched().count == 14)
        try traffic.seal()
        #expect(try traffic.fetched().count == 14)
        try Self.rebuildsEqual(traffic, "sealed")
    }

    private static func offsets(_ traffic: Traffic, _ file: SegmentFile) throws -> [Int64] {
        let reader = try traffic.directory.reader(of: file)
        var offsets: [Int64] = []
        while case .batch(let batch) = try reader.next(after: offsets.last ?? 0) {
            if offsets.isEmpty { offsets.append(0) }
            offsets.append(batch.next)
        }
        return offsets
    }

    @Test func retentionMakesTheIndexForgetAndWaitsForFacts() throws {
        let (traffic, _) = try Self.written(18, 20)
        try traffic.seal()
        let file = try #require(try traffic.segments().first)
        let factsPath = Self.path(traffic, file.fileName.with(.facts))
        let facts = try #require(FileManager.default.contents(atPath: factsPath))
        try FileManager.default.removeItem(atPath: factsPath)
        var policy = RetentionPolicy()
        policy.ageUs = 0
        let refused = try traffic.keeper(traffic.store()).retain(policy)
        #expect(refused.plan.unreadable == [file.name] && refused.plan.files.isEmpty)
        // The index has them: they are written anew.
        #expect(try traffic.keeper(traffic.store()).repair().report.rewritten == 1)
        let mended = try #require(try traffic.segments().first)
        let again = try traffic.directory.manifest(of: mended).facts
        #expect(again?.lines == 20 && again?.rawBytes ?? 0 > 0 && facts.count > 0)
        policy.factsAgeUs = 0
        let done = try traffic.keeper(traffic.store()).retain(policy)
        #expect(done.forgotten == 20 && done.plan.files.count == 3)
        #expect(try traffic.store().count() == 0)
        #expect(try traffic.index().facts == 0)
    }

    @Test func whatCannotBeSearchedDoesNotStopAnErasure() throws {
        let traffic = try Traffic()
        let first = try #require(SegmentKey([UInt8](repeating: 1, count: SegmentKey.bytes)))
        let second = try #require(SegmentKey([UInt8](repeating: 2, count: SegmentKey.bytes)))
        func keeper(_ keys: [SegmentKey]) throws -> (SegmentDirectory, SegmentKeeper) {
            let directory = SegmentDirectory(
                files: traffic.files, path: traffic.paths.segments, keys: SegmentKeys(keys))
            let keeper = SegmentKeeper(
                store: try traffic.store(), directory: directory, lock: IndexLock(path: traffic.paths.lock))
            return (directory, keeper)
        }
        for (i, key) in [first, second].enumerated() {
            try traffic.write(Traffic.records(seed: UInt64(19 + i), count: 20).map { $0 }, perBatch: 7, node: "n\(i)")
            try traffic.index()
            #expect(try keeper([key]).1.seal().sealed == 1)
        }
        let (_, one) = try keeper([second])
        let report = try one.erase([Self.user2])
        #expect(report.failures.count == 1 && report.failures[0].contains("key"), "\(report)")
        #expect(report.rewritten == 1 && report.erased > 0)
        // The fact of what could not be searched goes from the index all the same.
        #expect(report.erasedFacts > 0)
        var left = 0
        try traffic.store().forEachFact { if Self.isUser2(ExchangeRecord(head: $0.head)) { left += 1 } }
        #expect(left == 0)
    }

    /// The twin cannot be read, for want of its key or for damage: the hot file stays, and others are sealed all the same.
    @Test(arguments: [false, true]) func nothingIsRemovedForATwinThatCannotBeRead(isDamaged: Bool) throws {
        let (traffic, records) = try Self.written(21, 12)
        let hot = try #require(try traffic.segments().first)
        let keys = isDamaged ? SegmentKeys.none : SegmentKeys([try #require(SegmentKey([UInt8](repeating: 3, count: 32)))])
        let locked = SegmentDirectory(files: traffic.files, path: traffic.paths.segments, keys: keys)
        let sealing = SegmentSealing(directory: locked, clock: SystemClock())
        let draft = try #require(try sealing.draft(of: hot) { SegmentLineTraits(startedAtUs: 0, order: 0..<$0.count) })
        try draft.writeFacts({ nil }, sums: { ([:], nil) })
        try draft.publish()
        let twin = try #require(try traffic.segments().first)
        if isDamaged { try Self.change(twin.path, at: 200) }
        try traffic.write(Traffic.records(seed: 22, count: 5).map { $0 }, perBatch: 7, node: "n2")
        try traffic.index()
        let report = try traffic.seal()
        #expect(report.failures.count == 1 && report.sealed == 1, "\(report)")
        #expect(try Self.names(traffic).contains(hot.name))
        let record = try #require(traffic.directory.file(named: hot.name))
        #expect(SegmentVerify.verify(record, in: traffic.directory).records == UInt64(records.count))
        #expect(try traffic.keeper(traffic.store()).repair().report.failures.count == 1)
        #expect(try Self.names(traffic).contains(hot.name))
    }

    /// A hot file that was left behind, and the manifest of its twin damaged: repair mends it, and keeping goes on.
    @Test func repairMendsAManifestBesideALeftover() throws {
        let (traffic, records) = try Self.written(23, 12)
        let hot = try #require(try traffic.segments().first)
        let bytes = try #require(FileManager.default.contents(atPath: hot.path))
        try traffic.seal()
        try bytes.write(to: URL(fileURLWithPath: hot.path))
        let sealed = try #require(try traffic.segments().first)
        try Self.change(Self.path(traffic, sealed.fileName.with(.manifest)), at: 30)
        let (report, manifests) = try traffic.keeper(traffic.store()).repair()
        #expect(manifests.count == 1 && report.failures.isEmpty, "\(report)")
        #expect(try !Self.names(traffic).contains(hot.name))
        #expect(try traffic.fetched().count == records.count)
    }
}
