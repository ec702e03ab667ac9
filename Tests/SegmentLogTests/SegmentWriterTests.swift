// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import TestSupport
import Testing

@testable import SegmentLog

@Suite struct SegmentWriterTests {
    @Test func recordsComeBackAsTheyWentIn() throws {
        for seed in 0..<10 as Range<UInt64> {
            let bench = SegmentBench(seed: seed, shortWrites: true)
            let writer = try bench.writer(node: "Gate Way.1")
            for count in [1, 7, 200, 3] {
                try bench.append(count, to: writer, padding: 200)
                bench.clock.advance(us: 150_000)
                try writer.tick()
            }
            try writer.close()
            #expect(try bench.records() == bench.appended)
            #expect(
                try bench.list().map(\.name) == [SegmentFile.name(node: "gate_way_1", epoch: 1_764_000_000_000_000, sequence: 0)])
            #expect(writer.counters.records == 211 && writer.counters.batches == 4 && writer.counters.lostRecords == 0)
        }
    }

    @Test func batchClosesByAgeAndNotBefore() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        #expect(writer.nextDeadlineUs == nil)
        try bench.append(1, to: writer)
        #expect(writer.nextDeadlineUs == 100_000)
        bench.clock.advance(us: 99_999)
        try writer.tick()
        #expect(try bench.list().isEmpty && writer.writtenRecords == 0)
        bench.clock.advance(us: 1)
        try writer.tick()
        #expect(try bench.list().count == 1 && writer.writtenRecords == 1 && writer.syncedRecords == 0)
        #expect(writer.nextDeadlineUs == 1_100_000)
        bench.clock.advance(us: 1_000_000)
        try writer.tick()
        #expect(writer.syncedRecords == 1 && writer.counters.syncs == 1)
    }

    @Test func batchClosesBySizeAndALargeRecordIsItsOwn() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(3, to: writer, padding: 200_000)
        try bench.append(1, to: writer, padding: 3_000_000)
        try bench.append(1, to: writer)
        try writer.close()
        let file = try #require(try bench.list().first)
        let counts = try SegmentBench.steps(file, bench.files).compactMap { step -> Int? in
            if case .batch(let batch) = step { batch.lineRanges.count } else { nil }
        }
        #expect(counts == [2, 1, 1, 1])
        #expect(try bench.records() == bench.appended)
    }

    @Test func segmentEndsBySizeAgeAndHour() throws {
        let bench = SegmentBench()
        var limits = SegmentLimits()
        limits.segmentBytes = 2_000
        let writer = try bench.writer(limits: limits)
        try bench.append(30, to: writer, padding: 100)
        try writer.flush()
        #expect(writer.segmentName == nil)
        try bench.append(1, to: writer)
        try writer.flush()
        #expect(try bench.list().map(\.sequence) == [0, 1])
        bench.clock.advance(us: limits.segmentAgeUs)
        try writer.tick()
        try bench.append(1, to: writer)
        try writer.flush()
        #expect(try bench.list().map(\.sequence) == [0, 1, 2])
        bench.clock.jumpWall(byUs: 3_600_000_000)
        try writer.tick()
        try bench.append(1, to: writer)
        try writer.close()
        #expect(try bench.list().map(\.sequence) == [0, 1, 2, 3])
        #expect(try bench.records() == bench.appended)
    }

    @Test func badRecordsAreRefusedAndCounted() throws {
        let bench = SegmentBench()
        var limits = SegmentLimits()
        limits.recordBytes = 100
        let writer = try bench.writer(limits: limits)
        let cases: [([UInt8], SegmentError.Code)] = [
            ([], .recordInvalid), ([10], .recordInvalid), ([65, 10, 66], .recordInvalid), ([65, 10, 10], .recordInvalid),
            ([UInt8](repeating: 65, count: 101), .recordTooLarge),
        ]
        for (line, code) in cases {
            let error = #expect(throws: SegmentError.self) { try writer.append(line, startedAtUs: 0) }
            #expect(error?.code == code)
        }
        try writer.append([UInt8](repeating: 65, count: 100) + [10], startedAtUs: Int64.min)
        try writer.append([66], startedAtUs: Int64.max)
        try writer.close()
        #expect(writer.counters.refusedRecords == 5)
        #expect(try bench.records() == [[UInt8](repeating: 65, count: 100), [66]])
        let error = #expect(throws: SegmentError.self) { try writer.append([66], startedAtUs: 0) }
        #expect(error?.code == .closed)
    }

    @Test func secondWriterGetsALaterEpochThoughTheClockWentBack() throws {
        let bench = SegmentBench()
        let first = try bench.writer()
        try bench.append(2, to: first)
        try first.close()
        bench.clock.jumpWall(byUs: -10_000_000_000)
        let second = try bench.writer()
        #expect(second.epoch == first.epoch + 1)
        try bench.append(2, to: second)
        try second.close()
        #expect(try bench.list().map(\.epoch) == [first.epoch, second.epoch])
    }

    /// The newest epoch may be that of a segment whose records have expired.
    @Test func secondWriterGetsALaterEpochThanOneWhoseRecordsHaveExpired() throws {
        let bench = SegmentBench()
        let epoch = UInt64(bench.clock.wallUs) + 5_000_000
        let stem = SegmentStem(node: "n1", epoch: epoch, sequence: 0)
        for part in [SegmentName.Part.facts, .manifest] {
            bench.files.put("\(SegmentBench.directory)/\(SegmentName(stem, generation: 1, part))", [1])
        }
        #expect(try bench.list().isEmpty)
        #expect(try bench.writer().epoch == epoch + 1)
    }

    @Test func fullDiskLeavesNothingTornAndLosesNothing() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(3, to: writer)
        try writer.flush()
        let file = try #require(try bench.list().first)
        bench.files.setCapacity(file.size + 50)
        try bench.append(5, to: writer)
        let error = #expect(throws: SegmentError.self) { try writer.flush() }
        #expect(error?.code == .noSpace && error?.cause?.code == .noSpace && error?.segment == file.name)
        #expect(try bench.files.size(of: file.path) == file.size)
        #expect(writer.writtenRecords == 3 && writer.backlogBytes > 0 && writer.lastError != nil)
        bench.clock.advance(us: 100_000)
        #expect(throws: SegmentError.self) { try writer.tick() }
        bench.files.setCapacity(nil)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        #expect(writer.backlogBytes == 0 && writer.lastError == nil)
        try writer.close()
        #expect(try bench.records() == bench.appended)
        #expect(try bench.list().count == 1 && writer.counters.noSpaceFailures == 2 && writer.counters.abandonedSegments == 0)
    }

    /// What was written before is synced in time, and nobody is woken in vain.
    @Test func fullDiskIsAskedWithPausesAndWhatItHoldsIsSynced() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(3, to: writer)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        #expect(writer.writtenRecords == 3 && writer.syncedRecords == 0)
        bench.files.setCapacity(try #require(try bench.list().first).size)
        try bench.append(2, to: writer)
        bench.clock.advance(us: 100_000)
        #expect(throws: SegmentError.self) { try writer.tick() }
        let tries = bench.files.count(of: .write)
        for _ in 0..<10 { try writer.tick() }
        #expect(bench.files.count(of: .write) == tries && writer.lastError?.code == .noSpace)
        #expect(writer.nextDeadlineUs == bench.clock.monotonicUs + 100_000)
        bench.clock.advance(us: 1_000_000)
        #expect(throws: SegmentError.self) { try writer.tick() }
        #expect(writer.counters.syncs == 1 && writer.syncedRecords == 3)
        #expect(writer.nextDeadlineUs == bench.clock.monotonicUs + 100_000)
        bench.files.setCapacity(nil)
        try writer.close()
        #expect(try bench.records() == bench.appended && writer.counters.lostRecords == 0)
    }

    /// The first refusal may come to `append`, which does not throw for the disk's sake.
    @Test func fullDiskIsToldAtTheNextTickAlsoWithinThePause() throws {
        let bench = SegmentBench()
        var limits = SegmentLimits()
        limits.batchBytes = 10
        let writer = try bench.writer(limits: limits)
        bench.files.setCapacity(0)
        try bench.append(1, to: writer)
        #expect(writer.counters.noSpaceFailures == 1)
        let error = #expect(throws: SegmentError.self) { try writer.tick() }
        #expect(error?.code == .noSpace && writer.counters.noSpaceFailures == 1)
        try writer.tick()
    }

    /// A flush that the disk refuses still syncs what it holds: the last thing before the end of a process.
    @Test func closingOnAFullDiskSyncsWhatItHolds() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(3, to: writer)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        bench.files.setCapacity(try #require(try bench.list().first).size)
        try bench.append(2, to: writer)
        #expect(throws: SegmentError.self) { try writer.close() }
        #expect(writer.counters.lostRecords == 2 && writer.writtenRecords == 3)
        bench.files.powerCut()
        #expect(try bench.records() == Array(bench.appended.prefix(3)))
    }

    @Test func fullDiskFromTheStartIsBoundedInMemoryAndCounted() throws {
        let bench = SegmentBench()
        var limits = SegmentLimits()
        limits.batchBytes = 500
        limits.backlogBytes = 5_000
        let writer = try bench.writer(limits: limits)
        bench.files.setCapacity(0)
        var refused = 0
        for id in 0..<400 {
            do {
                try writer.append(SegmentBench.line(id, padding: 50), startedAtUs: 0)
            } catch {
                #expect(error.code == .backlogFull)
                refused += 1
            }
        }
        #expect(refused > 0 && writer.counters.refusedRecords == UInt64(refused) && writer.backlogBytes <= 6_000)
        bench.files.setCapacity(nil)
        try writer.close()
        #expect(try bench.records().count == 400 - refused && writer.counters.lostRecords == 0)
    }

    /// A writer of four records, the latter two of them written and not yet synced.
    private func partlySynced() throws -> (bench: SegmentBench, writer: SegmentWriter) {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(2, to: writer)
        try writer.flush()
        try bench.append(2, to: writer)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        return (bench, writer)
    }

    @Test func failingSyncMovesTheUnsyncedToANewSegment() throws {
        let (bench, writer) = try partlySynced()
        bench.files.fail(.sync, nth: 1, errno: 5)
        bench.clock.advance(us: 1_000_000)
        try writer.tick()
        #expect(
            writer.counters.syncFailures == 1 && writer.counters.abandonedSegments == 1 && writer.counters.rewrittenBatches == 1)
        #expect(writer.syncedRecords == 4 && writer.lastError == nil)
        bench.files.powerCut()
        #expect(try bench.list().count == 2)
        #expect(try bench.records() == bench.appended)
    }

    @Test(arguments: [false, true]) func failingWriteLeavesASegmentSyncedAndNothingTwice(syncFailsToo: Bool) throws {
        let (bench, writer) = try partlySynced()
        bench.files.fail(.write, nth: 1, errno: 5)
        if syncFailsToo { bench.files.fail(.sync, nth: 1, errno: 5) }
        try bench.append(2, to: writer)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        #expect(writer.counters.writeFailures == 1 && writer.counters.abandonedSegments == 1)
        #expect(writer.counters.syncFailures == (syncFailsToo ? 1 : 0))
        #expect(writer.counters.rewrittenBatches == (syncFailsToo ? 1 : 0))
        try writer.flush()
        if !syncFailsToo { #expect(try bench.records() == bench.appended) }
        bench.files.powerCut()
        #expect(try bench.records() == bench.appended)
    }

    @Test func removedSegmentIsLeftAndTheUnsyncedGoesToANewOne() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(2, to: writer)
        try writer.flush()
        let gone = try #require(try bench.list().first)
        try bench.append(3, to: writer)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        try bench.files.unlink(gone.path)
        bench.clock.advance(us: 1_000_000)
        try writer.tick()
        #expect(writer.counters.abandonedSegments == 1 && writer.counters.rewrittenBatches == 1)
        #expect(writer.syncedRecords == 5 && writer.lastError == nil)
        #expect(try bench.list().map(\.sequence) == [1])
        #expect(try bench.records() == Array(bench.appended.dropFirst(2)))
    }

    @Test func deadDeviceIsAskedWithPausesAndKeepsTheRecords() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        bench.files.fail(.write, nth: 1, times: 1_000, errno: 5)
        try bench.append(3, to: writer)
        let error = #expect(throws: SegmentError.self) { try writer.flush() }
        #expect(error?.code == .writeFailed)
        let tries = bench.files.count(of: .write)
        for _ in 0..<10 { try writer.tick() }
        #expect(bench.files.count(of: .write) == tries)
        #expect(writer.nextDeadlineUs == bench.clock.monotonicUs + 1_000_000)
        #expect(try bench.list().isEmpty)
        bench.clock.advance(us: 1_000_000)
        #expect(throws: SegmentError.self) { try writer.tick() }
        bench.files.clearFaults()
        bench.clock.advance(us: 2_000_000)
        try writer.tick()
        try writer.close()
        #expect(try bench.records() == bench.appended && writer.counters.lostRecords == 0)
    }

    @Test func closingOnADeadDeviceCountsTheLoss() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        bench.files.fail(.open, nth: 1, times: 1_000, errno: 5)
        try bench.append(3, to: writer)
        #expect(throws: SegmentError.self) { try writer.close() }
        #expect(writer.counters.lostRecords == 3)
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func powerCutLosesOnlyWhatWasNotSynced(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let bench = SegmentBench(seed: seed, shortWrites: true)
        var limits = SegmentLimits()
        limits.segmentBytes = 3_000
        let writer = try bench.writer(sync: seed % 3 == 0 ? .always : .interval(us: 200_000), limits: limits)
        for operation in FileOperation.allCases where [.write, .sync, .open, .syncDirectory, .truncate].contains(operation) {
            let nth = Int.random(in: 1...40, using: &random)
            bench.files.fail(
                operation, nth: nth, times: Int.random(in: 1...3, using: &random), errno: Bool.random(using: &random) ? 5 : 28)
        }
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            try bench.append(Int.random(in: 0...4, using: &random), to: writer)
            bench.clock.advance(us: Int64.random(in: 1...3_000_000, using: &random))
            do { try writer.tick() } catch { #expect(writer.lastError != nil) }
        }
        let synced = Int(writer.syncedRecords)
        bench.files.clearFaults()
        bench.files.powerCut(tornTail: true)
        let report = try SegmentRecovery.recover(directory: SegmentBench.directory, files: bench.files)
        let found = try bench.records()
        #expect(found.count >= synced && report.problems.isEmpty)
        #expect(Set(found).isSubset(of: Set(bench.appended)))
        #expect(Array(found.prefix(synced)) == Array(bench.appended.prefix(synced)))
        let next = try bench.writer()
        #expect(next.epoch > writer.epoch)
        let again = try SegmentRecovery.recover(directory: SegmentBench.directory, files: bench.files)
        #expect(again.truncatedBytes == 0)
    }

    @Test func deathOfTheProcessLosesOnlyTheOpenBatch() throws {
        let bench = SegmentBench()
        let writer = try bench.writer(sync: .never)
        try bench.append(5, to: writer)
        bench.clock.advance(us: 100_000)
        try writer.tick()
        try bench.append(2, to: writer)
        #expect(try bench.records() == Array(bench.appended.prefix(5)))
        #expect(writer.counters.syncs == 0)
    }

    @Test func namesSortAndParse() {
        #expect(SegmentFormat.nodeName("Node-7.Ü") == "node-7___" && SegmentFormat.nodeName("") == "_")
        let name = SegmentFile.name(node: "a-b", epoch: 255, sequence: 7)
        #expect(name == "a-b-00000000000000ff-00000007.hot")
        let parts = SegmentName(fileName: name)
        #expect(parts?.stem == SegmentStem(node: "a-b", epoch: 255, sequence: 7) && parts?.part == .hot)
        for bad in [
            "", ".hot", "-.hot", "a-ff-7.hot", "a-00000000000000FF-00000007.hot", "A-00000000000000ff-00000007.hot", name + "x",
            "--.hot",
        ] {
            #expect(SegmentName(fileName: bad) == nil)
        }
    }
}
