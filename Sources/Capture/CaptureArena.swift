// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform
import Synchronization

/// The arena of one event loop: a mapping of slots and pages that survives the process.
///
/// - The loop takes slots and pages and appends; nothing here waits, makes a system call or, once warm, allocates.
/// - Bytes are copied before the release-store that publishes them, entries before the slot's state: what a reader of the file
///   finds published is whole.
/// - The capture thread pops committed slots and gives each back once its record is in a segment; with a slot go its pages.
///
/// `@unchecked Sendable`: the members marked *loop* are touched by the one event loop that made the taps, those marked *thread* by
/// the capture thread, and the rest are atomics or never change.
@safe final class CaptureArena: @unchecked Sendable {
    let memory: ArenaMemory
    let mapping: MappedFile
    /// Where the file lies; empty where there is none.
    let path: String
    /// Loop to thread: committed slots.
    let committed: SlotRing
    /// Thread to loop: slots whose records are in a segment.
    private let returned: SlotRing
    /// Pages that heads and facts alone may use, so that an exchange without its bodies finds room.
    let reservePages: Int

    // Loop.
    private var freeSlots: [UInt32] = []
    private var freshSlot: UInt32 = 0
    private var freePage: UInt32 = 0
    private var freshPage: UInt32 = 0
    private(set) var freePages: Int
    private let lastPages: UnsafeMutablePointer<UInt32>
    private let chainPages: UnsafeMutablePointer<UInt32>
    /// Pages of returned slots that the loop has on its free lists again.
    private var pagesTakenBack = 0
    /// Pages taken since the start but for those of abandoned slots, as of the latest commit; the loop writes it.
    private let pagesTaken = Atomic<Int>(0)
    /// Why less than the bodies is held, by slot: the loop's until the slot is committed, then the thread's.
    private let reductions: UnsafeMutablePointer<BodyReduction>
    /// Payload outside the arena by slot: the loop's until the slot is committed, then the thread's.
    private let spills: UnsafeMutablePointer<SpillBuffer?>

    // Thread.
    private var pagesReturned = 0

    init(mapping: MappedFile, path: String, identity: ArenaIdentity) {
        self.mapping = mapping
        self.path = path
        let pages = ArenaMemory.pageCount(fitting: mapping.count)
        memory = unsafe ArenaMemory(base: mapping.base, slotCount: pages, pageCount: pages, reading: .trusted)
        committed = SlotRing(slots: pages)
        returned = SlotRing(slots: pages)
        reservePages = max(1, pages / 4)
        freePages = pages
        unsafe lastPages = UnsafeMutablePointer<UInt32>.allocate(capacity: pages)
        unsafe lastPages.initialize(repeating: 0, count: pages)
        unsafe chainPages = UnsafeMutablePointer<UInt32>.allocate(capacity: pages)
        unsafe chainPages.initialize(repeating: 0, count: pages)
        unsafe spills = UnsafeMutablePointer<SpillBuffer?>.allocate(capacity: pages)
        unsafe spills.initialize(repeating: nil, count: pages)
        unsafe reductions = UnsafeMutablePointer<BodyReduction>.allocate(capacity: pages)
        unsafe reductions.initialize(repeating: .nothing, count: pages)
        identity.write(to: memory)
    }

    deinit {
        unsafe spills.deinitialize(count: memory.slotCount)
        unsafe spills.deallocate()
        unsafe reductions.deallocate()
        unsafe lastPages.deallocate()
        unsafe chainPages.deallocate()
    }

    // MARK: Loop

    /// Takes a slot with its first page, or nil where the arena is full.
    func take(id: ExchangeID, startedAtUs: Int64) -> ArenaWriter? {
        takeBack()
        guard freePages > 0, let slot = freeSlots.popLast() ?? freshSlotNumber(), let page = takePage() else { return nil }
        memory.fillSlot(slot, id: id, startedAtUs: startedAtUs, firstPage: page)
        memory.initialize(page, owner: slot)
        unsafe lastPages[Int(slot)] = page
        unsafe chainPages[Int(slot)] = 1
        memory.setState(slot, ArenaFormat.SlotState.open)
        memory.add(.slotsTaken)
        return ArenaWriter(slot: slot, page: page)
    }

    private func freshSlotNumber() -> UInt32? {
        guard Int(freshSlot) < memory.slotCount else { return nil }
        freshSlot += 1
        return freshSlot - 1
    }

    private func takePage() -> UInt32? {
        if freePage != 0 {
            let page = freePage - 1
            freePage = memory.next(page)
            freePages -= 1
            return page
        }
        guard Int(freshPage) < memory.pageCount else { return nil }
        freshPage += 1
        freePages -= 1
        return freshPage - 1
    }

    /// Takes back what the thread has returned; looked at once for each exchange, and when pages run short.
    private func takeBack() {
        var slots = 0
        while slots < 256, let slot = returned.pop() {
            pagesTakenBack += Int(unsafe chainPages[Int(slot)])
            give(slot)
            slots += 1
        }
    }

    /// Puts a slot and its chain of pages on the free lists.
    private func give(_ slot: UInt32) {
        let last = unsafe lastPages[Int(slot)]
        memory.setNext(last, freePage)
        freePage = memory.firstPage(slot) + 1
        freePages += Int(unsafe chainPages[Int(slot)])
        freeSlots.append(slot)
    }

    /// Whether payload may still take pages.
    private var hasPayloadRoom: Bool {
        if freePages > reservePages { return true }
        takeBack()
        return freePages > reservePages
    }

    /// Appends a run as one entry or, over page ends, several.
    ///
    /// - Parameters:
    ///   - run: the bytes.
    ///   - kind: what they are.
    ///   - timeUs: when they came.
    ///   - writer: the exchange's place.
    ///   - pages: the most pages the exchange may hold; payload only, and payload leaves the reserve alone.
    /// - Returns: how many bytes were taken.
    func append(_ run: ByteRun, kind: UInt8, timeUs: Int64, writer: inout ArenaWriter, pages: Int?) -> Int {
        let salt = memory.salt(ofSlot: writer.slot)
        var done = 0
        while done < run.count {
            var room = ArenaFormat.pageBytes - writer.used - ArenaFormat.entryHeaderBytes
            if room < min(ArenaFormat.smallestFragment, run.count - done) {
                if let pages {
                    guard Int(unsafe chainPages[Int(writer.slot)]) < pages, hasPayloadRoom else { return done }
                } else if freePages == 0 {
                    takeBack()
                }
                guard let page = takePage() else { return done }
                memory.initialize(page, owner: writer.slot)
                memory.setNext(writer.page, page + 1)
                unsafe lastPages[Int(writer.slot)] = page
                unsafe chainPages[Int(writer.slot)] += 1
                writer.page = page
                writer.used = ArenaFormat.pageHeaderBytes
                room = ArenaFormat.pageBytes - writer.used - ArenaFormat.entryHeaderBytes
            }
            let count = min(room, run.count - done)
            unsafe PageBytes.write(
                run.slice(done, done + count), kind: kind, isContinued: done > 0, timeUs: timeUs, salt: salt,
                to: memory.page(writer.page), used: &writer.used)
            done += count
        }
        return done
    }

    /// Says that payload of an exchange lies outside the arena.
    func noteSpill(_ slot: UInt32, _ spill: SpillBuffer, kinds: UInt64) {
        memory.setSlotWord(slot, ArenaFormat.Slot.spilled, kinds)
        unsafe spills[Int(slot)] = spill
    }

    /// Hands a slot over to the capture thread.
    ///
    /// - Parameters:
    ///   - slot: the exchange's.
    ///   - reduction: why less than its bodies is held.
    ///   - nowUs: the time, monotonic.
    func commit(_ slot: UInt32, reduction: BodyReduction = .nothing, nowUs: Int64) {
        unsafe reductions[Int(slot)] = reduction
        memory.setSlotWord(slot, ArenaFormat.Slot.committedUs, UInt64(bitPattern: nowUs))
        memory.setState(slot, ArenaFormat.SlotState.committed)
        memory.add(.committed)
        memory.add(.committedPages, UInt64(unsafe chainPages[Int(slot)]))
        if let spill = unsafe spills[Int(slot)] { memory.add(.committedSpillBytes, UInt64(spill.heldBytes)) }
        memory.set(.pagesInUse, UInt64(memory.pageCount - freePages))
        pagesTaken.store(memory.pageCount - freePages + pagesTakenBack, ordering: .relaxed)
        committed.push(slot)
    }

    /// Lets go of a slot that shall not become a record.
    func abandon(_ slot: UInt32) {
        memory.setState(slot, ArenaFormat.SlotState.free)
        unsafe spills[Int(slot)] = nil
        give(slot)
        memory.add(.slotsAbandoned)
    }

    /// Notes an exchange that will have no record.
    func lost(_ loss: ArenaFormat.Loss, _ id: ExchangeID, startedAtUs: Int64) {
        LossNotes(memory, loss).note(id, startedAtUs: startedAtUs)
    }

    // MARK: Thread

    /// The next committed slot, or nil; from here on it does not wait any more.
    func takeCommitted() -> UInt32? {
        guard let slot = committed.pop() else { return nil }
        // The loop does not touch the chain of a committed slot.
        memory.add(.takenPages, UInt64(unsafe chainPages[Int(slot)]))
        if let spill = unsafe spills[Int(slot)] { memory.add(.takenSpillBytes, UInt64(spill.heldBytes)) }
        return slot
    }

    func spill(_ slot: UInt32) -> SpillBuffer? { unsafe spills[Int(slot)] }

    /// Why less than the bodies of a committed exchange is held.
    func reduction(_ slot: UInt32) -> BodyReduction { unsafe reductions[Int(slot)] }

    /// Pages in use as of the loop's latest commit, less what was given back since, whether the loop has taken it or not.
    var heldPages: Int { pagesTaken.load(ordering: .relaxed) - pagesReturned }

    /// Takes the payload outside the arena off a slot.
    func takeSpill(_ slot: UInt32) -> SpillBuffer? {
        defer { unsafe spills[Int(slot)] = nil }
        return unsafe spills[Int(slot)]
    }

    /// Gives a slot back to the loop: its record is in a segment, or counted as lost.
    func giveBack(_ slot: UInt32) {
        memory.setState(slot, ArenaFormat.SlotState.free)
        memory.add(.slotsReturned)
        pagesReturned += Int(unsafe chainPages[Int(slot)])
        returned.push(slot)
    }

    // MARK: Any thread

    /// Slots that are taken and not given back.
    var slotsInUse: Int {
        let given = memory.counter(.slotsReturned) &+ memory.counter(.slotsAbandoned)
        return Int(clamping: Int64(bitPattern: memory.counter(.slotsTaken) &- given))
    }

    /// Pages of committed exchanges that the capture thread has not taken.
    var untakenPages: Int { memory.difference(.committedPages, .takenPages) }

    /// Bytes beside the arena of committed exchanges that the capture thread has not taken.
    var untakenSpillBytes: Int { memory.difference(.committedSpillBytes, .takenSpillBytes) }

    /// Committed exchanges whose records are not in a segment.
    var waiting: Int {
        Int(clamping: Int64(bitPattern: memory.counter(.committed) &- memory.counter(.slotsReturned)))
    }
}

/// Why less than the bodies of an exchange is held in the arena and beside it.
enum BodyReduction {
    case nothing
    /// A body was longer than the loop holds.
    case limit
    /// There was no room for all of a body.
    case room
}

/// Where the next entry of an exchange goes; the loop's.
struct ArenaWriter {
    let slot: UInt32
    var page: UInt32
    var used = ArenaFormat.pageHeaderBytes
}
