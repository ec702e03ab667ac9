// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Payload of one exchange that is too large for its share of the arena, in plain memory: entries as in pages.
///
/// Filled by the loop, read and let go by the capture thread once the slot was committed; never touched by both.
@safe final class SpillBuffer {
    /// Bytes of one piece of memory.
    static let chunkBytes = 128 << 10
    private var chunks: [UnsafeMutableRawPointer] = unsafe []
    private var used = 0
    /// Entries in each chunk but the last.
    private var lengths: [Int] = []
    /// The ends of bodies whose middle found no room.
    var requestTail: TailRing?
    var responseTail: TailRing?

    deinit {
        for index in unsafe chunks.indices { unsafe chunks[index].deallocate() }
    }

    /// Bytes of memory held.
    var heldBytes: Int {
        let rings = (requestTail == nil ? 0 : TailRing.bytes) + (responseTail == nil ? 0 : TailRing.bytes)
        return unsafe chunks.count * SpillBuffer.chunkBytes + rings
    }

    var hasTails: Bool { requestTail != nil || responseTail != nil }

    /// Appends a run; `grow` is asked before each new chunk and may refuse.
    ///
    /// - Returns: how many bytes were taken.
    func append(_ run: ByteRun, kind: UInt8, timeUs: Int64, isContinued: Bool, grow: (Int) -> Bool) -> Int {
        var done = 0
        while done < run.count {
            var room = unsafe chunks.isEmpty ? 0 : SpillBuffer.chunkBytes - used - ArenaFormat.entryHeaderBytes
            if room < min(ArenaFormat.smallestFragment, run.count - done) {
                guard grow(SpillBuffer.chunkBytes) else { return done }
                if unsafe !chunks.isEmpty { lengths.append(used) }
                unsafe chunks.append(
                    UnsafeMutableRawPointer.allocate(byteCount: SpillBuffer.chunkBytes, alignment: 16))
                if let chunk = unsafe chunks.last { unsafe PageBytes.initialize(chunk, owner: 0) }
                used = ArenaFormat.pageHeaderBytes
                room = SpillBuffer.chunkBytes - used - ArenaFormat.entryHeaderBytes
            }
            guard let chunk = unsafe chunks.last else { return done }
            let count = min(room, run.count - done)
            unsafe PageBytes.write(
                run.slice(done, done + count), kind: kind, isContinued: isContinued || done > 0, timeUs: timeUs, salt: nil,
                to: chunk,
                used: &used)
            done += count
        }
        return done
    }

    /// Walks the entries in order.
    func forEachEntry(_ body: (ArenaEntry) -> Void) {
        for index in unsafe chunks.indices {
            let length = index < lengths.count ? lengths[index] : used
            let start = unsafe chunks[index] + ArenaFormat.pageHeaderBytes
            let run = unsafe ByteRun(start, count: length - ArenaFormat.pageHeaderBytes)
            _ = PageBytes.forEachEntry(run, .trusted, salt: 0, body)
        }
    }
}
