// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactStore
import Platform
import SegmentLog

extension SegmentKeeper {
    /// Writes a segment anew without what must be forgotten; the index follows, and the old file goes.
    ///
    /// Waits where the index has not read the segment to its end: its facts would be in no sidecar.
    func replace(
        _ file: SegmentFile, _ erasures: Erasures, _ ends: [String: Int64], _ report: inout KeepingReport, isSalvage: Bool = false
    ) throws {
        let end = ends[file.name] ?? 0
        guard end >= file.size else { return report.waiting += 1 }
        var lines = RewrittenLines(erasures)
        let draft = try sealing.draft(of: file, isSalvage: isSalvage, hasMore: end > file.size) { lines.traits(of: $0) }
        // Where the lock of a living writer is gone its segment passes for finished; what grows is not.
        guard try directory.files.size(of: file.path) == file.size else {
            draft?.discard()
            return report.waiting += 1
        }
        guard let draft else { return try sealing.remove(file) }
        do {
            var lost: [ExchangeFact] = []
            if draft.isIncomplete {
                let known = Set(lines.ids.compactMap { $0 })
                lost = try factsWithoutRecords(file, known: known, erasures, &lines.erased)
            }
            try writeFacts(of: draft, file, lines.ids, lost: lost)
            try forget(lines.erased)
            try draft.publish()
            let places = draft.places.compactMap { place in
                lines.ids[place.line].map { MovedPayload(id: $0, frame: place.frame, offset: place.offset) }
            }
            try inTurn {
                try store.replaceSegment(
                    file.name, by: draft.recordsName, end: draft.manifest.records.bytes, places: places, erased: lines.erased,
                    lost: lost.map(\.head.id))
            }
        } catch {
            draft.discard()
            throw error
        }
        try sealing.remove(file)
        if !lines.erased.isEmpty { try sealing.removeDamagedCopies(of: file.stem) }
        note(draft.manifest, replacing: file, erased: lines.erased.count, &report)
    }

    private func note(_ made: SegmentManifest, replacing file: SegmentFile, erased: Int, _ report: inout KeepingReport) {
        report.erased += UInt64(erased)
        report.bytesAfter += made.facts?.bytes ?? 0
        guard file.fileName.part != .facts else {
            report.rewritten += 1
            return
        }
        if file.isSealed { report.rewritten += 1 } else { report.sealed += 1 }
        report.records += made.records.lines
        report.rawBytes += made.records.rawBytes
        report.bytesBefore += file.size
        report.bytesAfter += made.records.bytes
    }

    /// Facts that belong to a segment and whose records it does not hold (any more): from the index, and from its own sidecar.
    ///
    /// - Parameters:
    ///   - file: the segment.
    ///   - known: the exchanges whose records it holds, erased ones included.
    ///   - erasures: what must be forgotten of them.
    ///   - erased: gets the exchanges that are forgotten.
    /// - Returns: the facts that stay, by id.
    /// - Throws: `FactStoreError`, or `SegmentError` where the sidecar is damaged.
    private func factsWithoutRecords(
        _ file: SegmentFile, known: Set<ExchangeID>, _ erasures: Erasures, _ erased: inout [ExchangeID]
    ) throws -> [ExchangeFact] {
        var found: [ExchangeID: ExchangeFact] = [:]
        for fact in try store.facts(of: try store.ids(at: file.name).filter { !known.contains($0) }) {
            found[fact.head.id] = fact
        }
        if SegmentVerify.hasSoundFacts(file, in: directory) {
            var rest = try SealedLines(directory.facts(file.fileName.with(.facts)), in: directory)
            while let lines = try rest.next() {
                for fact in try lines.map({ try ExchangeFact(line: $0) })
                where !known.contains(fact.head.id) && found[fact.head.id] == nil {
                    // In the index with a place elsewhere: the other copy of its record counts.
                    if try store.fact(fact.head.id) == nil { found[fact.head.id] = fact }
                }
            }
        }
        erased += found.values.filter(erasures.covers).map(\.head.id)
        return found.values.filter { !erasures.covers($0) }.sorted { $0.head.id.description < $1.head.id.description }
    }

    /// The facts of the records in their order, with their new places, then those without records; a fact whose record lies elsewhere
    /// has none here.
    private func writeFacts(of draft: SealedDraft, _ file: SegmentFile, _ ids: [ExchangeID?], lost: [ExchangeFact]) throws {
        var sums = FactSums()
        var next = 0
        var rest = lost[...]
        func line(_ fact: ExchangeFact, _ frame: Int64, _ offset: Int64) -> [UInt8] {
            var moved = fact
            moved.location = PayloadLocation(segment: draft.recordsName, frame: frame, offset: offset)
            sums.add(moved)
            return moved.encodedLine()
        }
        try draft.writeFacts {
            guard next < draft.places.count else {
                defer { rest = rest.dropFirst(SegmentKeeper.factsABatch) }
                let some = rest.prefix(SegmentKeeper.factsABatch)
                return some.isEmpty ? nil : some.map { line($0, PayloadLocation.noFrame, 0) }
            }
            let some = draft.places[next..<min(next + SegmentKeeper.factsABatch, draft.places.count)]
            next = some.endIndex
            var placeOf: [ExchangeID: SealedPlace] = [:]
            for place in some { if let id = ids[place.line] { placeOf[id] = place } }
            let facts = try store.facts(of: some.compactMap { ids[$0.line] })
            return facts.filter { $0.location.segment == file.name || $0.location.frame < 0 }.compactMap { fact in
                placeOf[fact.head.id].map { line(fact, $0.frame, $0.offset) }
            }
        } sums: {
            (sums.values, sums.startedAtUs)
        }
    }

    /// Whether a segment's records, or its facts without records, hold something to be erased.
    func holds(_ file: SegmentFile, _ erasures: Erasures) throws -> Bool {
        if file.fileName.part == .facts { return try holdsLines(file, erasures) }
        if try holdsLines(file, erasures) { return true }
        let manifest = try directory.manifest(of: file)
        guard let facts = manifest.facts, facts.lines > manifest.records.lines else { return false }
        return try holdsLines(directory.facts(file.fileName.with(.facts)), erasures)
    }

    private func holdsLines(_ file: SegmentFile, _ erasures: Erasures) throws -> Bool {
        let reader = try directory.reader(of: file)
        var offset: Int64 = 0
        while true {
            switch try reader.next(after: offset) {
            case .batch(let batch):
                let isThere = batch.lineRanges.contains { range in
                    unsafe batch.raw.withUnsafeBytes { bytes in
                        let line = unsafe ByteRun(bytes).slice(range.lowerBound, range.upperBound)
                        guard let record = RecordLine(line) else { return false }
                        return erasures.covers(record.id, startedAtUs: record.startedAtUs, line: line)
                    }
                }
                if isThere { return true }
                offset = batch.next
            case .gap(let gap): offset = gap.next
            case .damage(_, _, let next): offset = next
            case .locked:
                throw SegmentError(
                    .keyMissing, "The segment cannot be searched: its key is not in the key file.", segment: file.name)
            case .incomplete, .end: return false
            }
        }
    }

    /// Writes the facts of a segment anew; its records stay as they are, or are gone.
    ///
    /// - Parameters:
    ///   - file: the facts.
    ///   - report: gets what was done.
    ///   - change: what becomes of some facts; what it leaves out is erased from the index too.
    /// - Throws: `SegmentError`, `FactStoreError`, or what `change` throws; the segment is as it was.
    func rewriteFacts(
        _ file: SegmentFile, _ report: inout KeepingReport, change: ([ExchangeFact]) throws -> [ExchangeFact]
    ) throws {
        var erased: [ExchangeID] = []
        var sums = FactSums()
        let before = file.fileName.with(.records)
        let draft = try sealing.factsDraft(of: file)
        do {
            var rest = try SealedLines(file, in: directory)
            try draft.writeFacts {
                guard let lines = try rest.next() else { return nil }
                let facts = try lines.map { try ExchangeFact(line: $0) }
                let kept = try change(facts)
                if kept.count < facts.count {
                    let ids = Set(kept.map(\.head.id))
                    erased += facts.map(\.head.id).filter { !ids.contains($0) }
                }
                return kept.map { fact in
                    var moved = fact
                    moved.location.segment = draft.recordsName
                    sums.add(moved)
                    return moved.encodedLine()
                }
            } sums: {
                (sums.values, sums.startedAtUs)
            }
            try forget(erased)
            try draft.publish()
            try inTurn {
                try store.replaceSegment(
                    before.description, by: draft.recordsName, end: draft.manifest.records.bytes, places: [], erased: erased)
            }
        } catch {
            draft.discard()
            throw error
        }
        try sealing.remove(SegmentFile(name: before, path: "", size: 0))
        note(draft.manifest, replacing: file, erased: erased.count, &report)
    }

    /// Deletes from the index what must be forgotten and was in no file that could be searched; what is held stays.
    func eraseFromIndex(_ erasures: Erasures, _ report: inout KeepingReport) throws {
        let asked = Set(erasures.exchangeIDs + (try store.ids(metadata: erasures.metadata)))
        let facts = try store.facts(of: Array(asked))
        try forgetUnknown(erasures, known: Set(facts.map(\.head.id)), report)
        let ids = facts.filter { fact in
            guard erasures.covers(fact) else { return false }
            let stem = SegmentName(fileName: fact.location.segment)?.stem
            return stem.map { directory.hold(of: $0) == nil } ?? true
        }.map(\.head.id)
        guard !ids.isEmpty else { return }
        try forget(ids)
        try inTurn { try store.erase(ids) }
        report.erasedFacts += ids.count
    }

    /// Exchanges that were named and that nobody has: what is still kept about them goes, too.
    ///
    /// Not where one of them may lie in a segment that was not searched, or is held.
    private func forgetUnknown(_ erasures: Erasures, known: Set<ExchangeID>, _ report: KeepingReport) throws {
        guard report.failures.isEmpty, report.waiting == 0 else { return }
        let (segments, expired) = try directory.survey()
        let stems = segments.map(\.stem) + expired.map(\.stem)
        guard !stems.contains(where: { directory.hold(of: $0) != nil }) else { return }
        try forget(erasures.exchangeIDs.filter { !known.contains($0) })
    }
}

/// The lines of a segment that is written anew, as they are given out one by one.
private struct RewrittenLines {
    private let erasures: Erasures
    /// By number of the line; nil where it is no record.
    var ids: [ExchangeID?] = []
    /// What must be forgotten of it.
    var erased: [ExchangeID] = []

    init(_ erasures: Erasures) { self.erasures = erasures }

    /// What sealing has to know of the next line; nil where it is left out.
    mutating func traits(of line: ByteRun) -> SegmentLineTraits? {
        guard let record = RecordLine(line) else {
            // No record by its looks, and still something that was captured: kept at the end.
            ids.append(nil)
            return SegmentLineTraits(startedAtUs: 0, order: 0..<line.count)
        }
        ids.append(record.id)
        guard !erasures.covers(record.id, startedAtUs: record.startedAtUs, line: line) else {
            erased.append(record.id)
            return nil
        }
        return SegmentLineTraits(startedAtUs: record.startedAtUs, order: record.order)
    }
}
