// SPDX-License-Identifier: Apache-2.0
package import NIOCore

/// What one look at the buffer yielded of a body.
package struct BodyPiece: Sendable {
    /// Bytes to forward as they are, framing included; empty where nothing may pass yet.
    package var raw: ByteBuffer
    /// The closing chunk and trailers, kept apart so that the exchange can be committed before they pass; nil elsewhere.
    package var ending: ByteBuffer?
    /// The body is whole with this piece.
    package var isComplete: Bool

    /// A piece of a body.
    package init(raw: ByteBuffer, ending: ByteBuffer?, isComplete: Bool) {
        self.raw = raw
        self.ending = ending
        self.isComplete = isComplete
    }
}

/// Follows one body's framing: says which bytes belong to it, which of them are payload, and where it ends.
package struct BodyReader: Sendable {
    private enum State: Sendable {
        case done
        case length(Int)
        case untilClose
        case chunked(ChunkedFraming)
    }
    private var state: State

    /// A reader at the start of a body.
    package init(_ framing: BodyFraming) {
        switch framing {
        case .none, .length(0): state = .done
        case .length(let count): state = .length(count)
        case .untilClose: state = .untilClose
        case .chunked: state = .chunked(ChunkedFraming())
        }
    }

    /// Whether the body has ended.
    package var isComplete: Bool { if case .done = state { true } else { false } }

    /// Whether the end of the connection is a proper end of the body.
    package var mayEndWithConnection: Bool {
        switch state {
        case .done, .untilClose: true
        default: false
        }
    }

    /// Consumes what belongs to the body.
    ///
    /// - Parameters:
    ///   - buffer: what has arrived; an incomplete chunk line stays in it.
    ///   - payload: called with each run of payload bytes, in order, before this returns.
    /// - Returns: what may be forwarded.
    /// - Throws: `WireError` where the chunked framing is broken.
    package mutating func read(_ buffer: inout ByteBuffer, payload: (ByteBuffer) -> Void) throws(WireError) -> BodyPiece {
        switch state {
        case .done:
            return BodyPiece(raw: ByteBuffer(), ending: nil, isComplete: true)
        case .length(let left):
            let piece = buffer.readSlice(length: min(left, buffer.readableBytes)) ?? ByteBuffer()
            let remaining = left - piece.readableBytes
            state = remaining == 0 ? .done : .length(remaining)
            if piece.readableBytes > 0 { payload(piece) }
            return BodyPiece(raw: piece, ending: nil, isComplete: remaining == 0)
        case .untilClose:
            let piece = buffer.readSlice(length: buffer.readableBytes) ?? ByteBuffer()
            if piece.readableBytes > 0 { payload(piece) }
            return BodyPiece(raw: piece, ending: nil, isComplete: false)
        case .chunked(var framing):
            let piece = try framing.read(&buffer, payload: payload)
            state = piece.isComplete ? .done : .chunked(framing)
            return piece
        }
    }
}

/// The chunked transfer coding (RFC 9112 section 7.1), validated and passed on as it came.
struct ChunkedFraming: Sendable {
    private enum Phase: Sendable {
        case sizeLine
        case payload(Int)
        case payloadEnd
        case trailers(afterSizeLine: Int)
    }
    private var phase = Phase.sizeLine
    private var trailerScanned = 0
    private var trailerLineStart = 0

    /// Consumes whole units; what is left in the buffer begins a unit that is not whole yet.
    mutating func read(_ buffer: inout ByteBuffer, payload: (ByteBuffer) -> Void) throws(WireError) -> BodyPiece {
        let start = buffer.readerIndex
        var position = start
        var endStart: Int?
        scan: while true {
            switch phase {
            case .sizeLine:
                guard let line = try ChunkSizeLine.read(buffer.readableBytesView, at: position) else { break scan }
                if line.size == 0 {
                    phase = .trailers(afterSizeLine: line.end - position)
                } else {
                    position = line.end
                    phase = .payload(line.size)
                }
            case .payload(let left):
                let count = min(left, buffer.writerIndex - position)
                guard count > 0, let slice = buffer.getSlice(at: position, length: count) else { break scan }
                payload(slice)
                position += count
                phase = count == left ? .payloadEnd : .payload(left - count)
            case .payloadEnd:
                guard try payloadEnd(buffer, at: position) else { break scan }
                position += 2
                phase = .sizeLine
            case .trailers(let afterSizeLine):
                guard let end = try trailersEnd(buffer, at: position + afterSizeLine) else { break scan }
                endStart = position
                position = end
                break scan
            }
        }
        return take(&buffer, from: start, to: position, endStart: endStart)
    }

    private func take(_ buffer: inout ByteBuffer, from start: Int, to position: Int, endStart: Int?) -> BodyPiece {
        let rawEnd = endStart ?? position
        let raw = buffer.readSlice(length: rawEnd - start) ?? ByteBuffer()
        let ending = endStart.flatMap { buffer.readSlice(length: position - $0) }
        return BodyPiece(raw: raw, ending: ending, isComplete: endStart != nil)
    }

    private func payloadEnd(_ buffer: ByteBuffer, at position: Int) throws(WireError) -> Bool {
        let view = buffer.readableBytesView
        guard position < view.endIndex else { return false }
        guard view[position] == ASCII.cr else { throw WireError(.badChunkEnd) }
        guard position + 1 < view.endIndex else { return false }
        guard view[position + 1] == ASCII.lf else { throw WireError(.badChunkEnd) }
        return true
    }

    /// The index after the empty line that closes the trailers, or nil where it has not come yet; no byte is looked at twice.
    private mutating func trailersEnd(_ buffer: ByteBuffer, at start: Int) throws(WireError) -> Int? {
        let view = buffer.readableBytesView
        let limit = min(view.endIndex, start + WireLimits.trailerBytes)
        var lineStart = start + trailerLineStart
        var index = start + trailerScanned
        while index < limit {
            if view[index] == ASCII.lf {
                guard index > lineStart, view[index - 1] == ASCII.cr else { throw WireError(.bareLineFeed) }
                if index - 1 == lineStart {
                    try checkTrailers(Array(view[start...index]))
                    return index + 1
                }
                lineStart = index + 1
            }
            index += 1
        }
        if view.endIndex - start > WireLimits.trailerBytes { throw WireError(.trailersTooLarge) }
        trailerLineStart = lineStart - start
        trailerScanned = index - start
        return nil
    }

    /// Trailers obey the grammar of headers and carry nothing that decides framing, routing, identity or the body's meaning.
    private func checkTrailers(_ bytes: [UInt8]) throws(WireError) {
        for field in try HeadSyntax.fields(bytes, from: 0) {
            switch field.known {
            case .other, .traceparent, .xRequestID: continue
            default: throw WireError(.badTrailer)
            }
        }
    }
}
