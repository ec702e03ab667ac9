// SPDX-License-Identifier: Apache-2.0
package import NIOCore

/// Finds and checks one head at a time in a growing buffer; no byte is looked at twice while the head is incomplete.
package struct HeadParser: Sendable {
    private var scanned = 0
    private var lineStart = 0
    private var hasSkippedEmptyLine = false

    /// A parser at the start of a message.
    package init() {}

    /// Reads a request head.
    ///
    /// - Parameter buffer: what has arrived; the head is consumed once it is whole. One empty line before it is skipped.
    /// - Returns: the head, or nil where more bytes are needed.
    /// - Throws: `WireError`; the connection cannot be used any further.
    package mutating func readRequest(_ buffer: inout ByteBuffer) throws(WireError) -> RequestHead? {
        guard let bytes = try takeHead(&buffer, mayFollowEmptyLine: true) else { return nil }
        return try HeadSyntax.request(bytes)
    }

    /// Reads an answer head.
    ///
    /// - Parameters:
    ///   - buffer: what has arrived; the head is consumed once it is whole.
    ///   - toHead: whether the request was a HEAD, whose answer has no body.
    /// - Returns: the head, or nil where more bytes are needed.
    /// - Throws: `WireError`; the connection cannot be used any further.
    package mutating func readResponse(_ buffer: inout ByteBuffer, toHead: Bool) throws(WireError) -> ResponseHead? {
        guard let bytes = try takeHead(&buffer, mayFollowEmptyLine: false) else { return nil }
        return try HeadSyntax.response(bytes, toHead: toHead)
    }

    /// Whether part of a head has been seen.
    package var isMidHead: Bool { scanned > 0 }

    private mutating func takeHead(_ buffer: inout ByteBuffer, mayFollowEmptyLine: Bool) throws(WireError) -> [UInt8]? {
        var found = try findEnd(buffer.readableBytesView)
        if found == 2, mayFollowEmptyLine, !hasSkippedEmptyLine {
            buffer.moveReaderIndex(forwardBy: 2)
            self = HeadParser()
            hasSkippedEmptyLine = true
            found = try findEnd(buffer.readableBytesView)
        }
        guard let end = found else { return nil }
        self = HeadParser()
        return buffer.readBytes(length: end)
    }

    /// The length of the head where its closing empty line is there, else nil; looks no further than the limit of a head.
    private mutating func findEnd(_ view: ByteBufferView) throws(WireError) -> Int? {
        let base = view.startIndex
        let limit = base + min(view.count, WireLimits.headBytes)
        var index = base + scanned
        while index < limit {
            if view[index] == ASCII.lf {
                guard index > base, view[index - 1] == ASCII.cr else { throw WireError(.bareLineFeed) }
                let length = index - base - 1 - lineStart
                if length == 0 { return index - base + 1 }
                lineStart = index - base + 1
            }
            index += 1
        }
        if view.count > WireLimits.headBytes { throw WireError(.headTooLarge) }
        scanned = view.count
        return nil
    }
}
