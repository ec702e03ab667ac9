// SPDX-License-Identifier: Apache-2.0

/// When each part of an answer is due.
struct AnswerClock {
    private let opening: Int64
    private let first: Int64
    private let gap: Double
    private let hasForcedGap: Bool
    private let stall: Int64
    private let script: FakeProviderScript
    private let contentCount: Int
    private let random: SeededRandom

    init(script: FakeProviderScript, order: FakeOrder, answer: ComposedAnswer, random: SeededRandom) {
        var random = random
        let pace = ModelPace.of(answer.asked.model)
        let ttft = pace.ttftMilliseconds * 1_000 * random.spread()
        let thinking = answer.thinking.isEmpty ? Double(answer.usage?.reasoning ?? 0) * pace.gapMilliseconds * 1_000 : 0
        first = order.ttftMilliseconds.map { $0 * 1_000 } ?? script.scaled(ttft + thinking)
        opening = order.ttftMilliseconds.map { $0 * 500 } ?? script.scaled(ttft / 2)
        let drawnGap = pace.gapMilliseconds * 1_000 * (0.8 + 0.4 * random.unit())
        hasForcedGap = order.gapMilliseconds != nil || order.ttftMilliseconds != nil
        gap = order.gapMilliseconds.map { Double($0) * 1_000 } ?? (order.ttftMilliseconds != nil ? 0 : drawnGap)
        stall = (order.stallMilliseconds ?? 0) * 1_000
        contentCount = answer.pieces.count + answer.thinking.count + (answer.toolCall?.fragments.count ?? 0)
        self.script = script
        self.random = random
    }

    /// When a plain answer is due: after all of its tokens.
    var plainMicroseconds: Int64 {
        let tokens = gap * Double(contentCount)
        return first + (hasForcedGap ? Int64(tokens) : script.scaled(tokens))
    }

    /// Gives each event its time; the stall falls before the middle content event.
    func stream(_ events: [AnswerEvent]) -> (chunks: [TimedChunk], headDue: Int64) {
        var random = random
        let middle = events.count { $0.pace == .content } / 2
        var due = opening
        var seen = 0
        let chunks = events.map { event in
            if event.pace == .content {
                if seen == 0 { due = max(due, first) } else { due += step(&random) }
                if seen == middle { due += stall }
                seen += 1
            }
            return TimedChunk(dueMicroseconds: due, bytes: event.bytes)
        }
        return (chunks, opening)
    }

    private func step(_ random: inout SeededRandom) -> Int64 {
        hasForcedGap ? Int64(gap) : script.scaled(gap * random.spread())
    }
}
