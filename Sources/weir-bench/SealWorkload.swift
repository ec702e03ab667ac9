// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Indexing
import Platform
import SegmentLog

/// The finished segments of an indexed data directory, sealed.
struct SealWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Seal what is finished and indexed; CPU time of the whole, bytes before and after.")

    @Option(help: "The data directory; `weir index` has read it.") var directory = "weir-bench-data"

    func run() throws {
        let paths = IndexPaths(dataDirectory: directory)
        let store = try paths.openForWriting(waitUs: 1_000_000)
        let segments = SegmentDirectory(files: PosixFileSystem(), path: paths.segments)
        let before = CPUTime.ofProcess
        let report = try SegmentKeeper(store: store, directory: segments, lock: IndexLock(path: paths.lock)).seal()
        let seconds = Double(CPUTime.ofProcess - before) / 1e9
        guard report.failures.isEmpty, report.waiting == 0 else {
            throw ValidationError("not all is sealed: \(report.waiting) wait; \(report.failures.joined(separator: "; "))")
        }
        let text = """
            {"sealed":\(report.sealed),"records":\(report.records),"raw_bytes":\(report.rawBytes),"bytes_before":\(report.bytesBefore),\
            "bytes_after":\(report.bytesAfter),"cpu_s":\(String(format: "%.4f", seconds))}\n
            """
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}
