// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Slot numbers from one thread to one other, in order, without a lock; never full, for it is as long as there are slots.
///
/// One side pushes, one side pops; the arena that owns it says which.
@safe final class SlotRing {
    private let items: UnsafeMutablePointer<UInt32>
    private let mask: Int
    private let pushed = Atomic<Int>(0)
    private let popped = Atomic<Int>(0)

    init(slots: Int) {
        var size = 1
        while size < slots { size *= 2 }
        unsafe items = UnsafeMutablePointer<UInt32>.allocate(capacity: size)
        unsafe items.initialize(repeating: 0, count: size)
        mask = size - 1
    }

    deinit { unsafe items.deallocate() }

    /// Sequentially consistent, so that a consumer that has just said it sleeps is seen.
    func push(_ slot: UInt32) {
        let at = pushed.load(ordering: .relaxed)
        unsafe items[at & mask] = slot
        pushed.store(at &+ 1, ordering: .sequentiallyConsistent)
    }

    func pop() -> UInt32? {
        guard let slot = first else { return nil }
        popped.store(popped.load(ordering: .relaxed) &+ 1, ordering: .releasing)
        return slot
    }

    /// What the consumer would pop next.
    var first: UInt32? {
        let at = popped.load(ordering: .relaxed)
        guard at != pushed.load(ordering: .acquiring) else { return nil }
        return unsafe items[at & mask]
    }

    /// Asked by the consumer before it sleeps.
    var isEmpty: Bool { pushed.load(ordering: .sequentiallyConsistent) == popped.load(ordering: .relaxed) }
}
