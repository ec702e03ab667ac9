// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Glibc
import Platform
import Testing

@testable import SegmentLog

/// The files of `fixtures/segments/v1` must read for ever.
@Suite struct SegmentGoldenTests {
    static let folder: String = {
        var path = #filePath
        for _ in 0..<3 { path = PathText.parent(of: path) }
        return path + "/fixtures/segments/v1"
    }()
    static let name = "golden-00064450f0a40000-00000000.hot"

    /// The records of the golden segment, by batch.
    static let batches: [[[UInt8]]] = [
        [Array(#"{"v":1,"id":"g0","text":"plain"}"#.utf8), Array(#"{"v":1,"id":"g1","text":"äöü 語 🌊"}"#.utf8)],
        [Array("{\"v\":1,\"id\":\"g2\",\"text\":\"\(String(repeating: "long ", count: 2_000))\"}".utf8)],
        (3..<40).map { Array("{\"v\":1,\"id\":\"g\($0)\",\"text\":\"\($0 * $0)\"}".utf8) },
    ]

    /// Writes what the golden segment holds into a directory, as it was once written.
    static func write(_ directory: String, _ files: any FileSystem) throws {
        let clock = ManualClock(wallUs: 0x0006_4450_F0A4_0000)
        let writer = try SegmentWriter(directory: directory, node: "Golden", files: files, clock: clock)
        var number: Int64 = 0
        for batch in batches {
            for line in batch {
                try writer.append(line, startedAtUs: clock.wallUs + number)
                number += 1
            }
            try writer.flush()
        }
        try writer.close()
    }

    @Test func goldenSegmentReads() throws {
        let directory = SegmentDirectory(files: PosixFileSystem(), path: Self.folder)
        let files = try directory.list()
        #expect(files.map(\.name) == [Self.name])
        let file = try #require(files.first)
        var batches: [[[UInt8]]] = []
        for case .batch(let batch) in try SegmentBench.steps(file, PosixFileSystem()) {
            #expect(batch.header.epoch == file.epoch && batch.header.node == SegmentFormat.nodeNumber("golden"))
            batches.append(batch.lineRanges.map { Array(batch.raw[$0]) })
        }
        #expect(batches == Self.batches)
        #expect(SegmentVerify.verify(file, files: PosixFileSystem()).isClean)
    }

    @Test func headerBytesAreThoseOfThePage() throws {
        let bytes = try PosixFileSystem().readFile(Self.folder + "/" + Self.name, limit: 88)
        // Written out by hand from the page's table; lengths and checksums of the frame belong to the compressor.
        #expect(Hex.encode(Array(bytes[0..<16])) == "512a4d1850000000574549520100" + "0000")
        #expect(
            Hex.encode(Array(bytes[24..<76])) == "0000a4f050440600" + "0000000000000000" + "0000000000000000" + "02000000"
                + "00000000"
                + "0000a4f050440600" + "0100a4f050440600" + "4c000000")
        #expect(SegmentBatchHeader.read(bytes, at: 0) != .none)
    }

    @Test func todaysWriterMakesTheSameRecordsAndHeaders() throws {
        let files = MemoryFileSystem()
        try Self.write("/g", files)
        let golden = try PosixFileSystem().readFile(Self.folder + "/" + Self.name, limit: 1 << 20)
        let today = try #require(files.contents("/g/" + Self.name))
        #expect(today.prefix(76) == golden.prefix(76))
    }

    static let hasTools = access("/usr/bin/zstd", X_OK) == 0 && access("/usr/bin/jq", X_OK) == 0

    @Test(.enabled(if: hasTools, "zstd and jq are not installed")) func stockToolsReadASegment() throws {
        let path = Self.folder + "/" + Self.name
        #expect(system("zstd -q -t '\(path)'") == 0)
        let stream = try #require(popen("zstd -dc '\(path)' | jq -c .id", "r"))
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            if count <= 0 { break }
            text += buffer[0..<count]
        }
        #expect(pclose(stream) == 0)
        #expect(String(decoding: text, as: UTF8.self) == (0..<40).map { "\"g\($0)\"\n" }.joined())
    }
}
