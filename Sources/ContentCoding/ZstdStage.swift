// SPDX-License-Identifier: Apache-2.0
import CZstd

/// Undoes zstd with libzstd, several frames and skippable ones included; owned by one thread.
@safe final class ZstdStage: DecodingStage {
    let coding = "zstd"
    private(set) var isAtEnd = false
    private let context: OpaquePointer
    private var framesEnded = 0
    private var isBroken = false
    private var scratch = [UInt8](repeating: 0, count: ContentCodingLimits.scratchBytes)

    init?() {
        guard let made = unsafe ZSTD_createDCtx() else { return nil }
        unsafe context = made
        _ = unsafe ZSTD_DCtx_setParameter(made, ZSTD_d_windowLogMax, ContentCodingLimits.zstdWindowLog)
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    func feed(_ input: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) -> ContentCodingError.Code? {
        if isBroken { return input.isEmpty ? nil : .trailingBytes }
        var rest = input
        var mustFlush = false
        while !rest.isEmpty || mustFlush {
            let wasAtBoundary = isAtEnd
            let (status, consumed, produced) = step(rest)
            rest = rest.dropFirst(consumed)
            guard take(produced, of: scratch, into: &output, limit: limit) else { return .limitReached }
            if ZSTD_isError(status) != 0 {
                isBroken = true
                isAtEnd = wasAtBoundary && framesEnded > 0
                return isAtEnd ? .trailingBytes : .damaged
            }
            isAtEnd = status == 0
            if isAtEnd { framesEnded += 1 }
            mustFlush = !isAtEnd && produced == scratch.count
            if consumed == 0, produced == 0, !isAtEnd { return nil }
        }
        return nil
    }

    private func step(_ input: ArraySlice<UInt8>) -> (status: Int, consumed: Int, produced: Int) {
        unsafe input.withUnsafeBytes { source in
            unsafe scratch.withUnsafeMutableBytes { target in
                var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
                var into = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                let status = unsafe ZSTD_decompressStream(context, &into, &from)
                return unsafe (status, from.pos, into.pos)
            }
        }
    }
}
