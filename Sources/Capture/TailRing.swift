// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// The last bytes of a body whose middle is not kept, in plain memory.
///
/// Filled by the loop, read by the capture thread once the slot was committed; never touched by both.
@safe final class TailRing {
    /// Bytes of the ring: a tail, and room to begin it with a whole character.
    static let bytes = BodyJoint.tailBytes + 8
    private let base = UnsafeMutableRawPointer.allocate(byteCount: TailRing.bytes, alignment: 16)
    /// Bytes that came, those that the ring has forgotten included.
    private(set) var total = 0

    deinit { unsafe base.deallocate() }

    func append(_ run: ByteRun) {
        // Of a long run only its end would stay.
        let skipped = max(0, run.count - TailRing.bytes)
        var rest = run.slice(skipped, run.count)
        var at = (total + skipped) % TailRing.bytes
        while !rest.isEmpty {
            let count = min(rest.count, TailRing.bytes - at)
            unsafe (base + at).copyMemory(from: rest.base, byteCount: count)
            rest = rest.slice(count, rest.count)
            at = (at + count) % TailRing.bytes
        }
        total += run.count
    }

    /// Appends what is held, in order.
    func copy(to store: inout ByteStore) {
        guard total > TailRing.bytes else { return store.append(unsafe ByteRun(base, count: total)) }
        let at = total % TailRing.bytes
        store.append(unsafe ByteRun(base + at, count: TailRing.bytes - at))
        store.append(unsafe ByteRun(base, count: at))
    }
}
