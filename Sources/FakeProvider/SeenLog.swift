// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The bounded memory of a server, shared by its event loops; every method may be called from any thread.
final class SeenLog: Sendable {
    private struct State {
        var ring: [SeenRequest] = []
        /// Ordinal of the oldest request that is remembered.
        var first = 0
        /// Position of that request in the ring.
        var start = 0
        /// Ordinal of the oldest request whose body is still kept.
        var firstBody = 0
        var keptBytes = 0
        var nextConnection = 0
        var repeats: [UInt64: UInt32] = [:]
        var counts = FakeProviderCounts()
    }

    private let state = Mutex(State())

    func connectionOpened() -> Int {
        state.withLock {
            $0.counts.connections += 1
            $0.nextConnection += 1
            return $0.nextConnection - 1
        }
    }

    /// Remembers a request; the oldest makes room.
    func add(_ make: (Int) -> SeenRequest) -> SeenRequest {
        state.withLock { state in
            let request = make(state.first + state.ring.count)
            state.counts.requests += 1
            Self.append(request, to: &state)
            return request
        }
    }

    private static func append(_ request: SeenRequest, to state: inout State) {
        state.keptBytes += request.body.count
        if state.ring.count < FakeProviderLimits.seenRequests {
            state.ring.append(request)
        } else {
            state.keptBytes -= state.ring[state.start].body.count
            state.ring[state.start] = request
            state.start = (state.start + 1) % state.ring.count
            state.first += 1
        }
        state.firstBody = max(state.firstBody, state.first)
        while state.keptBytes > FakeProviderLimits.seenTotalBytes, state.firstBody < request.ordinal {
            let at = position(of: state.firstBody, in: state)
            state.keptBytes -= state.ring[at].body.count
            state.ring[at].body = []
            state.firstBody += 1
        }
    }

    private static func position(of ordinal: Int, in state: State) -> Int {
        (state.start + ordinal - state.first) % state.ring.count
    }

    /// Changes a remembered request; nothing happens where it has been forgotten.
    private func update(_ ordinal: Int, _ change: (inout SeenRequest, inout FakeProviderCounts) -> Void) {
        state.withLock { state in
            guard ordinal >= state.first, ordinal - state.first < state.ring.count else {
                var forgotten = SeenRequest.blank
                change(&forgotten, &state.counts)
                return
            }
            let at = Self.position(of: ordinal, in: state)
            change(&state.ring[at], &state.counts)
        }
    }

    func answerBegan(_ ordinal: Int, status: Int, isStream: Bool) {
        update(ordinal) { request, counts in
            request.status = status
            counts.byStatus[status, default: 0] += 1
            if isStream { counts.streams += 1 }
        }
    }

    func answerEnded(_ ordinal: Int, bytes: Int, end: AnswerEnd) {
        update(ordinal) { request, counts in
            request.answeredBytes = bytes
            request.isAnswered = end == .whole
            request.clientGone = end == .clientGone
            if end == .cut { counts.cuts += 1 }
            if end == .clientGone { counts.clientsGone += 1 }
        }
    }

    /// Completes a request that was remembered before its body had come.
    func requestEnded(_ ordinal: Int, body: [UInt8], byteCount: Int) {
        let kept = Array(body.prefix(FakeProviderLimits.seenBodyBytes))
        state.withLock { state in
            guard ordinal >= state.first, ordinal - state.first < state.ring.count else { return }
            let at = Self.position(of: ordinal, in: state)
            state.keptBytes += kept.count - state.ring[at].body.count
            state.ring[at].body = kept
            state.ring[at].bodyByteCount = byteCount
            state.ring[at].isWhole = true
        }
    }

    /// How many times this body came before.
    func repetition(of body: UInt64) -> UInt32 {
        state.withLock { state in
            if state.repeats.count >= FakeProviderLimits.countedBodies { state.repeats = [:] }
            let before = state.repeats[body] ?? 0
            state.repeats[body] = before &+ 1
            return before
        }
    }

    func all() -> [SeenRequest] {
        state.withLock { Array($0.ring[$0.start...] + $0.ring[..<$0.start]) }
    }

    func counts() -> FakeProviderCounts { state.withLock { $0.counts } }
}

/// How an answer came to its end.
enum AnswerEnd: Equatable {
    case whole, cut, clientGone
}

extension SeenRequest {
    /// Stands in for a request that has been forgotten.
    static let blank = SeenRequest(
        ordinal: -1, connection: -1, method: "", target: "", headers: [], body: [], bodyByteCount: 0, isWhole: false)
}
