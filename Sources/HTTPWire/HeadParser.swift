// SPDX-License-Identifier: Apache-2.0
package import NIOCore

/// Finds and checks one head at a time in a growing buffer; no byte is looked at twice while the head is incomplete.
package struct HeadParser: Sendable {
    private var scanned = 0
    private var lineStart = 0
    private var hasSkippedEmptyLine = false
    private let headBytes: Int

    /// A parser at the start of a message.
    ///
    /// - Parameter headBytes: limit of a whole head, start line included.
    package init(headBytes: Int = WireLimits.headBytes) {
        self.headBytes = headBytes
    }

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
        var found = try findEnd(buffer)
        if found == 2, mayFollowEmptyLine, !hasSkippedEmptyLine {
            buffer.moveReaderIndex(forwardBy: 2)
            self = HeadParser(headBytes: headBytes)
            hasSkippedEmptyLine = true
            found = try findEnd(buffer)
        }
        guard let end = found else { return nil }
        self = HeadParser(headBytes: headBytes)
        return buffer.readBytes(length: end)
    }

    /// The length of the head where its closing empty line is there, else nil; looks no further than the limit of a head.
    private mutating func findEnd(_ buffer: ByteBuffer) throws(WireError) -> Int? {
        let count = buffer.readableBytes
        let limit = min(count, headBytes)
        let found = scan(buffer, limit: limit)
        if found == HeadParser.bareLineFeed { throw WireError(.bareLineFeed) }
        if let found { return found }
        if count > headBytes { throw WireError(.headTooLarge, limit: headBytes == WireLimits.headBytes ? nil : headBytes) }
        scanned = count
        return nil
    }

    private static let bareLineFeed = -1

    /// Looks for the empty line from where the last look ended.
    private mutating func scan(_ buffer: ByteBuffer, limit: Int) -> Int? {
        let bytes = buffer.readableBytesSpan
        var index = WordScan.first(ASCII.lf, in: bytes, from: scanned, to: limit)
        while index < limit {
            guard index > lineStart, unsafe bytes.unsafeLoad(fromByteOffset: index - 1, as: UInt8.self) == ASCII.cr else {
                return HeadParser.bareLineFeed
            }
            if index - 1 == lineStart { return index + 1 }
            lineStart = index + 1
            index = WordScan.first(ASCII.lf, in: bytes, from: lineStart, to: limit)
        }
        return nil
    }
}
