// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform
import Synchronization

/// The bytes of an arena, by the names of `ArenaFormat`: header, slots, pages.
///
/// Addresses only; who may write what when is said by `CaptureArena`. Every number read from a page or a slot is checked
/// against the arena before it is used, so that a damaged file cannot lead outside of it.
@safe struct ArenaMemory {
    let base: UnsafeMutableRawPointer
    let slotCount: Int
    let pageCount: Int
    private let reading: EntryReading
    private let slots: UnsafeMutableRawPointer
    private let pages: UnsafeMutableRawPointer

    init(base: UnsafeMutableRawPointer, slotCount: Int, pageCount: Int, reading: EntryReading) {
        unsafe self.base = base
        self.slotCount = slotCount
        self.pageCount = pageCount
        self.reading = reading
        unsafe slots = base + ArenaFormat.pageBytes
        unsafe pages = slots + ArenaMemory.tableBytes(slotCount)
    }

    private static func tableBytes(_ slotCount: Int) -> Int {
        (slotCount * ArenaFormat.slotBytes + ArenaFormat.pageBytes - 1) / ArenaFormat.pageBytes * ArenaFormat.pageBytes
    }

    /// Bytes of an arena with as many slots as pages.
    static func fileBytes(pages: Int) -> Int {
        ArenaFormat.pageBytes + tableBytes(pages) + pages * ArenaFormat.pageBytes
    }

    /// The most pages that fit a number of bytes.
    static func pageCount(fitting bytes: Int) -> Int {
        max(0, bytes - 2 * ArenaFormat.pageBytes) / (ArenaFormat.pageBytes + ArenaFormat.slotBytes)
    }

    // MARK: Counters

    func counter(_ name: ArenaFormat.Counter) -> UInt64 {
        unsafe word(name).pointee.load(ordering: .relaxed)
    }

    /// How far one counter is ahead of another, which is read first so that it is never ahead itself.
    func difference(_ name: ArenaFormat.Counter, _ behind: ArenaFormat.Counter) -> Int {
        let less = counter(behind)
        return Int(clamping: Int64(bitPattern: counter(name) &- less))
    }

    /// For counters that one side alone writes: no locked instruction.
    func add(_ name: ArenaFormat.Counter, _ amount: UInt64 = 1) {
        let cell = unsafe word(name)
        unsafe cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Takes one back that was counted too early; as `add`, for the side that writes the counter.
    func subtract(_ name: ArenaFormat.Counter) { add(name, UInt64.max) }

    func set(_ name: ArenaFormat.Counter, _ value: UInt64) {
        unsafe word(name).pointee.store(value, ordering: .relaxed)
    }

    private func word(_ name: ArenaFormat.Counter) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe word(at: name.rawValue)
    }

    /// A word of the header by its offset.
    func word(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    // MARK: Slots

    @inline(__always)
    func slot(_ index: UInt32) -> UnsafeMutableRawPointer { unsafe slots + Int(index) * ArenaFormat.slotBytes }

    private func stateCell(_ index: UInt32) -> UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (slot(index) + ArenaFormat.Slot.state).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    func state(_ index: UInt32) -> UInt32 { unsafe stateCell(index).pointee.load(ordering: .acquiring) }
    func setState(_ index: UInt32, _ state: UInt32) { unsafe stateCell(index).pointee.store(state, ordering: .releasing) }

    func slotWord(_ index: UInt32, _ offset: Int) -> UInt64 {
        unsafe slot(index).load(fromByteOffset: offset, as: UInt64.self)
    }

    func setSlotWord(_ index: UInt32, _ offset: Int, _ value: UInt64) {
        unsafe slot(index).storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
    }

    func firstPage(_ index: UInt32) -> UInt32 {
        unsafe slot(index).load(fromByteOffset: ArenaFormat.Slot.firstPage, as: UInt32.self)
    }

    func id(_ index: UInt32) -> ExchangeID {
        ExchangeID(high: slotWord(index, ArenaFormat.Slot.idHigh), low: slotWord(index, ArenaFormat.Slot.idLow))
    }

    func startedAtUs(_ index: UInt32) -> Int64 { Int64(bitPattern: slotWord(index, ArenaFormat.Slot.startedAtUs)) }

    /// Fills a slot that nobody else sees yet.
    func fillSlot(_ index: UInt32, id: ExchangeID, startedAtUs: Int64, firstPage: UInt32) {
        let slot = unsafe slot(index)
        unsafe slot.storeBytes(of: firstPage, toByteOffset: ArenaFormat.Slot.firstPage, as: UInt32.self)
        setSlotWord(index, ArenaFormat.Slot.idHigh, id.high)
        setSlotWord(index, ArenaFormat.Slot.idLow, id.low)
        setSlotWord(index, ArenaFormat.Slot.startedAtUs, UInt64(bitPattern: startedAtUs))
        setSlotWord(index, ArenaFormat.Slot.recordEpoch, 0)
        setSlotWord(index, ArenaFormat.Slot.recordNumber, 0)
        setSlotWord(index, ArenaFormat.Slot.spilled, 0)
        setSlotWord(
            index, ArenaFormat.Slot.check,
            ArenaFormat.check(high: id.high, low: id.low, startedAtUs: startedAtUs, firstPage: firstPage, slot: index))
    }

    /// Whether a slot's fields belong together.
    func isSound(_ index: UInt32) -> Bool {
        let id = id(index)
        return slotWord(index, ArenaFormat.Slot.check)
            == ArenaFormat.check(
                high: id.high, low: id.low, startedAtUs: startedAtUs(index), firstPage: firstPage(index), slot: index)
    }

    // MARK: Pages

    @inline(__always)
    func page(_ index: UInt32) -> UnsafeMutableRawPointer { unsafe pages + Int(index) * ArenaFormat.pageBytes }

    /// The page after, as its number and one; 0 is none.
    func next(_ index: UInt32) -> UInt32 {
        unsafe page(index).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
    }

    func setNext(_ index: UInt32, _ next: UInt32) {
        unsafe page(index).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(next, ordering: .releasing)
    }

    func owner(_ index: UInt32) -> UInt32 { unsafe page(index).load(fromByteOffset: 4, as: UInt32.self) }

    private func tag(ofPage index: UInt32) -> UInt32 { unsafe page(index).load(fromByteOffset: 12, as: UInt32.self) }

    private func tag(ofSlot index: UInt32) -> UInt32 { ArenaFormat.tag(low: salt(ofSlot: index)) }

    /// What the entries of a slot are checked with: the low word of the exchange's id.
    @inline(__always)
    func salt(ofSlot index: UInt32) -> UInt64 { slotWord(index, ArenaFormat.Slot.idLow) }

    /// Makes a page the empty last one of a slot's chain; the slot is filled.
    func initialize(_ index: UInt32, owner: UInt32) {
        unsafe PageBytes.initialize(page(index), owner: owner, tag: tag(ofSlot: owner))
    }

    /// Whether a page belongs to the exchange of a slot, and not to an earlier one; some pages of version 1 do not say.
    private func isPage(_ index: UInt32, of slot: UInt32) -> Bool {
        let tag = tag(ofPage: index)
        return tag == self.tag(ofSlot: slot) || (tag == 0 && reading == .version1)
    }

    /// The entries of a slot in order, as far as they were published; false where chain or entries cannot be true, of which what came
    /// before was given.
    func forEachEntry(_ slot: UInt32, _ body: (ArenaEntry) -> Void) -> Bool {
        let salt = salt(ofSlot: slot)
        return forEachPage(slot) { run in PageBytes.forEachEntry(run, reading, salt: salt, body) }
    }

    /// The runs of a slot's pages in order, each as far as it was published; false where the chain cannot be true.
    private func forEachPage(_ slot: UInt32, _ body: (ByteRun) -> Bool) -> Bool {
        var index = firstPage(slot)
        for _ in 0..<pageCount {
            guard index < UInt32(pageCount), owner(index) == slot, isPage(index, of: slot) else { return false }
            guard let run = unsafe PageBytes.published(page(index)), body(run) else { return false }
            let next = next(index)
            if next == 0 { return true }
            index = next - 1
        }
        return false
    }
}
