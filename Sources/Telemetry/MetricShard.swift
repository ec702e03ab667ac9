// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The cells of one writer: one event loop, or one thread.
///
/// Written by its one owner only, read by whoever scrapes. Counting is one relaxed load and one relaxed store: no lock, no
/// allocation, no instruction that other cores have to wait for.
///
/// `@unchecked Sendable`: the cells are atomics, and the pointer to them never changes.
@safe package final class MetricShard: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int

    init(count: Int) {
        self.count = count
        unsafe cells = .allocate(capacity: max(1, count))
        for index in 0..<count { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: count)
        unsafe cells.deallocate()
    }

    /// Adds to a counter or a gauge; for the shard's owner only.
    package func add(_ amount: Int, to series: MetricSeries) { bump(series.cell, by: amount) }

    /// Sets a gauge; for the shard's owner only.
    package func set(_ value: Int, at series: MetricSeries) {
        precondition(series.cell >= 0 && series.cell < count, "a series of this layout")
        unsafe cells[series.cell].store(value, ordering: .relaxed)
    }

    /// Counts a value in a histogram; for the shard's owner only.
    ///
    /// - Parameters:
    ///   - value: below 0 counts as 0.
    ///   - handle: of the histogram.
    ///   - series: one of its series.
    /// - Complexity: O(log bounds).
    package func observe(_ value: Int64, in handle: MetricHandle, at series: MetricSeries) {
        let clamped = max(0, value)
        var low = 0
        var high = handle.bounds.count
        while low < high {
            let middle = (low + high) / 2
            if handle.bounds[middle] < clamped { low = middle + 1 } else { high = middle }
        }
        bump(series.cell + low, by: 1)
        bump(series.cell + handle.bounds.count + 1, by: Int(clamped))
    }

    /// What a cell holds; from any thread.
    func value(_ cell: Int) -> Int {
        precondition(cell >= 0 && cell < count, "a cell of this layout")
        return unsafe cells[cell].load(ordering: .relaxed)
    }

    private func bump(_ cell: Int, by amount: Int) {
        precondition(cell >= 0 && cell < count, "a series of this layout")
        // One writer: nothing can come between the load and the store.
        let now = unsafe cells[cell].load(ordering: .relaxed)
        unsafe cells[cell].store(now &+ amount, ordering: .relaxed)
    }
}
