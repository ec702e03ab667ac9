// SPDX-License-Identifier: Apache-2.0
import FactStore
import Platform
import SegmentLog
import Testing

@testable import weir

/// A log in memory with one follower.
private final class FollowBench {
    static let path = "/data/segments"
    let files = MemoryFileSystem()
    let clock = ManualClock(wallUs: 1_764_000_000_000_000)
    let follower: SegmentFollow
    private(set) var count = 0

    init() throws {
        try files.createDirectories(FollowBench.path)
        follower = SegmentFollow(SegmentDirectory(files: files, path: FollowBench.path))
    }

    /// A writer whose segments end after every batch.
    func writer(node: String = "n1", segmentBytes: Int64 = 1) throws -> SegmentWriter {
        var limits = SegmentLimits()
        limits.segmentBytes = segmentBytes
        return try SegmentWriter(directory: FollowBench.path, node: node, files: files, clock: clock, limits: limits)
    }

    func append(_ writer: SegmentWriter) throws {
        try writer.append(Array("{\"n\":\(count)}".utf8), startedAtUs: clock.wallUs)
        count += 1
        try writer.flush()
    }

    func begin(_ lines: Int) throws -> [String] {
        try follower.begin(lines) { _ in true }.map { String(decoding: $0, as: UTF8.self) }
    }

    func look() throws -> [String] {
        var found: [String] = []
        try follower.look { _, event in
            guard case .batch(let batch) = event else { return }
            found += batch.lineRanges.map { String(decoding: batch.raw[$0], as: UTF8.self) }
        }
        return found
    }

    /// Seals a segment and removes the hot one.
    func seal(_ file: SegmentFile) throws {
        let sealing = SegmentSealing(directory: SegmentDirectory(files: files, path: FollowBench.path), clock: clock)
        let draft = try sealing.draft(of: file) { _ in SegmentLineTraits(startedAtUs: 0, order: 0..<0) }
        try draft?.publish()
        try sealing.remove(file)
    }

    func list() throws -> [SegmentFile] { try SegmentDirectory(files: files, path: FollowBench.path).list() }

    func hotFiles() throws -> [String] { try files.list(FollowBench.path).filter { $0.hasSuffix(".hot") } }
}

@Suite struct SegmentFollowTests {
    private static func lines(_ numbers: some Sequence<Int>) -> [String] { numbers.map { "{\"n\":\($0)}" } }

    @Test func givesTheLastLinesOverSeveralSegments() throws {
        let bench = try FollowBench()
        let writer = try bench.writer()
        for _ in 0..<7 { try bench.append(writer) }
        #expect(try bench.hotFiles().count >= 6)
        #expect(try bench.begin(3) == SegmentFollowTests.lines(4..<7))
        #expect(try bench.look().isEmpty)
        #expect(try SecondFollower(bench).begin(100) == SegmentFollowTests.lines(0..<7))
        #expect(try SecondFollower(bench).begin(0).isEmpty)
    }

    @Test func followsFromSegmentToSegmentOnce() throws {
        let bench = try FollowBench()
        let writer = try bench.writer()
        for _ in 0..<3 { try bench.append(writer) }
        #expect(try bench.begin(0).isEmpty)
        var found: [String] = []
        for _ in 0..<5 {
            try bench.append(writer)
            found += try bench.look()
        }
        for _ in 0..<5 { try bench.append(writer) }
        found += try bench.look()
        found += try bench.look()
        #expect(found == SegmentFollowTests.lines(3..<13))
    }

    @Test func losesNothingWhereAHotSegmentVanishes() throws {
        let bench = try FollowBench()
        let writer = try bench.writer(segmentBytes: 1 << 20)
        try bench.append(writer)
        #expect(try bench.begin(1) == SegmentFollowTests.lines(0..<1))
        for _ in 0..<3 { try bench.append(writer) }
        // Sealed between two looks: the name goes, what was written does not.
        try bench.files.unlink(FollowBench.path + "/" + (try #require(try bench.hotFiles().first)))
        #expect(try bench.look() == SegmentFollowTests.lines(1..<4))
        #expect(try bench.look().isEmpty)
    }

    @Test func neitherRepeatsNorLosesWhatIsSealed() throws {
        let bench = try FollowBench()
        let writer = try bench.writer()
        for _ in 0..<4 { try bench.append(writer) }
        for file in try bench.list().dropLast() { try bench.seal(file) }
        #expect(try bench.list().filter(\.isSealed).count >= 2)
        #expect(try bench.begin(3) == SegmentFollowTests.lines(1..<4))
        for _ in 0..<3 { try bench.append(writer) }
        // Some of these are seen for the first time when they are sealed already.
        for file in try bench.list().dropLast() where !file.isSealed { try bench.seal(file) }
        #expect(try bench.look() == SegmentFollowTests.lines(4..<7))
        for file in try bench.list().dropLast() where !file.isSealed { try bench.seal(file) }
        #expect(try bench.look().isEmpty)
    }

    @Test func walksWhatWasSealedSinceItWasListed() throws {
        let bench = try FollowBench()
        let writer = try bench.writer()
        for _ in 0..<4 { try bench.append(writer) }
        let listed = try bench.list()
        for file in listed.dropLast() { try bench.seal(file) }
        var found: [String] = []
        let log = SegmentDirectory(files: bench.files, path: FollowBench.path)
        var walk = SegmentWalk(log, segments: listed, filter: FactFilter())
        try walk.forEachRun { found.append(String(decoding: $0.dropLast(), as: UTF8.self)) }
        #expect(found == SegmentFollowTests.lines(0..<4))
    }

    @Test func countsGapsByReasonAndSaysThemWhileFollowing() throws {
        let bench = try FollowBench()
        let writer = try bench.writer(segmentBytes: 1 << 20)
        try bench.append(writer)
        #expect(try bench.begin(0).isEmpty)
        for count: UInt64 in [3, 4] {
            try writer.append(gap: SegmentGap(reason: "arena_full", count: count, firstAtUs: 1, lastAtUs: 2))
        }
        try bench.append(writer)
        var gaps: [UInt64] = []
        try bench.follower.look { _, event in
            if case .gap(let gap) = event { gaps.append(gap.count) }
        }
        #expect(gaps == [3, 4])
        let log = SegmentDirectory(files: bench.files, path: FollowBench.path)
        var walk = SegmentWalk(log, segments: try log.list(), filter: FactFilter())
        try walk.forEachRun { _ in }
        #expect(walk.gaps == ["arena_full": 7] && walk.given == 2 && walk.damaged == 0)
    }

    @Test func readsANewSegmentOfANewWriter() throws {
        let bench = try FollowBench()
        try bench.append(try bench.writer())
        #expect(try bench.begin(0).isEmpty)
        bench.clock.advance(us: 1_000)
        let (second, third) = (try bench.writer(), try bench.writer(node: "n2"))
        try bench.append(second)
        try bench.append(third)
        #expect(try bench.look() == SegmentFollowTests.lines(1..<3))
        try bench.append(third)
        try bench.append(second)
        #expect(try bench.look().sorted() == SegmentFollowTests.lines(3..<5))
    }

    @Test func goesOnAfterADirectoryThatIsNotThereYet() throws {
        let files = MemoryFileSystem()
        let follower = SegmentFollow(SegmentDirectory(files: files, path: "/none/segments"))
        #expect(try follower.begin(5) { _ in true }.isEmpty)
        #expect(try !follower.look { _, _ in })
    }

    /// A second follower on the same log.
    private struct SecondFollower {
        let follower: SegmentFollow

        init(_ bench: FollowBench) { follower = SegmentFollow(SegmentDirectory(files: bench.files, path: FollowBench.path)) }

        func begin(_ lines: Int) throws -> [String] {
            try follower.begin(lines) { _ in true }.map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
