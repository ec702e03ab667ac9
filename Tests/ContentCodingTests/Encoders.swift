// SPDX-License-Identifier: Apache-2.0
import CBrotli
import CZlib
import CZstd
import Glibc

/// Encoders of the C libraries, as oracles.
enum Encoders {
    static func encode(_ coding: String, _ bytes: [UInt8]) -> [UInt8] {
        switch coding {
        case "gzip": deflate(bytes, windowBits: 31)
        case "deflate": deflate(bytes, windowBits: 15)
        case "raw": deflate(bytes, windowBits: -15)
        case "br": brotli(bytes)
        default: zstd(bytes)
        }
    }

    static func deflate(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var source = bytes + [0]
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 64)
        let size = output.count
        source.withUnsafeMutableBufferPointer { from in
            output.withUnsafeMutableBufferPointer { into in
                stream.next_in = from.baseAddress
                stream.avail_in = UInt32(bytes.count)
                stream.next_out = into.baseAddress
                stream.avail_out = UInt32(size)
                _ = CZlib.deflate(&stream, Z_FINISH)
            }
        }
        return Array(output[0..<(size - Int(stream.avail_out))])
    }

    static func brotli(_ bytes: [UInt8]) -> [UInt8] {
        var size = BrotliEncoderMaxCompressedSize(bytes.count) + 64
        var output = [UInt8](repeating: 0, count: size)
        BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, bytes.count, bytes, &size, &output)
        return Array(output[0..<size])
    }

    static func zstd(_ bytes: [UInt8], checksum: Bool = true) -> [UInt8] {
        let context = ZSTD_createCCtx()
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0)
        var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let size = ZSTD_compress2(context, &output, output.count, bytes, bytes.count)
        return Array(output[0..<size])
    }

    static let hasTools = access("/usr/bin/gzip", X_OK) == 0 && access("/usr/bin/zstd", X_OK) == 0

    /// What a command makes of a file, or nil where that fails.
    static func pipe(_ command: String, _ bytes: [UInt8]) -> [UInt8]? {
        var template = Array("\(P_tmpdir)/weir-coding-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return nil }
        defer {
            close(descriptor)
            unlink(template)
        }
        guard write(descriptor, bytes, bytes.count) == bytes.count else { return nil }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let stream = popen("\(command) < \(path)", "r") else { return nil }
        defer { pclose(stream) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            if count <= 0 { return output }
            output += buffer[0..<count]
        }
    }
}
