// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Platform
import Testing

@testable import SegmentLog

/// Segments as each version wrote them, kept in `fixtures/segments`: they must always read.
///
/// Made once by `writesTheFixtures` with `WEIR_WRITE_GOLDEN=1`; a changed fixture is a broken promise.
@Suite struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("fixtures/segments/v1").path
    private static let stem = SegmentStem(node: "golden", epoch: 0x6_4450_F0A4_0001, sequence: 0)
    private static let gap = SegmentGap(
        reason: "arena_full", count: 3, firstAtUs: 1_764_000_000_000_100, lastAtUs: 1_764_000_000_000_200,
        firstID: "019ab3c1-0000-7000-8000-000000000001", lastID: "019ab3c1-0000-7000-8000-000000000003")

    private static func key() throws -> SegmentKey { try #require(SegmentKey((0..<32).map { UInt8($0) })) }

    /// Twelve lines of three conversations; the numbers add up to known sums.
    private static let lines = (0..<12).map { i in
        Array(
            "{\"v\":1,\"id\":\"019ab3c1-0000-7000-8000-\(String(repeating: "0", count: 11))\(String(i, radix: 16))\",\"started_at_us\":\(1_764_000_000_000_000 + i),\"duration_us\":\(i * i),\"text\":\"conversation \(i % 3) é\"}"
                .utf8)
    }

    private static func traits(_ line: ByteRun) -> SegmentLineTraits {
        let at = line.firstIndex(of: UInt8(ascii: "x"), from: 60) ?? 0
        return SegmentLineTraits(startedAtUs: 1_764_000_000_000_000, order: at..<line.count)
    }

    private static func write(_ directory: String, keys: SegmentKeys) throws {
        let files = PosixFileSystem()
        let clock = ManualClock(wallUs: 1_764_000_000_000_000)
        let writer = try SegmentWriter(
            directory: directory, node: stem.node, files: files, clock: clock, epoch: stem.epoch, keys: keys)
        for (i, line) in lines.enumerated() {
            try writer.append(line, startedAtUs: 1_764_000_000_000_000 + Int64(i))
            if i == 4 { try writer.append(gap: gap) }
        }
        try writer.close()
        let place = SegmentDirectory(files: files, path: directory, keys: keys)
        let hot = try #require(try place.list().first)
        let draft = try #require(try SegmentSealing(directory: place, clock: clock).draft(of: hot, traits: traits))
        var rest = [lines.enumerated().map { i, _ in Array("{\"v\":1,\"duration_us\":\(i * i)}\n".utf8) }]
        try draft.writeFacts({ rest.popLast() }, sums: { (["duration_us": 506], nil) })
        try draft.publish()
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["WEIR_WRITE_GOLDEN"] != nil, "only when a format version is new"))
    func writesTheFixtures() throws {
        try Self.write(Self.folder + "/plain", keys: .none)
        try Self.write(Self.folder + "/encrypted", keys: SegmentKeys([try Self.key()]))
    }

    @Test(arguments: ["plain", "encrypted"]) func readsEveryKindOfFile(kind: String) throws {
        let keys = kind == "plain" ? SegmentKeys.none : SegmentKeys([try Self.key()])
        let files = PosixFileSystem()
        let place = SegmentDirectory(files: files, path: "\(Self.folder)/\(kind)", keys: keys)
        let sealed = try #require(try place.list().first)
        #expect(try place.list().count == 1 && sealed.isSealed && sealed.stem == Self.stem)
        let hot = try #require(place.file(named: SegmentName(Self.stem, .hot).description))
        for file in [hot, sealed] {
            let steps = try SegmentBench.steps(file, files, keys: keys)
            #expect(Set(SegmentBench.lines(steps)) == Set(Self.lines) && SegmentBench.lines(steps).count == 12)
            #expect(steps.contains { if case .gap(let found) = $0 { found.gap == Self.gap } else { false } })
            let found = SegmentVerify.verify(file, in: place)
            #expect(found.isClean && found.records == 12 && found.missingRecords == 3, "\(found)")
        }
        let manifest = try place.manifest(of: sealed)
        #expect(manifest.records.lines == 12 && manifest.facts?.lines == 12 && manifest.recordNumbers == [0..<12])
        #expect(manifest.sums == ["duration_us": 506] && manifest.gaps == [Self.gap] && manifest.keyID == keys.current?.name)
    }

    @Test func stockZstdReadsThePlainOnesAndNothingOfTheEncrypted() throws {
        let zstd = try #require(["/usr/bin/zstd", "/usr/local/bin/zstd"].first(where: FileManager.default.isExecutableFile))
        func decoded(_ name: String) throws -> [UInt8] {
            let process = Process()
            let out = Pipe()
            process.executableURL = URL(fileURLWithPath: zstd)
            process.arguments = ["-dc", "\(Self.folder)/\(name)"]
            process.standardOutput = out
            try process.run()
            let bytes = out.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(name)")
            return Array(bytes)
        }
        for name in [SegmentName(Self.stem, .hot), SegmentName(Self.stem, generation: 1, .records)] {
            let lines = try decoded("plain/\(name)").split(separator: 0x0A).map(Array.init)
            #expect(Set(lines) == Set(Self.lines) && lines.count == 12)
            #expect(try decoded("encrypted/\(name)").isEmpty)
        }
    }
}
