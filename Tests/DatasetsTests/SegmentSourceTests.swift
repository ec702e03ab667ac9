// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactStore
import Foundation
import Platform
import SegmentLog
import Testing

@testable import Datasets

@Suite struct SegmentSourceTests {
    @Test func buildsFromSegmentsWhatItBuildsFromMemory() throws {
        let scratch = try Scratch()
        let inputs = DatasetBuildTests.traffic(seed: 11)
        let records = inputs.compactMap { input in
            if case .record(let record, _) = input { return record }
            return nil
        }
        let places = try write(records, scratch)
        let facts = try FactStore.open(path: scratch.path + "/index.sqlite", mode: .readWrite)
        var all: [ExchangeFact] = []
        for (record, place) in zip(records, places) { all.append(ExchangeFact(head: record.head, location: place)) }
        // One whose payload is gone.
        var lost = ExchangeFact(head: TestRecords.chat(9_999, ["q"], answer: "a").head, location: places[0])
        lost.location.segment = "gone"
        all.append(lost)
        _ = try facts.commit(facts: all, checkpoint: Checkpoint(segment: places[0].segment, offset: 1))
        let recipe = DatasetBuildTests.recipe()
        let directory = SegmentDirectory(files: scratch.files, path: scratch.path + "/segments")
        let report = try DatasetBuild.run(
            recipe: recipe, source: SegmentSource(facts: facts, segments: directory, recipe: recipe),
            output: scratch.path + "/set",
            files: scratch.files, tool: "weir test")
        let twin = try scratch.build(recipe, inputs, to: "twin")
        #expect(report.seen == twin.seen + 1)
        #expect(report.drops.contains { $0.reason == .payloadUnreadable && $0.count == 1 })
        for file in ["train.jsonl", "eval.jsonl", "lineage.jsonl"] {
            #expect(try scratch.text(file) == scratch.text(file, in: "twin"))
        }
    }

    @Test func findsRecordsWhoseSegmentsAreSealedWhileTheyAreRead() throws {
        let scratch = try Scratch()
        let records = DatasetBuildTests.traffic(seed: 12).compactMap { input in
            if case .record(let record, _) = input { record } else { nil }
        }
        let places = try write(records, scratch)
        let facts = try FactStore.open(path: scratch.path + "/index.sqlite", mode: .readWrite)
        for (record, place) in zip(records, places) {
            let checkpoint = Checkpoint(segment: place.segment, offset: 1)
            _ = try facts.commit(facts: [ExchangeFact(head: record.head, location: place)], checkpoint: checkpoint)
        }
        let directory = SegmentDirectory(files: scratch.files, path: scratch.path + "/segments")
        let source = SegmentSource(facts: facts, segments: directory, recipe: DatasetBuildTests.recipe())
        var seen: [ExchangeID] = []
        var unreadable = 0
        try source.forEachRecord(where: { _ in true }) { input in
            if seen.isEmpty { try seal(directory, facts) }
            switch input {
            case .record(let record, _): seen.append(record.head.id)
            case .unreadable: unreadable += 1
            }
        }
        #expect(try directory.list().allSatisfy(\.isSealed))
        #expect(unreadable == 0 && Set(seen) == Set(records.map(\.head.id)) && seen.count == records.count)
    }

    /// Seals every segment, and lets the index follow.
    private func seal(_ directory: SegmentDirectory, _ facts: FactStore) throws {
        let sealing = SegmentSealing(directory: directory, clock: SystemClock())
        for file in try directory.list() {
            var ids: [ExchangeID] = []
            let draft = try #require(
                try sealing.draft(of: file) { line in
                    if let record = try? ExchangeRecord(line: line.array) { ids.append(record.head.id) }
                    return SegmentLineTraits(startedAtUs: 0, order: 0..<line.count)
                })
            try draft.publish()
            let moved = draft.places.map { MovedPayload(id: ids[$0.line], frame: $0.frame, offset: $0.offset) }
            try facts.replaceSegment(
                file.name, by: draft.recordsName, end: draft.manifest.records.bytes, places: moved)
            try sealing.remove(file)
        }
    }

    /// Writes records in batches of seven into small segments and finds their places again by reading from the start.
    private func write(_ records: [ExchangeRecord], _ scratch: Scratch) throws -> [PayloadLocation] {
        var limits = SegmentLimits()
        limits.segmentBytes = 4_000
        let writer = try SegmentWriter(
            directory: scratch.path + "/segments", node: "n", files: scratch.files, clock: SystemClock(), sync: .never,
            limits: limits)
        for (position, record) in records.enumerated() {
            try writer.append(record.encodedLine(), startedAtUs: record.head.startedAtUs)
            if position % 7 == 6 { try writer.flush() }
        }
        try writer.close()
        var places: [PayloadLocation] = []
        for file in try SegmentDirectory(files: scratch.files, path: scratch.path + "/segments").list() {
            let reader = try SegmentReader(file: file, files: scratch.files)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                for line in batch.lineRanges {
                    places.append(PayloadLocation(segment: file.name, frame: batch.offset, offset: Int64(line.lowerBound)))
                }
                offset = batch.next
            }
        }
        try #require(places.count == records.count)
        return places
    }
}
