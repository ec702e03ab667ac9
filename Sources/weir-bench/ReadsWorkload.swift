// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Platform
import SegmentLog

/// Single payloads read from a log at random.
struct ReadsWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reads", abstract: "Read N records by their places, at random; how long each takes, the file opened anew.")

    @Option(help: "The data directory.") var directory = "weir-bench-data"
    @Option(help: "Records to read.") var count = 500

    func run() throws {
        let segments = SegmentDirectory(files: PosixFileSystem(), path: PathText.join(directory, "segments"))
        var places: [(file: SegmentFile, frame: Int64, offset: Int)] = []
        for file in try segments.list() {
            let reader = try SegmentReader(file: file, files: segments.files)
            var offset: Int64 = 0
            reading: while true {
                switch try reader.next(after: offset) {
                case .batch(let batch):
                    places += batch.lineRanges.map { (file, batch.offset, $0.lowerBound) }
                    offset = batch.next
                case .gap(let gap): offset = gap.next
                case .damage(_, _, let next), .locked(_, let next, _): offset = next
                case .incomplete, .end: break reading
                }
            }
        }
        guard !places.isEmpty, count > 0 else { throw ValidationError("there are no records") }
        let clock = SystemClock()
        var state: UInt64 = 7
        var times: [Int64] = []
        for _ in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let place = places[Int(state >> 33) % places.count]
            let began = clock.monotonicUs
            let reader = try SegmentReader(file: place.file, files: segments.files)
            _ = try reader.record(frame: place.frame, offset: place.offset)
            times.append(clock.monotonicUs - began)
        }
        times.sort()
        func rank(_ perMille: Int) -> Int64 { times[(perMille * times.count + 999) / 1_000 - 1] }
        let report = """
            {"records":\(places.count),"reads":\(count),"p50_us":\(rank(500)),"p99_us":\(rank(990)),"most_us":\(times.last ?? 0)}\n
            """
        try FileHandle.standardOutput.write(contentsOf: Data(report.utf8))
    }
}
