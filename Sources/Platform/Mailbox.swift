// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A bounded hand-off from many threads to one: offering never waits, taking drains all there is.
///
/// Bounded by weight (bytes) and by count; what does not fit is refused and stays the caller's to count. Messages of one
/// offering thread arrive in its order. One consumer at a time.
package final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var weight = 0
        var isClosed = false
        var consumerSleeps = false
    }

    /// The most weight held at once, bytes.
    package let weightLimit: Int
    /// The most messages held at once.
    package let countLimit: Int
    private let state = Mutex(State())
    private let parker = Parker()

    /// An empty, open mailbox.
    package init(weightLimit: Int, countLimit: Int) {
        self.weightLimit = weightLimit
        self.countLimit = countLimit
    }

    /// Hands a message over without waiting.
    ///
    /// - Parameters:
    ///   - message: what to hand over.
    ///   - weight: its size in bytes; negative counts as 0.
    /// - Returns: false when full or closed: the message was not taken.
    package func offer(_ message: Message, weight: Int) -> Bool {
        let added = max(0, weight)
        let (taken, wake) = state.withLock { held -> (Bool, Bool) in
            guard !held.isClosed, held.messages.count < countLimit, added <= weightLimit - held.weight else {
                return (false, false)
            }
            held.messages.append(message)
            held.weight += added
            defer { held.consumerSleeps = false }
            return (true, held.consumerSleeps)
        }
        if wake { parker.wake() }
        return taken
    }

    /// Takes everything there is, waiting for the first message; blocks its thread.
    ///
    /// - Parameter maxWaitUs: how long to wait at most, microseconds; 0 does not wait.
    /// - Returns: the messages in order; empty on time-out, or at once when closed and drained.
    package func take(maxWaitUs: Int64) -> [Message] {
        let clock = SystemClock()
        var left = min(maxWaitUs, PlatformLimits.longestParkUs)
        let deadline = clock.monotonicUs + left
        while true {
            let (messages, mustWait) = drain(willSleep: left > 0)
            guard mustWait else { return messages }
            // A wake-up meant for an earlier wait may end this one early; then it waits for the rest.
            parker.park(maxUs: left)
            left = deadline - clock.monotonicUs
        }
    }

    /// Ends it: later offers are refused, messages held can still be taken, a waiting consumer wakes.
    package func close() {
        state.withLock { $0.isClosed = true }
        parker.wake()
    }

    /// Whether `close()` was called.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Weight held now, bytes.
    package var heldWeight: Int { state.withLock { $0.weight } }

    /// Messages held now.
    package var heldCount: Int { state.withLock { $0.messages.count } }

    private func drain(willSleep: Bool) -> ([Message], Bool) {
        state.withLock { held in
            if held.messages.isEmpty {
                let sleeps = willSleep && !held.isClosed
                held.consumerSleeps = sleeps
                return ([], sleeps)
            }
            let taken = held.messages
            held.messages = []
            held.weight = 0
            held.consumerSleeps = false
            return (taken, false)
        }
    }
}
