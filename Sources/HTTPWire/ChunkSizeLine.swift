// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// The line before each chunk: `1*HEXDIG *( ";" token [ "=" ( token / quoted-string ) ] ) CRLF`.
///
/// White space stands inside quotes only, stricter than RFC 9112 section 7.1.1.
enum ChunkSizeLine {
    /// Reads one line.
    ///
    /// - Parameters:
    ///   - view: what has arrived.
    ///   - start: where the line begins.
    /// - Returns: the chunk's size and the index after the line, or nil where the line is not whole yet.
    /// - Throws: `WireError` where the bytes break the grammar or the line its limit.
    static func read(_ view: ByteBufferView, at start: Int) throws(WireError) -> (size: Int, end: Int)? {
        let limit = min(view.endIndex, start + WireLimits.chunkLineBytes)
        var index = start
        guard let size = try size(view, &index, limit), try extensions(view, &index, limit), index + 1 < limit else {
            if limit < view.endIndex { throw WireError(.chunkLineTooLarge) }
            return nil
        }
        guard view[index + 1] == ASCII.lf else { throw WireError(.bareCarriageReturn) }
        return (size, index + 2)
    }

    /// The size, or nil where its last digit may not have come yet.
    private static func size(_ view: ByteBufferView, _ index: inout Int, _ limit: Int) throws(WireError) -> Int? {
        let start = index
        var size = 0
        while index < limit, let digit = hexDigit(view[index]) {
            guard index - start < 15 else { throw WireError(.badChunkSize) }
            size = size << 4 | digit
            index += 1
        }
        guard index < limit else { return nil }
        guard index > start else { throw WireError(.badChunkSize) }
        return size
    }

    /// Passes over the extensions up to the closing CR; false where more bytes are needed.
    private static func extensions(_ view: ByteBufferView, _ index: inout Int, _ limit: Int) throws(WireError) -> Bool {
        while view[index] == UInt8(ascii: ";") {
            index += 1
            guard try token(view, &index, limit) else { return false }
            guard view[index] == UInt8(ascii: "=") else { continue }
            index += 1
            guard index < limit else { return false }
            let isWhole = view[index] == UInt8(ascii: "\"") ? try quoted(view, &index, limit) : try token(view, &index, limit)
            guard isWhole else { return false }
        }
        guard view[index] == ASCII.cr else { throw WireError(.badChunkSize) }
        return true
    }

    private static func token(_ view: ByteBufferView, _ index: inout Int, _ limit: Int) throws(WireError) -> Bool {
        let start = index
        while index < limit, ASCII.isToken(view[index]) { index += 1 }
        guard index < limit else { return false }
        guard index > start else { throw WireError(.badChunkSize) }
        return true
    }

    private static func quoted(_ view: ByteBufferView, _ index: inout Int, _ limit: Int) throws(WireError) -> Bool {
        index += 1
        while index < limit, view[index] != UInt8(ascii: "\"") {
            if view[index] == UInt8(ascii: "\\") { index += 1 }
            guard index < limit else { return false }
            guard HeadSyntax.isValueByte(view[index]) else { throw WireError(.badChunkSize) }
            index += 1
        }
        index += 1
        return index < limit
    }

    private static func hexDigit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte - 0x30)
        case 0x61...0x66: Int(byte - 0x61) + 10
        case 0x41...0x46: Int(byte - 0x41) + 10
        default: nil
        }
    }
}
