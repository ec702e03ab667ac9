// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
package import Platform

/// What sealing asks of a line that is opaque to this room.
package struct SegmentLineTraits: Sendable {
    /// When its exchange began, microseconds since the Unix epoch.
    package var startedAtUs: Int64
    /// The bytes by which lines are ordered: those of one conversation begin alike here.
    package var order: Range<Int>

    /// Traits of a line.
    package init(startedAtUs: Int64, order: Range<Int>) {
        self.startedAtUs = startedAtUs
        self.order = order
    }
}

/// Where a line went.
package struct SealedPlace: Sendable, Equatable {
    /// Its number in the segment it came from, from 0.
    package let line: Int
    /// The offset of its batch.
    package let frame: Int64
    /// Where it begins in the batch's lines.
    package let offset: Int64
}

/// Writes a finished segment anew: dense, ordered, with a manifest; a hot one, or a sealed one without some of its records.
///
/// Thread world. Nothing is published before it was read back and found equal, and nothing is removed here but by `remove`: at
/// whatever step the process dies, the old segment or both are there, and `sweep` clears what means nothing. Hold the sealer's
/// lock (`SegmentDirectory.sealersLock`): one at a time in a directory.
package struct SegmentSealing {
    /// The directory.
    package let directory: SegmentDirectory
    private let clock: any Clock
    private let limits: SegmentLimits

    /// A sealing of segments in a directory; its keys' current one encrypts what is written.
    package init(directory: SegmentDirectory, clock: any Clock, limits: SegmentLimits = .standard) {
        self.directory = directory
        self.clock = clock
        self.limits = limits
    }

    /// Writes the records of a segment anew under a temporary name, reads them back, and compares.
    ///
    /// - Parameters:
    ///   - source: a segment that nobody writes to any more.
    ///   - isSalvage: whether a damaged sealed segment is written anew with what can be read of it.
    ///   - hasMore: whether the caller knows of facts that belong to the segment, so that it is written although it holds no record.
    ///   - traits: called once for each line in its order, without newline; nil leaves the line out.
    /// - Returns: what was written; nil where the segment holds nothing at all.
    /// - Throws: `SegmentError`; the segment is as it was.
    package func draft(
        of source: SegmentFile, isSalvage: Bool = false, hasMore: Bool = false, traits: (ByteRun) -> SegmentLineTraits?
    ) throws(SegmentError) -> SealedDraft? {
        try requireRoom(for: source)
        let held = try SealingSource(source, in: directory, limits: limits)
        var before: SegmentManifest?
        if source.isSealed {
            // A sealed segment that is damaged keeps what it has: nothing is written over it.
            guard held.damage.isEmpty || isSalvage else {
                throw SegmentError(
                    .sealFailed, "The sealed segment is damaged; see `weir segment verify` and `weir segment repair`.",
                    segment: source.name, offset: held.damage[0].range.lowerBound)
            }
            before = isSalvage ? try? directory.manifest(of: source) : try directory.manifest(of: source)
        }
        let hadMore = (before?.facts?.lines ?? 0) > (before?.records.lines ?? 0)
        if held.lines.isEmpty, held.gaps.isEmpty, held.damage.isEmpty, !isSalvage, !hadMore, !hasMore { return nil }
        try setAside(held.damage, of: source)
        let order = LineOrder(held, traits: traits)
        let name = SegmentName(source.stem, generation: source.fileName.generation + 1, .records)
        let (part, places) = try written(held, order, name)
        var manifest = SegmentManifest(
            stem: source.stem, generation: name.generation, sealedAtUs: clock.wallUs, records: part, facts: nil,
            minStartedAtUs: order.startedAtUs?.lowerBound, maxStartedAtUs: order.startedAtUs?.upperBound)
        // A sealed file's own numbers are not those of its writer.
        manifest.recordNumbers = source.isSealed ? before?.recordNumbers ?? [] : held.recordNumbers
        manifest.gaps = held.gaps
        manifest.damagedRanges = (before?.damagedRanges ?? 0) + Int64(held.damage.count)
        manifest.damagedBytes = (before?.damagedBytes ?? 0) + held.damage.reduce(0) { $0 + Int64($1.range.count) }
        manifest.erasedRecords = (before?.erasedRecords ?? 0) + UInt64(held.lines.count - order.lines.count)
        manifest.keyID = directory.keys.current?.name
        return SealedDraft(
            directory: directory, manifest: manifest, places: places,
            isIncomplete: isSalvage || hadMore || hasMore || !held.damage.isEmpty)
    }

    /// Writes the records, reads them back and compares; where that fails nothing of it stays.
    private func written(_ held: borrowing SealingSource, _ order: borrowing LineOrder, _ name: SegmentName)
        throws(SegmentError) -> (SegmentManifest.Part, [SealedPlace])
    {
        do throws(SegmentError) {
            let writer = try SealedFileWriter(name, in: directory, compressor: try FrameCompressor(.dense))
            let places = try write(held, order, to: writer)
            let part = try writer.finish()
            try check(held, order, name: name, part: part)
            return (part, places)
        } catch {
            try? directory.files.unlink(SealedFileWriter.temporary(name, in: directory))
            throw error
        }
    }

    /// Refuses to begin where the new file would take what room is left: sealing must not fill a disk that capture needs.
    private func requireRoom(for source: SegmentFile) throws(SegmentError) {
        let free: Int64
        do { free = try directory.files.freeBytes(at: directory.path) } catch {
            throw SegmentError(.readFailed, "Free space cannot be asked for.", segment: source.name, cause: error)
        }
        guard free / 2 < source.size else { return }
        throw SegmentError(
            .noSpace, "\(free) bytes are free, fewer than twice the segment: it stays as it is until there is room.",
            segment: source.name)
    }

    private func setAside(_ damage: [SegmentDamage], of source: SegmentFile) throws(SegmentError) {
        guard let first = damage.first else { return }
        let copies = DamagedCopies(directory: directory.path, files: directory.files, limits: limits)
        let problems = copies.make(of: source, damage.prefix(limits.damageListed))
        guard problems.isEmpty else {
            throw SegmentError(.sealFailed, problems[0], segment: source.name, offset: first.range.lowerBound)
        }
    }

    private func write(_ held: borrowing SealingSource, _ order: borrowing LineOrder, to writer: SealedFileWriter)
        throws(SegmentError) -> [SealedPlace]
    {
        for gap in held.gaps { try writer.add(gap) }
        var places: [SealedPlace] = []
        places.reserveCapacity(order.lines.count)
        var frame = frameStore(held)
        var next = 0
        while next < order.lines.count {
            frame.count = 0
            let first = next
            var (least, most) = (Int64.max, Int64.min)
            while next < order.lines.count {
                let whole = held.whole(order.lines[next])
                if frame.count > 0, frame.count + whole.count > limits.sealedFrameBytes { break }
                frame.append(whole)
                let startedAtUs = order.traits[order.lines[next]]?.startedAtUs ?? 0
                (least, most) = (min(least, startedAtUs), max(most, startedAtUs))
                next += 1
            }
            let offset = try writer.add(frame.run, lines: next - first, startedAtUs: least...most)
            var position: Int64 = 0
            for line in order.lines[first..<next] {
                places.append(SealedPlace(line: line, frame: offset, offset: position))
                position += Int64(held.whole(line).count)
            }
        }
        return places
    }

    /// Room for one frame's lines.
    private func frameStore(_ held: borrowing SealingSource) -> ByteStore {
        let store = ByteStore(capacity: min(held.bytes.count, limits.sealedFrameBytes) + 64)
        unsafe MemoryAdvice.fillsWhole(store.base, count: store.capacity)
        return store
    }

    /// Reads what was written back and compares every line with the one it was made of.
    private func check(
        _ held: borrowing SealingSource, _ order: borrowing LineOrder, name: SegmentName, part: SegmentManifest.Part
    ) throws(SegmentError) {
        let path = SealedFileWriter.temporary(name, in: directory)
        let reader = try directory.reader(of: SegmentFile(name: name, path: path, size: part.bytes))
        var next = 0
        var offset: Int64 = 0
        var frame = frameStore(held)
        func differs() -> SegmentError {
            SegmentError(
                .sealFailed, "What was read back is not what was written: check the device. The segment stays as it is.",
                segment: name.description, offset: offset)
        }
        while true {
            frame.count = 0
            switch try reader.next(after: offset, onto: &frame) {
            case .batch(let batch):
                for range in batch.lineRanges {
                    guard next < order.lines.count else { throw differs() }
                    let line = held.line(order.lines[next])
                    guard frame.run.slice(range.lowerBound, range.upperBound).equals(line) else { throw differs() }
                    next += 1
                }
                offset = batch.next
            case .gap(let gap): offset = gap.next
            case .end:
                guard next == order.lines.count else { throw differs() }
                return
            case .damage, .incomplete, .locked: throw differs()
            }
        }
    }
}

/// The lines of a source that are kept, in the order in which they are written.
struct LineOrder: ~Copyable {
    /// By line of the source; nil for one that is left out.
    let traits: [SegmentLineTraits?]
    /// Lines of the source.
    let lines: [Int]
    /// From the earliest start to the latest.
    let startedAtUs: ClosedRange<Int64>?

    init(_ held: borrowing SealingSource, traits: (ByteRun) -> SegmentLineTraits?) {
        var all: [SegmentLineTraits?] = []
        all.reserveCapacity(held.lines.count)
        var span: ClosedRange<Int64>?
        for index in held.lines.indices {
            let line = traits(held.line(index))
            all.append(line)
            guard let at = line?.startedAtUs else { continue }
            span = span.map { min($0.lowerBound, at)...max($0.upperBound, at) } ?? at...at
        }
        let runs = all.indices.map { index in
            guard let order = all[index]?.order else { return ByteRun.empty }
            let line = held.line(index)
            let end = min(order.upperBound, line.count)
            return line.slice(min(order.lowerBound, end), end)
        }
        lines = all.indices.filter { all[$0] != nil }.sorted { a, b in
            let order = runs[a].compare(runs[b])
            return order == 0 ? a < b : order < 0
        }
        self.traits = all
        startedAtUs = span
    }
}

extension ByteRun {
    /// Below, at or above zero as it sorts before, with or after another, byte by byte; a beginning of another sorts before it.
    fileprivate func compare(_ other: ByteRun) -> Int {
        let shared = min(count, other.count)
        var i = 0
        while i &+ 8 <= shared {
            let mine = unsafe base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            let theirs = unsafe other.base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            if mine != theirs { return UInt64(bigEndian: mine) < UInt64(bigEndian: theirs) ? -1 : 1 }
            i &+= 8
        }
        while i < shared {
            let mine = unsafe base.load(fromByteOffset: i, as: UInt8.self)
            let theirs = unsafe other.base.load(fromByteOffset: i, as: UInt8.self)
            if mine != theirs { return mine < theirs ? -1 : 1 }
            i &+= 1
        }
        return count - other.count
    }
}
