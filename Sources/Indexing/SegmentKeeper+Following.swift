// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactStore
import SegmentLog

/// What a death, or a lock that did not come, left between the publishing of a segment and the removal of the one before it.
extension SegmentKeeper {
    /// Finishes segments whose twin is there: the index follows, the old files go.
    ///
    /// - Returns: segments of which that could not be done; they are to be left alone.
    func finishReplaced(_ erasures: Erasures, _ report: inout KeepingReport) throws -> Set<SegmentStem> {
        var known: Set<String> = []
        var failed: Set<SegmentStem> = []
        func finish(_ old: SegmentFile, _ new: SegmentFile, _ body: () throws -> Void) {
            let failures = report.failures.count
            attempt(old, &report) { _ in
                try follow(old, new, erasures)
                try body()
            }
            if report.failures.count > failures { failed.insert(old.stem) }
        }
        for (old, new) in try sealing.sweep() {
            known.insert(old.name)
            finish(old, new) { try sealing.remove(old) }
        }
        // The power went after the old file was removed and before the index was on the disk.
        let (segments, expired) = try directory.survey()
        var latest: [SegmentStem: SegmentFile] = [:]
        for file in segments where file.isSealed { latest[file.stem] = file }
        for facts in expired { latest[facts.stem] = SegmentFile(name: facts.with(.records), path: "", size: 0) }
        for checkpoint in try store.checkpoints() where !known.contains(checkpoint.segment) {
            guard let name = SegmentName(fileName: checkpoint.segment), let new = latest[name.stem],
                name.generation < new.fileName.generation
            else { continue }
            finish(SegmentFile(name: name, path: "", size: 0), new) {}
        }
        return failed
    }

    /// Makes the index point into the file that took a segment's place, by reading it; what the old one held and the new one does not
    /// is forgotten where it must be, and else stays without a payload.
    ///
    /// The new file counts as not yet read: the next pass reads it, should the old one not have been read to its end.
    private func follow(_ old: SegmentFile, _ new: SegmentFile, _ erasures: Erasures) throws {
        let hasRecords = directory.file(named: new.name) != nil
        let places = hasRecords ? try places(in: new) : []
        let known = Set(places.map(\.id))
        let rest = try store.facts(of: try store.ids(at: old.name).filter { !known.contains($0) })
        let erased = rest.filter(erasures.covers).map(\.head.id)
        let lost = hasRecords ? rest.filter { !erasures.covers($0) }.map(\.head.id) : []
        try forget(erased)
        try inTurn {
            try store.replaceSegment(old.name, by: new.name, end: nil, places: places, erased: erased, lost: lost)
        }
    }

    /// Where the records of a sealed file lie.
    ///
    /// - Throws: `SegmentError` where some of it cannot be read: then nothing may be removed for its sake.
    private func places(in file: SegmentFile) throws -> [MovedPayload] {
        let reader = try directory.reader(of: file)
        var places: [MovedPayload] = []
        var offset: Int64 = 0
        while true {
            switch try reader.next(after: offset) {
            case .batch(let batch):
                for range in batch.lineRanges {
                    let id = unsafe batch.raw.withUnsafeBytes {
                        RecordLine(unsafe ByteRun($0).slice(range.lowerBound, range.upperBound))?.id
                    }
                    guard let id else { continue }
                    places.append(MovedPayload(id: id, frame: batch.offset, offset: Int64(range.lowerBound)))
                }
                offset = batch.next
            case .gap(let gap): offset = gap.next
            case .end: return places
            case .locked:
                throw SegmentError(
                    .keyMissing, "What took its place cannot be read: its key is not in the key file. Both stay.",
                    segment: file.name, offset: offset)
            case .damage, .incomplete:
                throw SegmentError(
                    .sealFailed, "What took its place is damaged. Both stay; see `weir segment verify`.", segment: file.name,
                    offset: offset)
            }
        }
    }
}
