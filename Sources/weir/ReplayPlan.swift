// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import Dialects
import ExchangeModel
import FactStore
import Gateway
import Platform
import SegmentLog

/// Why a record is not sent again.
enum ReplaySkip: String, CaseIterable {
    /// The request's body was not kept whole.
    case bodyNotFull = "body_not_full"
    /// The request itself never came in whole.
    case requestIncomplete = "request_incomplete"
    /// Weir refused it before any provider saw it.
    case refused
    /// An upgraded connection, such as a WebSocket.
    case upgraded

    /// The reason for a record; nil where it can be sent.
    static func reason(_ record: ExchangeRecord) -> ReplaySkip? {
        let body = record.requestBody
        if record.head.outcome == .refused { return .refused }
        if record.head.status == 101 || record.requestHeaders.contains(where: { $0.name.lowercased() == "upgrade" }) {
            return .upgraded
        }
        if body.kept != .full || (body.content == nil && body.wireByteCount > 0) { return .bodyNotFull }
        return record.head.requestReceivedUs == nil ? .requestIncomplete : nil
    }
}

/// Where the record of an exchange lies, in the plan's segments or in its file.
enum ReplayPlace: Sendable, Equatable {
    case segment(Int, frame: Int64, offset: Int)
    case line(offset: Int64, count: Int)
}

/// What is to be sent, by start: places, not bodies, so that a long log fits into memory.
struct ReplayPlan {
    struct Entry: Sendable {
        let startedAtUs: Int64
        let place: ReplayPlace
    }

    private(set) var entries: [Entry] = []
    private(set) var segments: [SegmentFile] = []
    private(set) var skipped: [ReplaySkip: Int] = [:]
    /// Requests whose recorded body had a coding on the wire that is not sent.
    private(set) var decoded = 0
    /// Hosts that the requests went to.
    private(set) var recordedHosts: Set<String> = []
    /// Damaged ranges and lines that are no records.
    private(set) var unreadable = 0
    /// A writer that left a failing file writes its last batches again.
    private var seen: Set<ExchangeID> = []

    /// Picks from segments.
    init(_ log: SegmentDirectory, filter: FactFilter) throws {
        var numbers: [String: Int] = [:]
        var walk = SegmentWalk(
            log, segments: try log.list(), filter: filter, progress: Terminal.isInteractive ? "choosing" : nil)
        try walk.forEachRecord { line, record in
            // Numbered as they come: one that was sealed since the listing has another name by now.
            let number = numbers[line.segment.name] ?? segments.count
            if number == segments.count {
                numbers[line.segment.name] = number
                segments.append(line.segment)
            }
            note(record, .segment(number, frame: line.frame, offset: line.offset))
            return .goOn
        }
        unreadable = walk.damaged + walk.undecodable + walk.locked
        sort()
    }

    /// Picks from a file of JSON lines.
    init(lines: JSONLinesFile, filter: FactFilter) throws {
        try lines.forEach { bytes, offset in
            guard let record = try? ExchangeRecord(line: bytes) else {
                unreadable += 1
                return
            }
            guard filter.passes(record, reading: ExchangeReader.read) else { return }
            note(record, .line(offset: offset, count: bytes.count))
        }
        sort()
    }

    private mutating func note(_ record: ExchangeRecord, _ place: ReplayPlace) {
        guard seen.insert(record.head.id).inserted else { return }
        if let reason = ReplaySkip.reason(record) {
            skipped[reason, default: 0] += 1
            return
        }
        if record.requestBody.contentCoding != nil { decoded += 1 }
        if let url = record.head.upstreamURL, let base = try? BaseURL(url) { recordedHosts.insert(base.host) }
        entries.append(Entry(startedAtUs: record.head.startedAtUs, place: place))
    }

    /// Entries of one start stay in the order of the log.
    private mutating func sort() {
        let order = entries.indices.sorted { (entries[$0].startedAtUs, $0) < (entries[$1].startedAtUs, $1) }
        entries = order.map { entries[$0] }
    }

    /// Leaves the first so many.
    mutating func limit(to count: Int) { entries = Array(entries.prefix(count)) }

    var firstUs: Int64 { entries.first?.startedAtUs ?? 0 }

    /// How long one round lasts: to the last start, and then the usual pause.
    var roundUs: Int64 {
        let span = (entries.last?.startedAtUs ?? 0) - firstUs
        return entries.count > 1 ? span + span / Int64(entries.count - 1) : 1_000_000
    }
}

/// A file of JSON lines, read in pieces.
struct JSONLinesFile {
    let file: any OpenFile

    private static let pieceBytes = 1 << 20
    /// Four times what capture writes.
    private static let lineBytes = 1 << 30

    init(file: any OpenFile) { self.file = file }

    init(path: String) throws { file = try PosixFileSystem().open(path, .read) }

    /// Gives every line without its newline, and where it begins.
    func forEach(_ body: (ArraySlice<UInt8>, Int64) throws -> Void) throws {
        func take(_ line: CutLine) throws { if !line.bytes.isEmpty { try body(line.bytes, line.offset) } }
        var (lines, offset) = (LineCutter(lineBytes: JSONLinesFile.lineBytes), Int64(0))
        do {
            while true {
                let piece = try file.read(at: offset, count: JSONLinesFile.pieceBytes)
                if piece.isEmpty { break }
                offset += Int64(piece.count)
                try lines.add(piece, take)
            }
            try lines.finish(take)
        } catch let error as LineTooLong {
            throw VerbFailure.usage("line \(error.number) of \(file.path) is longer than \(error.limit) bytes")
        }
    }
}

/// Reads records by their places; owned by one thread at a time.
///
/// Keeps the last batches decompressed: starts are not quite in the order of the log.
final class ReplaySource {
    private let log: SegmentDirectory
    private let segments: [SegmentFile]
    private let lines: JSONLinesFile?
    /// Hot segments are held open: sealing removes their names.
    private var held: [Int: SegmentReader] = [:]
    private var readers: [(number: Int, reader: SegmentReader)] = []
    private var batches: [(number: Int, batch: SegmentBatch)] = []

    private static let readersMax = 8
    private static let batchBytesMax = 192 << 20

    /// A reader of segments, or of a file of JSON lines.
    init(_ log: SegmentDirectory, segments: [SegmentFile], lines path: String?) throws {
        self.log = log
        self.segments = segments
        lines = try path.map { try JSONLinesFile(path: $0) }
        for (number, segment) in segments.enumerated() where !segment.isSealed { held[number] = try log.reader(of: segment) }
    }

    func record(_ place: ReplayPlace) throws -> ExchangeRecord {
        switch place {
        case .line(let offset, let count):
            guard let lines else { throw VerbFailure.unfinished("there is no file of lines") }
            return try ExchangeRecord(line: try lines.file.read(at: offset, count: count))
        case .segment(let number, let frame, let offset):
            let batch = try batch(number, frame)
            guard let range = batch.lineRanges.first(where: { $0.lowerBound == offset }) else {
                throw VerbFailure.unfinished("\(segments[number].name) changed while it was read")
            }
            return try ExchangeRecord(line: batch.raw[range])
        }
    }

    private func batch(_ number: Int, _ frame: Int64) throws -> SegmentBatch {
        if let at = batches.lastIndex(where: { $0.number == number && $0.batch.offset == frame }) {
            let known = batches.remove(at: at)
            batches.append(known)
            return known.batch
        }
        guard case .batch(let batch) = try reader(number).next(after: frame), batch.offset == frame else {
            throw VerbFailure.unfinished("\(segments[number].name) changed while it was read")
        }
        batches.append((number, batch))
        while batches.count > 1, batches.reduce(0, { $0 + $1.batch.raw.count }) > ReplaySource.batchBytesMax {
            batches.removeFirst()
        }
        return batch
    }

    private func reader(_ number: Int) throws -> SegmentReader {
        if let held = held[number] { return held }
        if let known = readers.first(where: { $0.number == number }) { return known.reader }
        let reader = try log.reader(of: segments[number])
        readers.append((number, reader))
        if readers.count > ReplaySource.readersMax { readers.removeFirst() }
        return reader
    }
}
