// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What capture did, counted since the start; safe to read from any thread.
package final class CaptureCounters: Sendable {
    private let admittedCell = Atomic<Int>(0)
    private let writtenCell = Atomic<Int>(0)
    private let reducedCell = Atomic<Int>(0)
    private let droppedCell = Atomic<Int>(0)
    private let failedCell = Atomic<Int>(0)
    private let inFlightCell = Atomic<Int>(0)

    /// Exchanges begun.
    package var admitted: Int { admittedCell.load(ordering: .relaxed) }
    /// Records given to the segment log.
    package var written: Int { writtenCell.load(ordering: .relaxed) }
    /// Exchanges recorded with less than their whole bodies.
    package var reduced: Int { reducedCell.load(ordering: .relaxed) }
    /// Exchanges lost because the queue was full or the log refused them.
    package var dropped: Int { droppedCell.load(ordering: .relaxed) }
    /// Times the segment log refused.
    package var failed: Int { failedCell.load(ordering: .relaxed) }
    /// Bytes of bodies held for exchanges still running.
    package var inFlightBytes: Int { inFlightCell.load(ordering: .relaxed) }

    init() {}

    func admit() { admittedCell.wrappingAdd(1, ordering: .relaxed) }
    func wrote() { writtenCell.wrappingAdd(1, ordering: .relaxed) }
    func reduce() { reducedCell.wrappingAdd(1, ordering: .relaxed) }
    func drop() { droppedCell.wrappingAdd(1, ordering: .relaxed) }
    func fail() { failedCell.wrappingAdd(1, ordering: .relaxed) }
    func releaseInFlight(_ bytes: Int) { inFlightCell.wrappingSubtract(bytes, ordering: .relaxed) }

    /// Takes memory for a running exchange where the limit allows it.
    func reserveInFlight(_ bytes: Int, limit: Int) -> Bool {
        let (_, now) = inFlightCell.wrappingAdd(bytes, ordering: .relaxed)
        if now <= limit { return true }
        inFlightCell.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }
}
