// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import CBrotli
import CZlib
import CZstd
import Capture
import ExchangeModel
import Foundation
import Logging
import Platform
import SegmentLog
import Testing

/// A clock whose pauses last until it is let go; its times move by hand.
final class HeldClock: Clock {
    private let times = ManualClock(wallUs: 1_764_000_000_000_000)
    private let condition = NSCondition()
    nonisolated(unsafe) private var isHeld = false
    nonisolated(unsafe) private var sleepers = 0

    var wallUs: Int64 { times.wallUs }
    var monotonicUs: Int64 { times.monotonicUs }
    func advance(us: Int64) { times.advance(us: us) }

    func hold() {
        condition.lock()
        isHeld = true
        condition.unlock()
    }

    func letGo() {
        condition.lock()
        isHeld = false
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until the capture thread pauses; false when it does not in time.
    func waitForPause() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date(timeIntervalSinceNow: 10)
        while sleepers == 0 { guard condition.wait(until: deadline) else { return false } }
        return true
    }

    func sleep(us: Int64) {
        condition.lock()
        sleepers += 1
        condition.broadcast()
        while isHeld { condition.wait() }
        sleepers -= 1
        condition.unlock()
        usleep(200)
    }
}

/// Capture over a file system in memory.
struct CaptureBench {
    let files: MemoryFileSystem
    let clock = HeldClock()
    let engine: CaptureEngine
    static let directory = "/data/segments"

    init(
        _ limits: CaptureLimits = CaptureLimits(), secret: UInt8 = 7, policy: CapturePolicy = CapturePolicy(),
        files: MemoryFileSystem = MemoryFileSystem(seed: 1)
    ) throws {
        self.files = files
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        engine = try CaptureEngine(
            directory: Self.directory, node: "n1", hasherSecret: [UInt8](repeating: secret, count: 32), files: files,
            clock: clock, limits: limits, policy: policy,
            logger: logger)
    }

    /// Stops capture and gives every line that was written.
    func lines() throws -> [[UInt8]] {
        clock.letGo()
        engine.stop()
        return try LogContent(files, Self.directory).lines
    }

    /// The gaps of the log, once capture has been stopped.
    func gaps() throws -> [SegmentGap] { try LogContent(files, Self.directory).gaps }

    func records() throws -> [ExchangeRecord] { try lines().map { try ExchangeRecord(line: $0) } }
}

/// Everything in a directory of segments.
struct LogContent {
    private(set) var lines: [[UInt8]] = []
    private(set) var gaps: [SegmentGap] = []

    init(_ files: any FileSystem, _ directory: String) throws {
        let segments = SegmentDirectory(files: files, path: directory)
        for file in try segments.list() {
            let reader = try segments.reader(of: file)
            var offset: Int64 = 0
            reading: while true {
                switch try reader.next(after: offset) {
                case .batch(let batch):
                    lines += batch.lineRanges.map { Array(batch.raw[$0]) }
                    offset = batch.next
                case .gap(let batch):
                    gaps.append(batch.gap)
                    offset = batch.next
                case .damage(_, _, let next), .locked(_, let next, _): offset = next
                case .incomplete, .end: break reading
                }
            }
        }
    }
}

extension CaptureTap {
    func request(_ bytes: [UInt8]) { bytes.withUnsafeBytes { requestBytes($0) } }
    func response(_ bytes: [UInt8]) { bytes.withUnsafeBytes { responseBytes($0, at: nowUs()) } }

    /// An exchange from head to head.
    func heads(request: String, response: String = "HTTP/1.1 200 OK\r\n\r\n") {
        Array(request.utf8).withUnsafeBytes { requestHead($0) }
        Array(response.utf8).withUnsafeBytes { responseHead($0) }
    }
}

/// A stream compressed and flushed event by event, as providers do it.
enum FlushedStream {
    static func parts(_ coding: String, _ events: [String]) -> [[UInt8]] {
        switch coding {
        case "gzip": gzip(events)
        case "br": brotli(events)
        default: zstd(events)
        }
    }

    private static func gzip(_ events: [String]) -> [[UInt8]] {
        var stream = z_stream()
        deflateInit2_(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        return events.enumerated().map { index, event in
            var source = Array(event.utf8)
            var output = [UInt8](repeating: 0, count: 4_096)
            let size = output.count
            source.withUnsafeMutableBufferPointer { from in
                output.withUnsafeMutableBufferPointer { into in
                    stream.next_in = from.baseAddress
                    stream.avail_in = UInt32(from.count)
                    stream.next_out = into.baseAddress
                    stream.avail_out = UInt32(size)
                    _ = deflate(&stream, index == events.count - 1 ? Z_FINISH : Z_SYNC_FLUSH)
                }
            }
            return Array(output[..<(size - Int(stream.avail_out))])
        }
    }

    private static func brotli(_ events: [String]) -> [[UInt8]] {
        let encoder = BrotliEncoderCreateInstance(nil, nil, nil)
        defer { BrotliEncoderDestroyInstance(encoder) }
        return events.enumerated().map { index, event in
            let source = Array(event.utf8)
            var output = [UInt8](repeating: 0, count: 4_096)
            var left = output.count
            source.withUnsafeBufferPointer { from in
                output.withUnsafeMutableBufferPointer { into in
                    var nextIn = from.baseAddress
                    var available = from.count
                    var nextOut = into.baseAddress
                    let operation = index == events.count - 1 ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH
                    _ = BrotliEncoderCompressStream(encoder, operation, &available, &nextIn, &left, &nextOut, nil)
                }
            }
            return Array(output[..<(output.count - left)])
        }
    }

    private static func zstd(_ events: [String]) -> [[UInt8]] {
        let context = ZSTD_createCCtx()
        defer { ZSTD_freeCCtx(context) }
        return events.enumerated().map { index, event in
            let source = Array(event.utf8)
            var output = [UInt8](repeating: 0, count: 4_096)
            var produced = 0
            source.withUnsafeBytes { from in
                output.withUnsafeMutableBytes { into in
                    var input = ZSTD_inBuffer(src: from.baseAddress, size: from.count, pos: 0)
                    var target = ZSTD_outBuffer(dst: into.baseAddress, size: into.count, pos: 0)
                    _ = ZSTD_compressStream2(context, &target, &input, index == events.count - 1 ? ZSTD_e_end : ZSTD_e_flush)
                    produced = target.pos
                }
            }
            return Array(output[..<produced])
        }
    }
}
