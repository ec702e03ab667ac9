// SPDX-License-Identifier: Apache-2.0
package import NIOCore

extension ByteBuffer {
    /// Appends what has just been read, letting go of what was consumed before.
    ///
    /// Appending alone never frees consumed bytes: a body whose reads all end within a chunk line would be kept whole.
    /// - Parameters:
    ///   - bytes: what came.
    ///   - allocator: for the joined buffer, where one is needed.
    package mutating func add(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) {
        var bytes = bytes
        guard readableBytes > 0 else {
            self = bytes
            return
        }
        if readerIndex > 0 {
            var joined = allocator.buffer(capacity: readableBytes + bytes.readableBytes)
            joined.writeBuffer(&self)
            self = joined
        }
        writeBuffer(&bytes)
    }
}
