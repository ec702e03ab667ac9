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
            case .unreadable, .locked: unreadable += 1
            }
        }
        #expect(try directory.list().allSatisfy(\.isSealed))
        #expect(unreadable == 0 && Set(seen) == Set(records.map(\.head.id)) && seen.count == records.count)
    }

    @Test func hashesLinesAsTheRecordsWouldBeWritten() throws {
        let scratch = try Scratch()
        let records = DatasetBuildTests.traffic(seed: 13).compactMap { input in
            if case .record(let record, _) = input { record } else { nil }
        }
        let places = try write(records, scratch)
        let facts = try FactStore.open(path: scratch.path + "/index.sqlite", mode: .readWrite)
        let all = zip(records, places).map { ExchangeFact(head: $0.head, location: $1) }
        _ = try facts.commit(facts: all, checkpoint: Checkpoint(segment: places[0].segment, offset: 1))
        let directory = SegmentDirectory(files: scratch.files, path: scratch.path + "/segments")
        let source = SegmentSource(facts: facts, segments: directory, recipe: DatasetBuildTests.recipe())
        var (read, written) = (InputDigest(), InputDigest())
        try source.forEachRecord(where: { _ in true }) { input in
            guard case .record(let record, let place) = input else { return }
            #expect(place.lineDigest != nil)
            read.add(record, lineDigest: place.lineDigest)
        }
        for record in records { written.add(record) }
        #expect(read.sha256 == written.sha256 && read.sha256 != InputDigest().sha256)
    }

    /// Answers that the recipe does not select are found where histories need them, but not those that came after its end.
    @Test func findsResponsesOutsideTheSelection() throws {
        let scratch = try Scratch()
        var records: [ExchangeRecord] = []
        for number in 0..<12 as Range<UInt64> {
            let link = number > 0 ? #","previous_response_id":"resp_\#(number - 1)""# : ""
            records.append(
                TestRecords.record(
                    number, api: .openaiResponses,
                    request: #"{"model":"m","input":"\#(TestRecords.long("q \(number)"))"\#(link)}"#,
                    answer:
                        #"{"id":"resp_\#(number)","status":"completed","output":[{"type":"message","role":"assistant","content":"a"}]}"#
                ))
            records.append(TestRecords.chat(number + 100, [TestRecords.long("other \(number)")], answer: "a"))
        }
        let places = try write(records, scratch)
        let facts = try FactStore.open(path: scratch.path + "/index.sqlite", mode: .readWrite)
        let all = zip(records, places).map { ExchangeFact(head: $0.head, location: $1) }
        _ = try facts.commit(facts: all, checkpoint: Checkpoint(segment: places[0].segment, offset: 1))
        var recipe = DatasetRecipe(name: "x")
        recipe.selection.sinceUs = records[18].head.startedAtUs
        recipe.selection.untilUs = records[20].head.startedAtUs + 1
        recipe.selection.apis = ["openai-responses"]
        let directory = SegmentDirectory(files: scratch.files, path: scratch.path + "/segments")
        let source = SegmentSource(facts: facts, segments: directory, recipe: recipe)
        var found: [ExchangeID] = []
        try source.forEachResponse(where: { $0 != TestRecords.id(3) }) { input in
            if case .record(let record, _) = input { found.append(record.head.id) }
        }
        #expect(Set(found) == Set((0...10).filter { $0 != 3 }.map { TestRecords.id($0) }) && found.count == 10)
        let report = try DatasetBuild.run(
            recipe: recipe, source: source, output: scratch.path + "/set", files: scratch.files, tool: "weir test")
        #expect(report.seen == 2 && report.trainRows + report.evalRows == 1)
        #expect(report.drops.map(\.reason) == [.superseded])
        let row = try scratch.text("train.jsonl") + scratch.text("eval.jsonl")
        for number in 0...10 as ClosedRange<UInt64> { #expect(row.contains("q \(number) ")) }
        #expect(!row.contains("q 11 "))
    }

    @Test func pinnedRecordsComeWhateverTheFiltersAndTheLimitSay() throws {
        let scratch = try Scratch()
        let records = (UInt64(0)..<20).map { TestRecords.chat($0, [TestRecords.long("text \($0)")], answer: "a") }
        let facts = try index(records, try write(records, scratch), scratch)
        let directory = SegmentDirectory(files: scratch.files, path: scratch.path + "/segments")
        var recipe = DatasetRecipe(name: "x")
        func ids(_ pinned: Set<ExchangeID>) throws -> Set<ExchangeID> {
            var seen: [ExchangeID] = []
            try SegmentSource(facts: facts, segments: directory, recipe: recipe, pinned: pinned)
                .forEachRecord(where: { _ in true }) { input in
                    if case .record(let record, _) = input { seen.append(record.head.id) }
                }
            #expect(Set(seen).count == seen.count)
            return Set(seen)
        }
        recipe.selection.limit = 5
        let limited = try ids([])
        let rest = Set(records.map(\.head.id)).subtracting(limited)
        let pinned = Set(rest.sorted().prefix(3))
        #expect(limited.count == 5)
        #expect(try ids(pinned) == limited.union(pinned))
        recipe.selection.limit = nil
        recipe.selection.tasks = ["none has it"]
        #expect(try ids(pinned) == pinned)
        recipe.selection.tasks = []
        #expect(try ids(pinned).count == 20)
    }

    @Test func aMissingKeyLocksItsRecordsAndNoKeyAtAllIsAFailure() throws {
        let scratch = try Scratch()
        let keys = try (UInt8(1)...2).map { try #require(SegmentKey([UInt8](repeating: $0, count: SegmentKey.bytes))) }
        let records = (UInt64(0)..<7).map { TestRecords.chat($0, ["q"], answer: "a") }
        let facts = try index(records, try write(records, scratch, keys: SegmentKeys([keys[0]])), scratch)
        func count(_ keys: SegmentKeys) throws -> [Int] {
            let directory = SegmentDirectory(files: scratch.files, path: scratch.path + "/segments", keys: keys)
            var (read, locked) = (0, 0)
            try SegmentSource(facts: facts, segments: directory, recipe: DatasetRecipe(name: "x"))
                .forEachRecord(where: { _ in true }) { input in
                    switch input {
                    case .record: read += 1
                    case .locked: locked += 1
                    case .unreadable: break
                    }
                }
            return [read, locked]
        }
        #expect(try count(SegmentKeys([keys[0]])) == [7, 0])
        #expect(try count(SegmentKeys([keys[1]])) == [0, 7])
        let error = #expect(throws: SegmentError.self) { try count(.none) }
        #expect(error?.code == .keyMissing)
    }

    private func index(
        _ records: [ExchangeRecord], _ places: [PayloadLocation], _ scratch: Scratch
    ) throws -> FactStore {
        let facts = try FactStore.open(path: scratch.path + "/index.sqlite", mode: .readWrite)
        let all = zip(records, places).map { ExchangeFact(head: $0.head, location: $1) }
        _ = try facts.commit(facts: all, checkpoint: Checkpoint(segment: places[0].segment, offset: 1))
        return facts
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
    private func write(
        _ records: [ExchangeRecord], _ scratch: Scratch, keys: SegmentKeys = .none
    ) throws -> [PayloadLocation] {
        var limits = SegmentLimits()
        limits.segmentBytes = 4_000
        let writer = try SegmentWriter(
            directory: scratch.path + "/segments", node: "n", files: scratch.files, clock: SystemClock(), sync: .never,
            limits: limits, keys: keys)
        for (position, record) in records.enumerated() {
            try writer.append(record.encodedLine(), startedAtUs: record.head.startedAtUs)
            if position % 7 == 6 { try writer.flush() }
        }
        try writer.close()
        var places: [PayloadLocation] = []
        for file in try SegmentDirectory(files: scratch.files, path: scratch.path + "/segments").list() {
            let reader = try SegmentReader(file: file, files: scratch.files, keys: keys)
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
