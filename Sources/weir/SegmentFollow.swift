// SPDX-License-Identifier: Apache-2.0
import Platform
import SegmentLog

/// Follows a growing log from segment to segment; owned by one thread.
///
/// - Every record written after the beginning is given once, in the order of its segment, whichever writer wrote it.
/// - A hot segment is held open while it may grow: that it is sealed and removed loses nothing, and its sealed twin, which has the
///   same writer and number, is not read a second time.
final class SegmentFollow {
    private struct Place {
        let reader: SegmentReader
        var offset: Int64 = 0
        var idleLooks = 0
    }

    /// Latest segments that may still grow when a follower begins.
    private static let openedAtStart = 4
    /// Looks in vain after which a segment of a writer that another one followed is given up.
    private static let idleLooksMax = 600

    private let directory: SegmentDirectory
    private var open: [SegmentStem: Place] = [:]
    /// Read to the end, or passed over at the beginning.
    private var done: Set<SegmentStem> = []

    init(_ directory: SegmentDirectory) { self.directory = directory }

    /// Takes its place at the end of the log and gives what stands last in it.
    ///
    /// - Parameters:
    ///   - count: how many of the last lines are wanted.
    ///   - passing: whether a line is one of them.
    /// - Returns: at most `count` lines in write order.
    /// - Throws: `SegmentError` where the directory or a segment cannot be read.
    func begin(_ count: Int, passing: (ArraySlice<UInt8>) -> Bool) throws -> [[UInt8]] {
        var last: [[UInt8]] = []
        for (age, file) in try directory.list().reversed().enumerated() {
            let key = file.stem
            let mayGrow = age < SegmentFollow.openedAtStart
            guard mayGrow || last.count < count else {
                done.insert(key)
                continue
            }
            guard let reader = try directory.readerNow(of: file) else { continue }
            var place = Place(reader: reader)
            var lines: [[UInt8]] = []
            let missing = count - last.count
            try SegmentFollow.read(&place, decoding: missing > 0) { event in
                guard case .batch(let batch) = event else { return }
                for range in batch.lineRanges where passing(batch.raw[range]) { lines.append(Array(batch.raw[range])) }
                if lines.count > missing { lines.removeFirst(lines.count - missing) }
            }
            last = lines + last
            if mayGrow { open[key] = place } else { done.insert(key) }
        }
        return last
    }

    /// Gives what was written since the last look.
    ///
    /// - Parameter body: takes the segment's name and what was found in it.
    /// - Returns: whether anything was.
    /// - Throws: `SegmentError` where the directory or a segment cannot be read, or what `body` throws.
    @discardableResult
    func look(_ body: (String, SegmentEvent) throws -> Void) throws -> Bool {
        // Listed before it is read: a segment with a successor in the list has all of its bytes by now.
        let files = try directory.list()
        for file in files {
            let key = file.stem
            guard open[key] == nil, !done.contains(key) else { continue }
            // Gone since it was listed: its sealed twin is in the next list.
            guard let reader = try? directory.reader(of: file) else { continue }
            open[key] = Place(reader: reader)
        }
        let latest = Dictionary(files.map { ($0.node + "-\($0.epoch)", $0.sequence) }, uniquingKeysWith: max)
        let newestEpoch = Dictionary(files.map { ($0.node, $0.epoch) }, uniquingKeysWith: max)
        var hasFound = false
        for key in open.keys.sorted() {
            guard var place = open.removeValue(forKey: key) else { continue }
            let (before, name) = (place.offset, place.reader.file.name)
            try SegmentFollow.read(&place, decoding: true) { try body(name, $0) }
            place.idleLooks = place.offset == before ? place.idleLooks + 1 : 0
            hasFound = hasFound || place.offset != before
            let isFollowed = latest[key.node + "-\(key.epoch)"].map { $0 > key.sequence } ?? true
            let isOld = place.idleLooks > SegmentFollow.idleLooksMax && newestEpoch[key.node].map { $0 > key.epoch } ?? true
            if isFollowed || isOld { done.insert(key) } else { open[key] = place }
        }
        return hasFound
    }

    /// Reads on to the end of what is there now.
    private static func read(_ place: inout Place, decoding: Bool, _ body: (SegmentEvent) throws -> Void) throws {
        while true {
            let step = decoding ? try place.reader.next(after: place.offset) : try place.reader.skim(after: place.offset)
            let (event, next) = SegmentEvent.read(step)
            if let event { try body(event) }
            guard let next else { return }
            place.offset = next
        }
    }
}
