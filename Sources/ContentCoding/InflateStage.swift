// SPDX-License-Identifier: Apache-2.0
import CZlib

/// Undoes gzip or deflate with zlib; owned by one thread.
@safe final class InflateStage: DecodingStage {
    enum Wrapping {
        case gzip
        /// What `deflate` means: a zlib stream by the standard, a raw one by the habit of some servers.
        case zlibOrRaw
    }

    let coding: String
    private(set) var isAtEnd = false
    private let wrapping: Wrapping
    // zlib keeps the address of this structure, so it must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isStarted = false
    private var held: [UInt8] = []
    private var membersEnded = 0
    private var hasEnded = false
    private var scratch = [UInt8](repeating: 0, count: ContentCodingLimits.scratchBytes)

    init?(coding: String, wrapping: Wrapping) {
        self.coding = coding
        self.wrapping = wrapping
        unsafe stream.initialize(to: z_stream())
        if wrapping == .gzip, !start(windowBits: 31) { return nil }
    }

    deinit {
        if isStarted { unsafe inflateEnd(stream) }
        unsafe stream.deallocate()
    }

    func feed(_ input: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) -> ContentCodingError.Code? {
        guard !hasEnded else { return input.isEmpty ? nil : .trailingBytes }
        guard !input.isEmpty else { return nil }
        if isStarted { return inflateAll(input, into: &output, limit: limit) }
        held.append(contentsOf: input)
        guard held.count >= 2 else { return nil }
        let isWrapped = held[0] & 0x0F == 8 && (Int(held[0]) << 8 | Int(held[1])) % 31 == 0
        guard start(windowBits: isWrapped ? 15 : -15) else { return .noMemory }
        let all = held
        held = []
        return inflateAll(all[...], into: &output, limit: limit)
    }

    private func start(windowBits: Int32) -> Bool {
        isStarted = unsafe inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        return isStarted
    }

    private func inflateAll(_ input: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) -> ContentCodingError.Code? {
        var rest = input
        while true {
            if isAtEnd, !rest.isEmpty, let refused = beginNextMember(&rest) { return refused }
            if isAtEnd { return nil }
            let (status, consumed, produced) = step(rest)
            rest = rest.dropFirst(consumed)
            guard take(produced, of: scratch, into: &output, limit: limit) else { return .limitReached }
            switch status {
            case Z_STREAM_END:
                isAtEnd = true
                membersEnded += 1
                if rest.isEmpty { return nil }
            case Z_OK, Z_BUF_ERROR:
                if produced < scratch.count, rest.isEmpty || consumed == 0 { return nil }
            default:
                return failure(status)
            }
        }
    }

    /// After the end of a member: another gzip member, zero padding, or bytes that do not belong here.
    private func beginNextMember(_ rest: inout ArraySlice<UInt8>) -> ContentCodingError.Code? {
        if wrapping == .gzip {
            rest = rest.drop(while: { $0 == 0 })
            if rest.isEmpty { return nil }
            if rest.first == 0x1F, unsafe inflateReset(stream) == Z_OK {
                isAtEnd = false
                return nil
            }
        }
        hasEnded = true
        return .trailingBytes
    }

    private func failure(_ status: Int32) -> ContentCodingError.Code {
        if status == Z_MEM_ERROR { return .noMemory }
        let isHeader = unsafe stream.pointee.total_out == 0 && stream.pointee.total_in < 10
        if membersEnded > 0, isHeader {
            hasEnded = true
            isAtEnd = true
            return .trailingBytes
        }
        return .damaged
    }

    private func step(_ input: ArraySlice<UInt8>) -> (status: Int32, consumed: Int, produced: Int) {
        let given = min(input.count, Int(UInt32.max))
        return unsafe input.withUnsafeBufferPointer { source in
            unsafe scratch.withUnsafeMutableBufferPointer { target in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(given)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(target.count)
                let status = unsafe inflate(stream, Z_SYNC_FLUSH)
                let left = unsafe (Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
                return (status, given - left.0, target.count - left.1)
            }
        }
    }
}
