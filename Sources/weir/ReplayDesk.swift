// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Synchronization

/// Hands exchanges out to the threads that send them, in the order of the plan; safe to use from several threads.
final class ReplayDesk: Sendable {
    /// What a thread is to do next.
    enum Next: Sendable {
        case send(ExchangeRecord, dueUs: Int64?)
        /// The record cannot be read any more.
        case unreadable(String)
        case nothing
    }

    private struct State {
        let source: ReplaySource
        var index = 0
    }

    private let entries: [ReplayPlan.Entry]
    private let rounds: Int
    private let pace: ReplayPace
    private let firstUs: Int64
    private let roundUs: Int64
    private let state: Mutex<State>
    private let stopped = Atomic<Bool>(false)

    init(plan: ReplayPlan, rounds: Int, pace: ReplayPace, source: sending ReplaySource) {
        entries = plan.entries
        self.rounds = rounds
        self.pace = pace
        firstUs = plan.firstUs
        roundUs = plan.roundUs
        state = Mutex(State(source: source))
    }

    /// How many there are to send.
    var total: Int { entries.count * rounds }

    /// Ends it early: nothing more is handed out.
    func stop() { stopped.store(true, ordering: .relaxed) }
    var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// The next exchange, which the caller holds back until it is due.
    func take() -> Next {
        guard !isStopped else { return .nothing }
        return state.withLock { state in
            guard state.index < total, !entries.isEmpty else { return .nothing }
            let entry = entries[state.index % entries.count]
            let round = state.index / entries.count
            state.index += 1
            let due = pace.dueUs(startedAtUs: entry.startedAtUs, firstUs: firstUs, round: round, roundUs: roundUs)
            do { return .send(try state.source.record(entry.place), dueUs: due) } catch { return .unreadable("\(error)") }
        }
    }
}
