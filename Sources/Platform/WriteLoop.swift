// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What one raw write did.
enum WriteStep {
    case wrote(Int)
    case failed(Int32)
}

/// The loop around raw writes that both file systems share, so that the twin in memory tests the real one.
enum WriteLoop {
    /// Writes all of a slice.
    ///
    /// - Parameters:
    ///   - bytes: what to write.
    ///   - write: one raw write; may write less than given.
    /// - Returns: the error number that stopped it, or nil when all is written.
    static func run(_ bytes: ArraySlice<UInt8>, write: (ArraySlice<UInt8>) -> WriteStep) -> Int32? {
        var rest = bytes
        var idle = 0
        while !rest.isEmpty {
            switch write(rest.prefix(PlatformLimits.ioChunkBytes)) {
            case .wrote(let count) where count > 0:
                rest = rest.dropFirst(count)
                idle = 0
            case .wrote:
                idle += 1
                if idle > PlatformLimits.idleWrites { return EIO }
            case .failed(EINTR):
                idle += 1
                if idle > PlatformLimits.idleWrites { return EINTR }
            case .failed(let number):
                return number
            }
        }
        return nil
    }
}
