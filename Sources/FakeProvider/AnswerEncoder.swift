// SPDX-License-Identifier: Apache-2.0

import CBrotli
import CZlib
import CZstd

/// A content coding.
package enum AnswerCoding: String, Sendable, CaseIterable {
    /// RFC 1952.
    case gzip
    /// RFC 7932.
    case br
    /// RFC 8878.
    case zstd
    /// RFC 1950: deflate inside zlib's wrapper.
    case deflate

    /// The first coding in an `Accept-Encoding` value that is known and not refused.
    static func accepted(by value: String) -> AnswerCoding? {
        for item in value.split(separator: ",") {
            let parts = item.split(separator: ";")
            let name = parts.first.map { $0.filter { $0 != " " }.lowercased() } ?? ""
            let isRefused = parts.dropFirst().contains { ["q=0", "q=0.0"].contains($0.filter { $0 != " " }) }
            if let coding = AnswerCoding(rawValue: name), !isRefused { return coding }
        }
        return nil
    }
}

/// Compresses the chunks of one answer into as many chunks, each of which can be decoded when it has come.
enum AnswerEncoder {
    static func encode(_ chunks: [[UInt8]], _ coding: AnswerCoding) -> [[UInt8]] {
        switch coding {
        case .gzip: deflate(chunks, windowBits: 31)
        case .deflate: deflate(chunks, windowBits: 15)
        case .br: brotli(chunks)
        case .zstd: zstd(chunks)
        }
    }

    /// Room for the output of one step; steps are repeated until they need no more.
    private static let stepBytes = 65_536

    private static func deflate(_ chunks: [[UInt8]], windowBits: Int32) -> [[UInt8]] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            return chunks
        }
        defer { deflateEnd(&stream) }
        return chunks.indices.map { index in
            let mode = index == chunks.count - 1 ? Z_FINISH : Z_SYNC_FLUSH
            var input = chunks[index]
            var coded: [UInt8] = []
            var output = [UInt8](repeating: 0, count: stepBytes)
            let inputCount = UInt32(input.count)
            input.withUnsafeMutableBufferPointer { from in
                stream.next_in = from.baseAddress
                stream.avail_in = inputCount
                repeat {
                    output.withUnsafeMutableBufferPointer { into in
                        stream.next_out = into.baseAddress
                        stream.avail_out = UInt32(stepBytes)
                        _ = CZlib.deflate(&stream, mode)
                    }
                    coded += output[..<(stepBytes - Int(stream.avail_out))]
                } while stream.avail_out == 0
            }
            return coded
        }
    }

    private static func brotli(_ chunks: [[UInt8]]) -> [[UInt8]] {
        guard let state = BrotliEncoderCreateInstance(nil, nil, nil) else { return chunks }
        defer { BrotliEncoderDestroyInstance(state) }
        BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, 4)
        return chunks.indices.map { index in
            let isLast = index == chunks.count - 1
            let operation = isLast ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH
            var coded: [UInt8] = []
            var output = [UInt8](repeating: 0, count: stepBytes)
            chunks[index].withUnsafeBufferPointer { from in
                var left = from.count
                var next = from.baseAddress
                repeat {
                    var room = stepBytes
                    output.withUnsafeMutableBufferPointer { into in
                        var place = into.baseAddress
                        BrotliEncoderCompressStream(state, operation, &left, &next, &room, &place, nil)
                    }
                    coded += output[..<(stepBytes - room)]
                } while left > 0 || BrotliEncoderHasMoreOutput(state) == BROTLI_TRUE
            }
            return coded
        }
    }

    private static func zstd(_ chunks: [[UInt8]]) -> [[UInt8]] {
        guard let context = ZSTD_createCCtx() else { return chunks }
        defer { ZSTD_freeCCtx(context) }
        return chunks.indices.map { index in
            let directive = index == chunks.count - 1 ? ZSTD_e_end : ZSTD_e_flush
            var coded: [UInt8] = []
            var output = [UInt8](repeating: 0, count: stepBytes)
            chunks[index].withUnsafeBytes { from in
                var input = ZSTD_inBuffer(src: from.baseAddress, size: from.count, pos: 0)
                var remaining = 0
                repeat {
                    output.withUnsafeMutableBytes { into in
                        var place = ZSTD_outBuffer(dst: into.baseAddress, size: stepBytes, pos: 0)
                        remaining = ZSTD_compressStream2(context, &place, &input, directive)
                        coded += into[..<place.pos]
                    }
                } while remaining > 0 && ZSTD_isError(remaining) == 0
            }
            return coded
        }
    }
}
