// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Synchronization

/// How the entries of an arena are read.
enum EntryReading {
    /// Written by this process, or beside an arena: as they are.
    case trusted
    /// From a file: an entry whose check value is not its own ends the reading.
    case checked
    /// From a file of version 1, whose entries bear no check value.
    case version1
}

/// One entry of a chain.
struct ArenaEntry {
    let kind: UInt8
    let isContinued: Bool
    let timeUs: Int64
    let bytes: ByteRun
}

/// One page: a header, then entries; also the shape of memory outside the arena that holds entries.
enum PageBytes {
    private static let usedOffset = 8

    static func initialize(_ page: UnsafeMutableRawPointer, owner: UInt32, tag: UInt32 = 0) {
        unsafe page.storeBytes(of: 0, as: UInt32.self)
        unsafe page.storeBytes(of: owner, toByteOffset: 4, as: UInt32.self)
        unsafe page.storeBytes(
            of: UInt64(ArenaFormat.pageHeaderBytes) | UInt64(tag) << 32, toByteOffset: usedOffset, as: UInt64.self)
    }

    /// Writes one entry at `used` and publishes it; the caller has checked that it fits.
    ///
    /// With a salt the entry bears a check value, which only the same bytes with the same salt have.
    @inline(__always)
    static func write(
        _ run: ByteRun, kind: UInt8, isContinued: Bool, timeUs: Int64, salt: UInt64?, to page: UnsafeMutableRawPointer,
        used: inout Int
    ) {
        let entry = unsafe page + used
        let head = EntryHead(length: run.count, kind: kind, isContinued: isContinued)
        let check = salt.map { EntryCheck.value(of: run, head: head.word, timeUs: timeUs, salt: $0) } ?? 0
        unsafe entry.storeBytes(of: UInt64(head.word) | UInt64(check) << 32, as: UInt64.self)
        unsafe entry.storeBytes(of: timeUs, toByteOffset: 8, as: Int64.self)
        unsafe (entry + ArenaFormat.entryHeaderBytes).copyMemory(from: run.base, byteCount: run.count)
        used += ArenaFormat.entryHeaderBytes + (run.count + 7) & ~7
        unsafe usedCell(page).pointee.store(UInt32(truncatingIfNeeded: used), ordering: .releasing)
    }

    private static func usedCell(_ page: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (page + usedOffset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// The entries of an arena's page, or nil where its length cannot be.
    static func published(_ page: UnsafeMutableRawPointer) -> ByteRun? {
        let used = Int(unsafe usedCell(page).pointee.load(ordering: .acquiring))
        guard used >= ArenaFormat.pageHeaderBytes, used <= ArenaFormat.pageBytes else { return nil }
        return unsafe ByteRun(page + ArenaFormat.pageHeaderBytes, count: used - ArenaFormat.pageHeaderBytes)
    }

    /// Walks the entries of a page; false where a length cannot be or a check value is wrong.
    static func forEachEntry(_ run: ByteRun, _ reading: EntryReading, salt: UInt64, _ body: (ArenaEntry) -> Void) -> Bool {
        var at = 0
        while at < run.count {
            guard run.count - at >= ArenaFormat.entryHeaderBytes else { return false }
            let word = unsafe run.base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let time = unsafe run.base.loadUnaligned(fromByteOffset: at + 8, as: Int64.self)
            let head = reading == .version1 ? EntryHead(version1: word) : EntryHead(word: UInt32(truncatingIfNeeded: word))
            let start = at + ArenaFormat.entryHeaderBytes
            guard head.length <= run.count - start else { return false }
            let bytes = run.slice(start, start + head.length)
            if reading == .checked {
                let check = EntryCheck.value(of: bytes, head: head.word, timeUs: time, salt: salt)
                guard check == UInt32(truncatingIfNeeded: word >> 32) else { return false }
            }
            body(ArenaEntry(kind: head.kind, isContinued: head.isContinued, timeUs: time, bytes: bytes))
            at = start + (head.length + 7) & ~7
        }
        return true
    }
}

/// The first four bytes of an entry: its length, what it holds, whether it goes on.
private struct EntryHead {
    let length: Int
    let kind: UInt8
    let isContinued: Bool

    @inline(__always)
    init(length: Int, kind: UInt8, isContinued: Bool) {
        self.length = length
        self.kind = kind
        self.isContinued = isContinued
    }

    init(word: UInt32) {
        length = Int(word & ArenaFormat.entryLengthMask)
        kind = UInt8(truncatingIfNeeded: word >> 24) & ~ArenaFormat.continuedBit
        isContinued = UInt8(truncatingIfNeeded: word >> 24) & ArenaFormat.continuedBit != 0
    }

    /// Of version 1: length u32, kind u8, flags u8 with the lowest for an entry that goes on.
    init(version1 word: UInt64) {
        length = Int(UInt32(truncatingIfNeeded: word))
        kind = UInt8(truncatingIfNeeded: word >> 32)
        isContinued = word >> 40 & 1 == 1
    }

    @inline(__always)
    var word: UInt32 {
        UInt32(truncatingIfNeeded: length) | UInt32(kind | (isContinued ? ArenaFormat.continuedBit : 0)) << 24
    }
}
