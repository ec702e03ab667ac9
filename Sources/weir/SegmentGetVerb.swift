// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import Dialects
import ExchangeModel
import FactStore
import Platform
import SegmentLog

/// A side of an exchange.
enum ExchangeSide: String, ExpressibleByArgument, CaseIterable {
    case request, response
}

struct SegmentGetVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print the record of one exchange.",
        discussion: """
            The index is asked where it lies; what is not in the index is looked for in the segments. Exit code 1 where there is no such record.

            EXAMPLES:
              weir segment get 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 | jq .outcome
              weir segment get 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --pretty
              weir segment get 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --body response > answer.bin
            """)

    @Argument(help: "The id, as in the answer's x-weir-exchange-id.") var id: String
    @OptionGroup var data: DataOption
    @Flag(help: "For people: the head in short, then the bodies as text.") var pretty = false
    @Option(help: "Only the bytes of one body as they are stored.") var body: ExchangeSide?

    func run() throws {
        guard let wanted = ExchangeID(text: id) else { throw VerbFailure.usage("`\(id)` is no exchange id") }
        if pretty, body != nil { throw VerbFailure.usage("--pretty and --body cannot be had together") }
        try data.directory.require(PosixFileSystem())
        let search = RecordSearch(data: data.directory)
        guard let line = try search.find(wanted) else {
            let fact = search.fact(wanted).map { "; its fact is in the index: it lay in \($0.location.segment)" } ?? ""
            throw VerbFailure.found("no segment holds the exchange \(wanted)\(fact)")
        }
        guard pretty || body != nil else { return try Terminal.data(line + [0x0A]) }
        let record = try ExchangeRecord(line: line)
        guard let body else { return try Terminal.data(RecordText.page(record, reading: ExchangeReader.read(record))) }
        try write(body == .request ? record.requestBody : record.responseBody, side: body)
    }

    private func write(_ body: RecordedBody, side: ExchangeSide) throws {
        guard body.kept != .none, let content = body.content else {
            guard body.wireByteCount > 0 else { return }
            throw VerbFailure.found("the \(side.rawValue) body was not kept; it had \(body.wireByteCount) bytes")
        }
        try Terminal.data(content)
        if body.kept == .full { return }
        throw VerbFailure.found("of the \(side.rawValue) body only head and tail were kept; it had \(body.wireByteCount) bytes")
    }
}

/// Finds a record by the exchange's id.
struct RecordSearch {
    let data: DataDirectory

    /// The record's line without its newline, or nil.
    func find(_ id: ExchangeID) throws -> [UInt8]? {
        if let line = indexed(id) { return line }
        let segments = try data.log.list()
        // Ids hold the time of their making: first where the clock was about there, then everywhere.
        let madeUs = Int64(id.high >> 16) * 1_000
        var likely = FactFilter()
        likely.sinceUs = madeUs - 60_000_000
        likely.untilUs = madeUs + 60_000_000
        return try scan(segments, for: id, filter: likely) ?? scan(segments, for: id, filter: FactFilter())
    }

    /// What the index knows of it, or nil.
    func fact(_ id: ExchangeID) -> ExchangeFact? {
        guard let isThere = try? PosixFileSystem().status(of: data.index), !isThere.isDirectory else { return nil }
        do { return try FactStore.open(path: data.index, mode: .readOnly).fact(id) } catch {
            Terminal.say("weir: the index does not help (\(error))")
            return nil
        }
    }

    /// By the place that the index remembers; nil where it knows none or the place holds something else.
    private func indexed(_ id: ExchangeID) -> [UInt8]? {
        guard let place = fact(id)?.location else { return nil }
        do {
            let reader = SegmentRecordReader(directory: try data.log)
            let line = try reader.record(segment: place.segment, frame: place.frame, offset: Int(clamping: place.offset))
            return try ExchangeRecord(line: line).head.id == id ? line : nil
        } catch {
            Terminal.say("weir: the record is not where the index has it (\(error)); looking through the segments")
            return nil
        }
    }

    private func scan(_ segments: [SegmentFile], for id: ExchangeID, filter: FactFilter) throws -> [UInt8]? {
        let text = Array(id.description.utf8)
        var found: [UInt8]?
        var walk = SegmentWalk(
            try data.log, segments: segments, filter: filter, progress: Terminal.quiet("looking for \(id.description)"))
        try walk.forEachLine { line in
            // The id stands near the beginning of every line; decoding them all would take many times as long.
            guard line.bytes.prefix(256).firstRange(of: text) != nil, let record = try? ExchangeRecord(line: line.bytes),
                record.head.id == id
            else { return .goOn }
            found = Array(line.bytes.dropLast())
            return .stop
        }
        return found
    }
}
