// SPDX-License-Identifier: Apache-2.0
import FactStore
import Platform
import Synchronization

/// Says on a terminal that an answer takes its time, and how long already.
enum SlowAnswer {
    /// Microseconds of silence; most answers come sooner.
    private static let patienceUs: Int64 = 500_000
    /// Microseconds between two words.
    private static let beatUs: Int64 = 100_000

    /// Computes an answer; beside it a thread keeps the progress line, where standard error is a terminal.
    static func run(_ name: String, store: FactStore, _ compute: () throws -> Void) throws {
        guard Terminal.isInteractive else { return try compute() }
        let facts = try store.count()
        let note = Note(name: name, facts: facts)
        let thread = try OwnedThread(name: "weir-progress") { note.keep() }
        defer {
            note.end()
            thread.join()
        }
        try compute()
    }

    private final class Note: Sendable {
        private let words: String
        private let isOver = Atomic(false)
        private let parker = Parker()

        init(name: String, facts: Int64) { words = "\(name): reading \(facts) facts" }

        func end() {
            isOver.store(true, ordering: .releasing)
            parker.wake()
        }

        func keep() {
            let clock = SystemClock()
            let begunUs = clock.monotonicUs
            var hasSpoken = false
            while !isOver.load(ordering: .acquiring) {
                let goneUs = clock.monotonicUs - begunUs
                if goneUs >= SlowAnswer.patienceUs {
                    hasSpoken = true
                    Terminal.progress("\(words), \(goneUs / 1_000_000).\(goneUs / 100_000 % 10) s")
                }
                parker.park(maxUs: hasSpoken ? SlowAnswer.beatUs : max(1, SlowAnswer.patienceUs - goneUs))
            }
            if hasSpoken { Terminal.endProgress() }
        }
    }
}
