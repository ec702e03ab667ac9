// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// What an event brings of the model's output.
enum ContentKind {
    /// Reasoning, shown or encrypted, that is not part of the answer.
    case hidden
    /// Text, a refusal, audio, a tool call.
    case visible
    /// The name of a tool call whose arguments come later: output only where none come.
    case announced
}

/// When bytes of the answer arrived.
///
/// A cursor: ask for rising offsets.
struct ArrivalClock {
    private let chunks: [ChunkArrival]
    private var index = 0

    init(_ chunks: [ChunkArrival]) { self.chunks = chunks }

    /// The time of the chunk that holds the byte at `offset`, or nil where no chunk does.
    ///
    /// - Complexity: O(chunks) for all calls together.
    mutating func time(ofByteAt offset: Int) -> Int64? {
        guard let first = chunks.first, first.offset <= offset else { return nil }
        while index + 1 < chunks.count, chunks[index + 1].offset <= offset { index += 1 }
        return chunks[index].timeUs
    }
}

/// Arrival of the model's output in a streamed answer, by the definitions of the wire reference (9.1).
///
/// One definition is wider: a tool call that has no arguments is dated by the event that names it, since no other comes.
struct ContentTiming {
    /// The first event, whatever it carries; nil where its own arrival is not known.
    private(set) var firstEventUs: Int64?
    /// The first event with reasoning.
    private(set) var firstHiddenUs: Int64?
    private var firstContentUs: Int64?
    private var firstVisibleContentUs: Int64?
    private var lastUs: Int64?
    private var announcedUs: Int64?
    private var eventCount = 0
    private var hasEvent = false
    private var hasVisible = false
    private var hasHidden = false
    private var gapsUs: [Int64] = []

    /// The first event with output; nil where its own arrival is not known, whatever came later.
    var firstUs: Int64? { eventCount > 0 ? firstContentUs : announcedUs }

    /// The first event with output that is not reasoning.
    var firstVisibleUs: Int64? { hasVisible ? firstVisibleContentUs : announcedUs }

    /// From the first event with output to the last; nil where there are not two, or time ran backwards.
    var spanUs: Int64? {
        guard eventCount >= 2, let firstContentUs, let lastUs else { return nil }
        let (spanUs, overflow) = lastUs.subtractingReportingOverflow(firstContentUs)
        return overflow || spanUs < 0 ? nil : spanUs
    }

    /// The gaps between events with output; nil where there are none.
    var gaps: TokenGaps? {
        guard !gapsUs.isEmpty else { return nil }
        let sorted = gapsUs.sorted()
        func rank(_ percent: Int) -> Int64 { sorted[Swift.max(0, (sorted.count * percent + 99) / 100 - 1)] }
        return TokenGaps(count: Int64(sorted.count), p50Us: rank(50), p99Us: rank(99), maximumUs: rank(100))
    }

    /// Counts one event of any kind.
    mutating func noteEvent(at timeUs: Int64?) {
        if !hasEvent { firstEventUs = timeUs }
        hasEvent = true
    }

    /// Counts one event with output.
    mutating func note(_ kind: ContentKind, at timeUs: Int64?) {
        if kind == .announced {
            if announcedUs == nil { announcedUs = timeUs }
            return
        }
        if eventCount == 0 { firstContentUs = timeUs } else { noteGap(to: timeUs) }
        eventCount += 1
        if kind == .visible, !hasVisible {
            hasVisible = true
            firstVisibleContentUs = timeUs
        }
        if kind == .hidden, !hasHidden {
            hasHidden = true
            firstHiddenUs = timeUs
        }
        lastUs = timeUs ?? lastUs
    }

    private mutating func noteGap(to timeUs: Int64?) {
        guard let timeUs, let lastUs, gapsUs.count < DialectLimits.gaps else { return }
        let (gapUs, overflow) = timeUs.subtractingReportingOverflow(lastUs)
        if !overflow, gapUs >= 0 { gapsUs.append(gapUs) }
    }

    /// Output tokens after the first, over the time from the first content to the last; nil where there is no such span.
    func tokensPerSecond(outputTotal: Int64?) -> Double? {
        guard let outputTotal, outputTotal >= 1, let spanUs, spanUs > 0 else { return nil }
        return Double(outputTotal - 1) * 1_000_000 / Double(spanUs)
    }
}
