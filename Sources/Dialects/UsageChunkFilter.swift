// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// Takes the chunks that say nothing but usage out of an event stream, as its bytes pass.
///
/// For the caller of a request that Weir made to ask (`UsageOptIn.injectAndStrip`). Every other byte passes, in order. Held back is
/// only the beginning of an event that may still be such a chunk, at most until that event is over: no event is delayed. Nothing
/// is copied but the held beginning of an event that a run of bytes ends in; there is one such copy, of at most `eventBytes`.
///
/// Total: any bytes give what passes and what is stripped, and both together are the bytes that came.
package struct UsageChunkFilter {
    /// An event that is longer passes: a usage chunk has a few hundred bytes.
    package static let eventBytes = 16_384

    /// What passes of the bytes that came.
    package enum Passing: Equatable {
        /// Bytes of earlier runs.
        case held([UInt8])
        /// A part of the run that was given.
        case run(Range<Int>)
    }

    /// Chunks taken out.
    package private(set) var strippedCount = 0
    /// Whether the current event passes; else it is judged, and held.
    private var passes = false
    private var judge = UsageChunkJudge()
    /// Of the judged event, what came in earlier runs.
    private var held: [UInt8] = []
    /// No byte of the current line has come; kept while an event passes.
    private var lineIsEmpty = true
    private var lastWasCR = false
    /// That CR ended a chunk that is taken out: a LF after it goes too.
    private var stripsLF = false

    /// A filter at the start of a stream.
    package init() {}

    /// Takes the next bytes of the stream.
    ///
    /// - Parameters:
    ///   - run: the bytes, content coding undone.
    ///   - pass: called in order with what passes now; parts of the run are its offsets.
    package mutating func take(_ run: ByteRun, pass: (Passing) -> Void) {
        let bytes = UnsafeRawBufferPointer(start: run.base, count: run.count)
        // Where what passes next begins, and where the event that is judged does.
        var start = 0
        var eventStart = 0
        for offset in 0..<bytes.count {
            let byte = bytes[offset]
            if lastWasCR, byte == 0x0A {
                lastWasCR = false
                if stripsLF { start = offset + 1 }
                if !passes, judge.isFresh { eventStart = offset + 1 }
                stripsLF = false
                continue
            }
            lastWasCR = byte == 0x0D
            stripsLF = false
            if passes {
                if endsEvent(byte) { eventStart = offset + 1 }
                continue
            }
            let wasFresh = judge.isFresh
            switch judge.take(byte) {
            case .open: break
            case .other:
                release(pass)
                passes = true
                lineIsEmpty = wasFresh || judge.isAtLineStart
                if endsEvent(byte) { eventStart = offset + 1 }
            case .usage:
                if start < eventStart { pass(.run(start..<eventStart)) }
                held.removeAll(keepingCapacity: true)
                strippedCount += 1
                stripsLF = lastWasCR
                judge.reset()
                start = offset + 1
                eventStart = start
            }
        }
        let end = passes ? bytes.count : eventStart
        if start < end { pass(.run(start..<end)) }
        if !passes, eventStart < bytes.count { held += run.slice(eventStart, bytes.count).array }
    }

    /// Ends the stream.
    ///
    /// - Parameter isWhole: whether it came to its end; one that broke off gives everything back that was held.
    /// - Returns: what still passes. A whole usage chunk that lacks only its blank line is taken out.
    package mutating func finish(isWhole: Bool) -> [UInt8] {
        defer { held = [] }
        guard isWhole, !passes, judge.isWhole else { return held }
        strippedCount += 1
        return []
    }

    /// Follows the lines of an event that passes; true where this byte ends it.
    private mutating func endsEvent(_ byte: UInt8) -> Bool {
        guard byte == 0x0A || byte == 0x0D else {
            lineIsEmpty = false
            return false
        }
        guard lineIsEmpty else {
            lineIsEmpty = true
            return false
        }
        passes = false
        judge.reset()
        return true
    }

    private mutating func release(_ pass: (Passing) -> Void) {
        guard !held.isEmpty else { return }
        pass(.held(held))
        held.removeAll(keepingCapacity: true)
    }
}
