// SPDX-License-Identifier: Apache-2.0
import Answers
import Dialects
import ExchangeModel
import FactStore
import Platform
import SegmentLog

/// What a step of a segment reader means to a verb; the one place here that knows every kind of step.
enum SegmentEvent {
    case batch(SegmentBatch)
    case damage(Range<Int64>, DamageReason)
    case gap(SegmentGap)
    /// Encrypted with a key that is not at hand.
    case locked(keyID: UInt32)

    /// A step as an event, and where to go on: nil where the segment gives nothing more for now.
    static func read(_ step: SegmentStep) -> (event: SegmentEvent?, next: Int64?) {
        switch step {
        case .batch(let batch): (.batch(batch), batch.next)
        case .damage(let range, let reason, let next): (.damage(range, reason), next)
        case .gap(let batch): (.gap(batch.gap), batch.next)
        case .locked(_, let next, let keyID): (.locked(keyID: keyID), next)
        case .incomplete, .end: (nil, nil)
        }
    }
}

/// A line of the log and where it lies.
struct LoggedLine {
    /// With its newline.
    let bytes: ArraySlice<UInt8>
    let segment: SegmentFile
    let frame: Int64
    let offset: Int
}

/// One walk over segments: lines that pass a filter, damage said and counted.
struct SegmentWalk {
    /// Whether the walk goes on after a line.
    enum Choice { case goOn, stop }

    let log: SegmentDirectory
    let segments: [SegmentFile]
    let filter: FactFilter
    /// What is done, for the progress line; nil shows none.
    var progress: String?
    /// Damaged ranges passed over.
    private(set) var damaged = 0
    /// Lines that are no records of a version this program reads.
    private(set) var undecodable = 0
    /// Batches whose key is not at hand.
    private(set) var locked = 0
    /// Exchanges without a record, by reason.
    private(set) var gaps: [String: Int64] = [:]
    private var counted: Set<SegmentGap> = []
    /// Lines given to the body.
    private(set) var given: Int64 = 0
    private var bytesBefore: Int64 = 0

    init(_ log: SegmentDirectory, segments: [SegmentFile], filter: FactFilter, progress: String? = nil) {
        self.log = log
        self.segments = segments
        self.filter = filter
        self.progress = progress
    }

    /// Gives every line that passes, decoded; a line that cannot be decoded is counted and left out.
    mutating func forEachRecord(_ body: (LoggedLine, ExchangeRecord) throws -> Choice) throws {
        try forEachBatch { walk, batch, segment in
            for range in batch.lineRanges {
                let line = SegmentWalk.line(range, batch, segment)
                guard let record = walk.passing(line) else { continue }
                walk.given += 1
                if try body(line, record) == .stop { return .stop }
            }
            return .goOn
        }
    }

    /// Gives every line of the batches that may hold one of the wanted time; lines are not looked at.
    mutating func forEachLine(_ body: (LoggedLine) throws -> Choice) throws {
        try forEachBatch { walk, batch, segment in
            for range in batch.lineRanges where try body(SegmentWalk.line(range, batch, segment)) == .stop { return .stop }
            return .goOn
        }
    }

    /// Gives runs of whole lines that pass; without a filter lines are not even looked at.
    mutating func forEachRun(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        try forEachBatch { walk, batch, segment in
            if walk.filter.isEmpty {
                walk.given += Int64(batch.lineRanges.count)
                try body(batch.raw[...])
                return .goOn
            }
            for range in batch.lineRanges {
                let line = SegmentWalk.line(range, batch, segment)
                guard walk.passing(line) != nil else { continue }
                walk.given += 1
                try body(line.bytes)
            }
            return .goOn
        }
    }

    /// The record of a line that passes the filter.
    private mutating func passing(_ line: LoggedLine) -> ExchangeRecord? {
        do throws(RecordError) {
            let record = try ExchangeRecord(line: line.bytes)
            return filter.passes(record, reading: ExchangeReader.read) ? record : nil
        } catch {
            undecodable += 1
            return nil
        }
    }

    private static func line(_ range: Range<Int>, _ batch: SegmentBatch, _ segment: SegmentFile) -> LoggedLine {
        LoggedLine(
            bytes: batch.raw[range.lowerBound...range.upperBound], segment: segment, frame: batch.offset, offset: range.lowerBound
        )
    }

    private mutating func forEachBatch(_ body: (inout SegmentWalk, SegmentBatch, SegmentFile) throws -> Choice) throws {
        let total = max(1, segments.reduce(0) { $0 + $1.size })
        defer { if progress != nil { Terminal.endProgress() } }
        for segment in segments {
            guard let reader = try log.readerNow(of: segment) else {
                Terminal.say("weir: \(segment.name) was removed meanwhile")
                continue
            }
            var offset: Int64? = 0
            while let position = offset {
                let (event, next) = SegmentEvent.read(try step(reader, at: position))
                offset = next
                show(position, of: total)
                switch event {
                case .batch(let batch):
                    if !batch.lineRanges.isEmpty, try body(&self, batch, reader.file) == .stop { return }
                case .damage(let range, let reason):
                    damaged += 1
                    SegmentText.say(range, reason, of: reader.file.name)
                case .gap(let gap): count(gap)
                case .locked: locked += 1
                case nil: break
                }
            }
            bytesBefore += segment.size
        }
    }

    /// Counts a gap; one that was written again because a sync failed is the same gap.
    private mutating func count(_ gap: SegmentGap) {
        guard gap.firstID == nil || counted.insert(gap).inserted else { return }
        gaps[gap.reason, default: 0] &+= Int64(clamping: gap.count)
    }

    /// A step; a batch that no record of the wanted time can be in stays compressed and without lines.
    private func step(_ reader: SegmentReader, at position: Int64) throws -> SegmentStep {
        if filter.sinceUs != nil || filter.untilUs != nil, case .batch(let batch) = try reader.skim(after: position),
            !filter.mayPass(earliestUs: batch.header.minStartedAtUs, latestUs: batch.header.maxStartedAtUs)
        {
            return .batch(batch)
        }
        return try reader.next(after: position)
    }

    private func show(_ position: Int64, of total: Int64) {
        guard let progress else { return }
        Terminal.progress("\(progress): \(given) records, \((bytesBefore + position) * 100 / total) %")
    }

    /// The end of a verb whose walk met something that could not be read.
    func checkWhole() throws {
        if undecodable > 0 { Terminal.say("weir: \(undecodable) lines are no records that this version reads") }
        if locked > 0 { Terminal.say("weir: \(locked) batches are encrypted with keys that are not at hand") }
        if damaged > 0 { throw VerbFailure.found("\(damaged) damaged ranges were skipped; see `weir segment verify`") }
        if undecodable > 0 || locked > 0 { throw VerbFailure.found("not everything could be read") }
    }
}
