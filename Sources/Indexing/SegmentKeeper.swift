// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
package import FactStore
package import Platform
package import SegmentLog

/// What a keeper did.
package struct KeepingReport: Equatable, Sendable {
    /// Hot segments sealed.
    package var sealed = 0
    /// Sealed segments written anew without some records.
    package var rewritten = 0
    /// Records in them.
    package var records: UInt64 = 0
    /// Records erased on the way.
    package var erased: UInt64 = 0
    /// Bytes of lines in them.
    package var rawBytes: UInt64 = 0
    /// Bytes of the files before, and of what took their place.
    package var bytesBefore: Int64 = 0
    /// Bytes of the files that took their place, facts included.
    package var bytesAfter: Int64 = 0
    /// Finished hot segments that are not wholly in the index yet.
    package var waiting = 0
    /// Segments that hold what must be forgotten and are held.
    package var held: [String] = []
    /// Segments that could not be sealed or rewritten, and why.
    package var failures: [String] = []
    /// Whether all that could be done was done.
    package var isFinished = true

    /// Nothing done.
    package init() {}
}

/// Seals finished segments behind the indexer, and writes segments anew from which something is to be erased.
///
/// Thread world; owned by one thread. Restartable at every step: what a death leaves is found and finished by the next run.
/// - A segment is replaced only once its twin was read back, is durable, and the index points into it.
/// - Holds the sealer's lock all along, and the index's lock for the moment of each transaction.
package final class SegmentKeeper {
    private let store: FactStore
    private let directory: SegmentDirectory
    private let sealing: SegmentSealing
    private let lock: IndexLock
    private let clock: any Clock
    private static let factsABatch = 1_024
    private static let lockWaitUs: Int64 = 10_000_000

    /// A keeper of the segments of a directory.
    ///
    /// - Parameters:
    ///   - store: the index, opened for writing.
    ///   - directory: the segments; its keys' current one encrypts what is sealed.
    ///   - lock: the lock of those who write the index.
    ///   - clock: for the manifests.
    ///   - limits: bounds of frames and memory.
    package init(
        store: FactStore, directory: SegmentDirectory, lock: IndexLock, clock: any Clock = SystemClock(),
        limits: SegmentLimits = .standard
    ) {
        self.store = store
        self.directory = directory
        self.lock = lock
        self.clock = clock
        sealing = SegmentSealing(directory: directory, clock: clock, limits: limits)
    }

    /// Seals every finished hot segment that the index has read to its end.
    ///
    /// - Parameters:
    ///   - shouldStop: asked between two segments.
    ///   - progress: told of each segment before it is sealed.
    /// - Returns: what was done; trouble with single segments stands there.
    /// - Throws: `IndexingError` of code `locked` where another process seals, `erasuresUnreadable`; `SegmentError` or
    ///   `FactStoreError` where nothing can be done at all.
    package func seal(shouldStop: () -> Bool = { false }, progress: (SegmentFile) -> Void = { _ in }) throws -> KeepingReport {
        try locked {
            var report = KeepingReport()
            let erasures = try Erasures(of: directory)
            try finishReplaced()
            let offsets = Dictionary(try store.checkpoints().map { ($0.segment, $0.offset) }, uniquingKeysWith: max)
            for file in try finishedHot() {
                guard !shouldStop() else {
                    report.isFinished = false
                    break
                }
                guard (offsets[file.name] ?? 0) >= file.size else {
                    report.waiting += 1
                    continue
                }
                progress(file)
                replace(file, erasures, &report)
            }
            return report
        }
    }

    /// Writes anew every sealed segment, and seals every finished hot one, that holds something to be erased.
    ///
    /// - Parameter progress: told of each segment before it is read.
    /// - Returns: what was done; what is held or failed stands there, and what is still being written is erased when it is sealed.
    /// - Throws: as `seal`.
    package func erase(progress: (SegmentFile) -> Void = { _ in }) throws -> KeepingReport {
        var report = try seal(progress: progress)
        return try locked {
            let erasures = try Erasures(of: directory)
            guard !erasures.isEmpty else { return report }
            for file in try directory.list() where file.isSealed {
                progress(file)
                guard try holds(file, erasures) else { continue }
                guard directory.hold(of: file.stem) == nil else {
                    report.held.append(file.name)
                    continue
                }
                replace(file, erasures, &report)
            }
            for file in try directory.expired() where file.size > 0 {
                progress(file)
                guard try holds(file, erasures) else { continue }
                guard directory.hold(of: file.stem) == nil else {
                    report.held.append(file.name)
                    continue
                }
                rewriteFacts(file, erasures, &report)
            }
            return report
        }
    }

    /// Mends manifests, and writes damaged sealed segments anew with what can be read of them; damaged ranges are copied aside.
    ///
    /// - Parameter progress: told of each segment before it is read.
    /// - Returns: what was done, and the manifests made anew.
    /// - Throws: as `seal`.
    package func repair(progress: (SegmentFile) -> Void = { _ in }) throws -> (report: KeepingReport, manifests: [String]) {
        try locked {
            var report = KeepingReport()
            try finishReplaced()
            let mending = try SegmentRepair.mendManifests(in: directory, clock: clock)
            report.failures = mending.problems
            let erasures = try Erasures(of: directory)
            for file in try directory.list() where file.isSealed {
                progress(file)
                let found = SegmentVerify.verify(file, in: directory)
                guard found.damageCount > 0, found.error == nil else { continue }
                guard directory.hold(of: file.stem) == nil else {
                    report.held.append(file.name)
                    continue
                }
                replace(file, erasures, &report, isSalvage: true)
            }
            return (report, mending.mended)
        }
    }

    // MARK: What a death left

    /// Finishes segments whose twin is there: the index follows, the old file goes.
    private func finishReplaced() throws {
        var known: Set<String> = []
        for (old, new) in try sealing.sweep() {
            try follow(old, new)
            try sealing.remove(old)
            known.insert(old.name)
        }
        // The power went after the old file was removed and before the index was on the disk.
        let sealed = try directory.list().filter(\.isSealed)
        let byStem = Dictionary(sealed.map { ($0.stem, $0) }) { first, _ in first }
        for checkpoint in try store.checkpoints() where !known.contains(checkpoint.segment) {
            guard let name = SegmentName(fileName: checkpoint.segment), let new = byStem[name.stem],
                name.generation < new.fileName.generation
            else { continue }
            try follow(SegmentFile(name: name, path: "", size: 0), new)
        }
    }

    /// Makes the index point into a sealed file, by reading it.
    private func follow(_ old: SegmentFile, _ new: SegmentFile) throws {
        guard directory.file(named: new.name) != nil else { return }
        let reader = try directory.reader(of: new)
        var places: [MovedPayload] = []
        var offset: Int64 = 0
        reading: while true {
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
            case .damage(_, _, let next), .locked(_, let next, _): offset = next
            case .incomplete, .end: break reading
            }
        }
        let end = try directory.manifest(of: new).records.bytes
        try inTurn { try store.replaceSegment(old.name, by: new.name, end: end, places: places) }
    }

    // MARK: One segment

    private func replace(
        _ file: SegmentFile, _ erasures: Erasures, _ report: inout KeepingReport, isSalvage: Bool = false
    ) {
        do {
            var ids: [ExchangeID?] = []
            var erased: [ExchangeID] = []
            let draft = try sealing.draft(of: file, isSalvage: isSalvage) { line in
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
            guard let draft else { return try sealing.remove(file) }
            try writeFacts(of: draft, file, ids)
            try draft.publish()
            let places = draft.places.compactMap { place in
                ids[place.line].map { MovedPayload(id: $0, frame: place.frame, offset: place.offset) }
            }
            try inTurn {
                try store.replaceSegment(
                    file.name, by: draft.recordsName, end: draft.manifest.records.bytes, places: places, erased: erased)
            }
            try sealing.remove(file)
            note(draft.manifest, replacing: file, erased: erased.count, &report)
        } catch {
            report.failures.append("\(file.name): \(error)")
        }
    }

    private func note(_ made: SegmentManifest, replacing file: SegmentFile, erased: Int, _ report: inout KeepingReport) {
        if file.isSealed { report.rewritten += 1 } else { report.sealed += 1 }
        report.records += made.records.lines
        report.rawBytes += made.records.rawBytes
        report.erased += UInt64(erased)
        report.bytesBefore += file.size
        report.bytesAfter += made.records.bytes + (made.facts?.bytes ?? 0)
    }

    /// The facts of the records in their order, with their new places; a record whose fact points elsewhere has none here.
    private func writeFacts(of draft: SealedDraft, _ file: SegmentFile, _ ids: [ExchangeID?]) throws {
        var sums = FactSums()
        var next = 0
        try draft.writeFacts {
            guard next < draft.places.count else { return nil }
            let some = draft.places[next..<min(next + SegmentKeeper.factsABatch, draft.places.count)]
            next = some.endIndex
            var placeOf: [ExchangeID: SealedPlace] = [:]
            for place in some { if let id = ids[place.line] { placeOf[id] = place } }
            let facts = try store.facts(of: some.compactMap { ids[$0.line] })
            return facts.filter { $0.location.segment == file.name }.compactMap { fact in
                guard let place = placeOf[fact.head.id] else { return nil }
                var moved = fact
                moved.location = PayloadLocation(segment: draft.recordsName, frame: place.frame, offset: place.offset)
                sums.add(moved)
                return moved.encodedLine()
            }
        } sums: {
            sums.values
        }
    }

    /// Whether a segment's records, or the facts of one whose records are gone, hold something to be erased.
    private func holds(_ file: SegmentFile, _ erasures: Erasures) throws -> Bool {
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

    /// Writes the facts of a segment anew whose records are gone.
    private func rewriteFacts(_ file: SegmentFile, _ erasures: Erasures, _ report: inout KeepingReport) {
        do {
            var erased: [ExchangeID] = []
            var sums = FactSums()
            let before = file.fileName.with(.records)
            let draft = try sealing.factsDraft(of: file)
            var rest = try SealedLines(file, in: directory)
            try draft.writeFacts {
                guard let lines = try rest.next() else { return nil }
                return try lines.compactMap { line in
                    var fact = try ExchangeFact(line: line)
                    let isErased = unsafe line.withUnsafeBytes {
                        erasures.covers(fact.head.id, startedAtUs: fact.head.startedAtUs, line: unsafe ByteRun($0))
                    }
                    guard !isErased else {
                        erased.append(fact.head.id)
                        return nil
                    }
                    fact.location.segment = draft.recordsName
                    sums.add(fact)
                    return fact.encodedLine()
                }
            } sums: {
                sums.values
            }
            try draft.publish()
            try inTurn {
                try store.replaceSegment(
                    before.description, by: draft.recordsName, end: draft.manifest.records.bytes, places: [], erased: erased)
            }
            try sealing.remove(SegmentFile(name: before, path: "", size: 0))
            note(draft.manifest, replacing: file, erased: erased.count, &report)
        } catch {
            report.failures.append("\(file.name): \(error)")
        }
    }

    // MARK: Order and locks

    /// Hot segments that nobody writes to any more.
    private func finishedHot() throws -> [SegmentFile] {
        // In this order: a writer that begins after the first look is in no list, and one that ends before the second has
        // written all that the third look sees.
        let hot = try directory.list().filter { !$0.isSealed }
        let live = try SegmentEpoch.live(in: directory)
        let finished = Set(
            hot.filter { file in
                // A writer never returns to a segment that it has left for the next one.
                !live.contains(file.epoch)
                    || hot.contains { $0.epoch == file.epoch && $0.node == file.node && $0.sequence > file.sequence }
            }.map(\.name))
        return try directory.list().filter { finished.contains($0.name) }
    }

    private func inTurn(_ body: () throws -> Void) throws {
        try lock.acquire(waitUs: SegmentKeeper.lockWaitUs)
        defer { lock.release() }
        try body()
    }

    private func locked<T>(_ body: () throws -> T) throws -> T {
        let path = SegmentSealing.lockPath(of: directory)
        guard let held = try directory.files.tryLock(path) else {
            throw IndexingError(
                code: .locked, message: "another process seals or erases in \(directory.path); try again when it is done",
                path: path)
        }
        defer { held.release() }
        return try body()
    }
}
