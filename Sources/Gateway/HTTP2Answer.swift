// SPDX-License-Identifier: Apache-2.0
import HTTPWire
import NIOCore
import NIOHPACK

/// Reads the bytes of an HTTP/1.1 answer and gives them back as the pieces of an HTTP/2 answer.
///
/// Pure. An answer that ends is told from one that breaks by its own framing.
struct HTTP2Answer {
    /// What becomes one frame, or a few.
    enum Piece {
        case headers(HPACKHeaders, endsStream: Bool)
        case data(ByteBuffer, endsStream: Bool)
    }

    private enum State {
        /// Exits: `body`, `ended`.
        case head(HeadParser)
        /// Exit: `ended`.
        case body(BodyReader)
        case ended
    }

    private var state = State.head(HeadParser())
    private var buffered = ByteBuffer()
    private let isHead: Bool

    /// An answer that has not begun.
    ///
    /// - Parameter isHead: whether the request was a HEAD.
    init(isHead: Bool) {
        self.isHead = isHead
    }

    /// Whether the end has been given out.
    var isEnded: Bool { if case .ended = state { true } else { false } }

    /// Whether the head has been given out.
    var hasBegun: Bool { if case .head = state { false } else { true } }

    /// Whether the end of the connection is a proper end of this answer.
    var mayEndWithConnection: Bool { if case .body(let reader) = state { reader.mayEndWithConnection } else { false } }

    /// Takes the end of the connection as the end of the answer.
    mutating func endWithConnection() { state = .ended }

    /// Takes what was written.
    ///
    /// - Parameters:
    ///   - bytes: the next bytes of the HTTP/1.1 answer.
    ///   - allocator: for joined buffers.
    /// - Returns: what can be sent of it.
    /// - Throws: `WireError` where it is no HTTP/1.1 answer.
    mutating func take(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) throws(WireError) -> [Piece] {
        if bytes.readableBytes > 0 { buffered.add(bytes, allocator: allocator) }
        var pieces: [Piece] = []
        while buffered.readableBytes > 0, try step(&pieces) {}
        return pieces
    }

    private mutating func step(_ pieces: inout [Piece]) throws(WireError) -> Bool {
        switch state {
        case .head(var parser):
            let head = try parser.readResponse(&buffered, toHead: isHead)
            state = .head(parser)
            guard let head else { return false }
            guard !head.isInterim else {
                state = .head(HeadParser())
                pieces.append(.headers(HTTP2Answer.headers(head), endsStream: false))
                return true
            }
            let reader = BodyReader(head.framing)
            state = reader.isComplete ? .ended : .body(reader)
            pieces.append(.headers(HTTP2Answer.headers(head), endsStream: reader.isComplete))
            return true
        case .body(var reader):
            let before = buffered.readableBytes
            var payloads: [ByteBuffer] = []
            let piece = try reader.read(&buffered) { payloads.append($0) }
            state = piece.isComplete ? .ended : .body(reader)
            HTTP2Answer.append(payloads, piece, to: &pieces)
            return buffered.readableBytes < before
        case .ended:
            // An answer has one end.
            throw WireError(.badStartLine)
        }
    }

    private static func append(_ payloads: [ByteBuffer], _ piece: BodyPiece, to pieces: inout [Piece]) {
        let trailers = piece.ending.map(trailers) ?? HPACKHeaders()
        let endsWithData = piece.isComplete && trailers.isEmpty
        for (index, payload) in payloads.enumerated() {
            pieces.append(.data(payload, endsStream: endsWithData && index == payloads.count - 1))
        }
        if endsWithData, payloads.isEmpty { pieces.append(.data(ByteBuffer(), endsStream: true)) }
        if piece.isComplete, !trailers.isEmpty { pieces.append(.headers(trailers, endsStream: true)) }
    }

    /// The head with names in lower case, without what is about one HTTP/1.1 connection.
    private static func headers(_ head: ResponseHead) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(head.block.fields.count + 1)
        headers.add(name: ":status", value: String(head.status))
        let dropped = head.block.connectionNames
        for field in head.block.fields where !isDropped(field, head) {
            let name = head.block.name(field).map(ASCII.lower)
            if dropped.contains(name) { continue }
            headers.add(
                name: String(decoding: name, as: UTF8.self), value: String(decoding: head.block.value(field), as: UTF8.self))
        }
        return headers
    }

    private static func isDropped(_ field: HeaderField, _ head: ResponseHead) -> Bool {
        switch field.known {
        case .trailer: false
        // These have no content, whatever they say of its length.
        case .contentLength: head.status < 200 || head.status == 204
        default: field.known.isHopByHop
        }
    }

    /// The trailers of a closing chunk that the body's reader has checked.
    private static func trailers(_ ending: ByteBuffer) -> HPACKHeaders {
        var headers = HPACKHeaders()
        for line in Array(ending.readableBytesView).split(separator: UInt8(ascii: "\n")).dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[line.index(after: colon)...].filter { $0 != UInt8(ascii: "\r") }
            headers.add(
                name: String(decoding: line[..<colon].map(ASCII.lower), as: UTF8.self),
                value: String(decoding: ASCII.trimmed(value[...]), as: UTF8.self))
        }
        return headers
    }
}
