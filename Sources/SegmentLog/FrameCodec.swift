// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import CZstd

/// Makes independent zstd frames with content size and checksum; owned by one thread.
@safe final class FrameCompressor {
    /// How hard it tries.
    enum Effort {
        /// For the capture thread: level 1.
        case fast
        /// For sealing: level 3, and long matches from far back found by a table of their own (`zstd --long`).
        case dense
    }

    private let keptScratchBytes: Int
    private let context: OpaquePointer
    private var scratch = ByteStore(capacity: 1_024)

    init(_ effort: Effort = .fast) throws(SegmentError) {
        guard let made = unsafe ZSTD_createCCtx() else {
            throw SegmentError(.compressionFailed, "zstd has no memory for a compressor. Free memory and start again.")
        }
        unsafe context = made
        switch effort {
        case .fast:
            keptScratchBytes = 8 << 20
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, 1)
            // A small table, most of which stays in the first-level cache of the core, and no short matches (decision 0014).
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_hashLog, 14)
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_minMatch, 7)
        case .dense:
            keptScratchBytes = 32 << 20
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, 3)
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_windowLog, SegmentFormat.sealedWindowLog)
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_enableLongDistanceMatching, 1)
            // What repeats is whole conversations and long words of JSON: looking for less costs time and finds no more.
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_ldmMinMatch, 256)
            // One place in 512 enters the table of long matches, not one in 128: as dense within a thousandth.
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_ldmHashRateLog, 9)
            _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_minMatch, 7)
        }
        _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_checksumFlag, 1)
        _ = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_contentSizeFlag, 1)
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    /// Compresses to one frame, and lets it be used.
    ///
    /// - Parameters:
    ///   - raw: what to compress.
    ///   - body: takes the frame, which is good within the call only.
    /// - Returns: what the body returns.
    /// - Throws: `SegmentError` of code `compressionFailed`, or what the body throws.
    func compress<T>(_ raw: ByteRun, _ body: (ByteRun) throws(SegmentError) -> T) throws(SegmentError) -> T {
        defer { scratch.reset(keeping: keptScratchBytes) }
        scratch.reserve(ZSTD_compressBound(raw.count))
        let status = unsafe ZSTD_compress2(context, scratch.base, scratch.capacity, raw.base, raw.count)
        guard ZSTD_isError(status) == 0 else {
            throw SegmentError(
                .compressionFailed, "zstd refused a batch of \(raw.count) bytes. Free memory or start again.")
        }
        scratch.count = status
        return try body(scratch.run)
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
        guard FrameDecompressor.isOne(frame, rawLength: rawLength) else { return nil }
        var isWhole = false
        let raw = unsafe [UInt8](unsafeUninitializedCapacity: rawLength) { buffer, count in
            isWhole = unsafe fill(buffer.baseAddress, rawLength, from: frame)
            count = isWhole ? rawLength : 0
        }
        return isWhole ? raw : nil
    }

    /// Appends the content of one frame that fills `frame` and holds exactly `rawLength` bytes; false where it is none, and
    /// then the store is as it was.
    func decompress(_ frame: [UInt8], rawLength: Int, onto store: inout ByteStore) -> Bool {
        guard FrameDecompressor.isOne(frame, rawLength: rawLength) else { return false }
        store.reserve(rawLength)
        guard unsafe fill(store.base + store.count, rawLength, from: frame) else { return false }
        store.count += rawLength
        return true
    }

    private static func isOne(_ frame: [UInt8], rawLength: Int) -> Bool {
        unsafe frame.withUnsafeBytes { source in
            unsafe ZSTD_findFrameCompressedSize(source.baseAddress, source.count) == source.count
                && ZSTD_getFrameContentSize(source.baseAddress, source.count) == UInt64(rawLength)
        }
    }

    private func fill(_ target: UnsafeMutableRawPointer?, _ rawLength: Int, from frame: [UInt8]) -> Bool {
        let status = unsafe frame.withUnsafeBytes { source in
            unsafe ZSTD_decompressDCtx(context, target, rawLength, source.baseAddress, source.count)
        }
        return ZSTD_isError(status) == 0 && status == rawLength
    }
}
