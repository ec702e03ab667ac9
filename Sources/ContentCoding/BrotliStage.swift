// SPDX-License-Identifier: Apache-2.0
import CBrotli

/// Undoes br with libbrotlidec; owned by one thread.
@safe final class BrotliStage: DecodingStage {
    let coding = "br"
    private(set) var isAtEnd = false
    private let decoder: OpaquePointer
    private var scratch = [UInt8](repeating: 0, count: ContentCodingLimits.scratchBytes)

    init?() {
        guard let made = unsafe BrotliDecoderCreateInstance(nil, nil, nil) else { return nil }
        unsafe decoder = made
    }

    deinit { unsafe BrotliDecoderDestroyInstance(decoder) }

    func feed(_ input: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) -> ContentCodingError.Code? {
        if isAtEnd { return input.isEmpty ? nil : .trailingBytes }
        guard !input.isEmpty else { return nil }
        var rest = input
        while true {
            let (result, consumed, produced) = step(rest)
            rest = rest.dropFirst(consumed)
            guard take(produced, of: scratch, into: &output, limit: limit) else { return .limitReached }
            switch result {
            case BROTLI_DECODER_RESULT_SUCCESS:
                isAtEnd = true
                return rest.isEmpty ? nil : .trailingBytes
            case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
                return nil
            case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
                continue
            default:
                return .damaged
            }
        }
    }

    private func step(_ input: ArraySlice<UInt8>) -> (result: BrotliDecoderResult, consumed: Int, produced: Int) {
        unsafe input.withUnsafeBufferPointer { source in
            unsafe scratch.withUnsafeMutableBufferPointer { target in
                var (inputLeft, outputLeft) = (source.count, target.count)
                var nextInput = source.baseAddress
                var nextOutput = target.baseAddress
                let result = unsafe BrotliDecoderDecompressStream(
                    decoder, &inputLeft, &nextInput, &outputLeft, &nextOutput, nil)
                return (result, source.count - inputLeft, target.count - outputLeft)
            }
        }
    }
}
