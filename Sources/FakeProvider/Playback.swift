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
    /// Chunked framing; otherwise a content length.
    var isChunked: Bool
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
        self.isChunked = isChunked
        self.headDueMicroseconds = headDueMicroseconds ?? chunks.first?.dueMicroseconds ?? 0
        contentLength = chunks.reduce(0) { $0 + $1.bytes.count }
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
