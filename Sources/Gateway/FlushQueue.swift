// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// Connections that have a request or the end of an answer to send, until every socket that was ready has been read.
///
/// Bytes that go out together wake their receivers once: sending after each read would wake a receiver that has fallen asleep
/// again since the last. Nothing waits longer than one turn of the loop, and no more than `limit` connections wait for each other.
///
/// World: loop.
final class FlushQueue {
    private let eventLoop: any EventLoop
    private var waiting: [DownstreamHandler] = []
    private var isScheduled = false
    private var isFlushing = false
    /// Connections after which the queue is worked off at once.
    private static let limit = 32

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        waiting.reserveCapacity(2 * FlushQueue.limit)
    }

    /// Has a connection flushed, with its exchange, before this turn of the loop is over.
    ///
    /// - Parameter handler: of the connection; it is there once at most.
    func add(_ handler: DownstreamHandler) {
        waiting.append(handler)
        guard !isFlushing else { return }
        if waiting.count >= FlushQueue.limit { return flush() }
        guard !isScheduled else { return }
        isScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            self.flush()
        }
    }

    private func flush() {
        isFlushing = true
        var next = 0
        // Flushing may end a connection, and that may have another one flushed: it is appended meanwhile.
        while next < waiting.count {
            waiting[next].flushNow()
            next += 1
        }
        waiting.removeAll(keepingCapacity: true)
        isFlushing = false
    }
}
