// SPDX-License-Identifier: Apache-2.0

/// Bytes and the time at which they are due, in microseconds after the request's end.
struct TimedChunk: Equatable {
    var dueMicroseconds: Int64
    var bytes: [UInt8]
}

/// Everything about one answer that the handler needs: what to send, when, and how to end.
struct Playback {
    var status: Int
    var headers: [SeenHeader]
    var headDueMicroseconds: Int64
    var chunks: [TimedChunk]
    var framing: AnswerFraming
    /// Interim answers before this one.
    var hints = 0
    var hasTrailers = false
    /// Whether each chunk is flushed on its own.
    var flushesEach = false
    /// Whether only the head is sent: an answer to HEAD, or a status that has no body.
    var omitsBody = false
    /// Length announced where framing is not chunked.
    var contentLength: Int
    /// Whether the connection ends after the last chunk without the message's proper end.
    var isCut = false
    /// Whether a cut or dropped connection is reset.
    var resets = false
    /// Whether the connection ends before any byte of an answer.
    var drops = false
    /// Whether the connection closes after the answer.
    var closes = false

    init(
        status: Int, headers: [SeenHeader], chunks: [TimedChunk], isChunked: Bool, headDueMicroseconds: Int64? = nil
    ) {
        self.status = status
        self.headers = headers
        self.chunks = chunks
        framing = isChunked ? .chunked : .length
        self.headDueMicroseconds = headDueMicroseconds ?? chunks.first?.dueMicroseconds ?? 0
        contentLength = chunks.reduce(0) { $0 + $1.bytes.count }
    }

    /// Whether the body needs a last chunk.
    var isChunked: Bool { framing == .chunked || framing == .odd }

    /// Cuts all chunks into pieces of `size` bytes.
    mutating func split(size: Int) {
        var pieces: [TimedChunk] = []
        for chunk in chunks {
            var left = chunk.bytes[...]
            while left.count > size, pieces.count < FakeProviderLimits.writePieces {
                pieces.append(TimedChunk(dueMicroseconds: chunk.dueMicroseconds, bytes: Array(left.prefix(size))))
                left = left.dropFirst(size)
            }
            if !left.isEmpty { pieces.append(TimedChunk(dueMicroseconds: chunk.dueMicroseconds, bytes: Array(left))) }
        }
        chunks = pieces
        flushesEach = true
    }

    /// Compresses the body; a stream is flushed at the end of each chunk.
    mutating func compress(_ coding: AnswerCoding) {
        let coded = AnswerEncoder.encode(chunks.map(\.bytes), coding)
        for index in chunks.indices { chunks[index].bytes = coded[index] }
        contentLength = chunks.reduce(0) { $0 + $1.bytes.count }
        headers.append(SeenHeader(name: "Content-Encoding", value: coding.rawValue))
        headers.append(SeenHeader(name: "Vary", value: "Accept-Encoding"))
    }

    /// Applies what an order says about the way of the bytes.
    mutating func apply(_ order: FakeOrder) {
        if let coding = order.coding, !chunks.isEmpty { compress(coding) }
        if let cut = order.cut, !isCut { self.cut(after: cut) }
        if let size = order.writeBytes { split(size: size) }
        if let framing = order.framing { self.framing = framing }
        if order.hasTrailers, !isChunked { framing = .chunked }
        hasTrailers = order.hasTrailers
        hints = order.hints
        resets = order.resets
        drops = order.drops
        closes = order.closes || framing == .close || order.early == .closes
    }

    /// Ends the answer after `limit` body bytes; a limit beyond the body changes nothing.
    mutating func cut(after limit: Int) {
        guard limit <= contentLength else { return }
        var left = limit
        var kept: [TimedChunk] = []
        for chunk in chunks where left > 0 {
            let part = chunk.bytes.prefix(left)
            kept.append(TimedChunk(dueMicroseconds: chunk.dueMicroseconds, bytes: Array(part)))
            left -= part.count
        }
        chunks = kept
        isCut = true
    }
}
