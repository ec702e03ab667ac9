// SPDX-License-Identifier: Apache-2.0
import CZstd

/// Makes independent zstd frames at level 1 with content size and checksum; owned by one thread.
@safe final class FrameCompressor {
    private let context: OpaquePointer

    init() throws(SegmentError) {
        guard let made = unsafe ZSTD_createCCtx() else {
            throw SegmentError(.compressionFailed, "zstd has no memory for a compressor. Free memory and start again.")
        }
        unsafe context = made
        _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, 1)
        _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_checksumFlag, 1)
        _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_contentSizeFlag, 1)
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    /// One frame, after `reserved` zero bytes for a header.
    func compress(_ raw: [UInt8], reserving reserved: Int) throws(SegmentError) -> [UInt8] {
        let bound = ZSTD_compressBound(raw.count)
        var status = 0
        let framed = unsafe [UInt8](unsafeUninitializedCapacity: reserved + bound) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            unsafe base.initialize(repeating: 0, count: reserved)
            status = unsafe raw.withUnsafeBytes { source in
                unsafe ZSTD_compress2(context, base + reserved, bound, source.baseAddress, source.count)
            }
            count = reserved + (ZSTD_isError(status) == 0 ? status : 0)
        }
        guard ZSTD_isError(status) == 0 else {
            throw SegmentError(
                .compressionFailed, "zstd refused a batch of \(raw.count) bytes. Free memory or start again.")
        }
        return framed
    }
}

/// Takes zstd frames apart; owned by one thread.
@safe final class FrameDecompressor {
    private let context: OpaquePointer

    init() throws(SegmentError) {
        guard let made = unsafe ZSTD_createDCtx() else {
            throw SegmentError(.readFailed, "zstd has no memory for a decompressor. Free memory and start again.")
        }
        unsafe context = made
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    /// The content of one frame that fills `frame` and holds exactly `rawLength` bytes, or nil.
    func decompress(_ frame: [UInt8], rawLength: Int) -> [UInt8]? {
        let isOneFrame = unsafe frame.withUnsafeBytes { source in
            unsafe ZSTD_findFrameCompressedSize(source.baseAddress, source.count) == source.count
                && ZSTD_getFrameContentSize(source.baseAddress, source.count) == UInt64(rawLength)
        }
        guard isOneFrame else { return nil }
        var status = 0
        let raw = unsafe [UInt8](unsafeUninitializedCapacity: rawLength) { buffer, count in
            status = unsafe frame.withUnsafeBytes { source in
                unsafe ZSTD_decompressDCtx(context, buffer.baseAddress, rawLength, source.baseAddress, source.count)
            }
            count = ZSTD_isError(status) == 0 ? min(status, rawLength) : 0
        }
        return ZSTD_isError(status) == 0 && status == rawLength ? raw : nil
    }
}
