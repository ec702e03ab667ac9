// SPDX-License-Identifier: Apache-2.0

/// Raw memory that grows and is used again: what an array would do, without its checks and its copies.
///
/// Owned by one thread. A run taken from it is good until the next change.
@safe package struct ByteStore: ~Copyable {
    /// The first byte.
    package private(set) var base: UnsafeMutableRawPointer
    /// Bytes in use.
    package var count = 0
    /// Bytes there are.
    package private(set) var capacity: Int
    private let startCapacity: Int

    /// An empty store.
    ///
    /// - Parameter capacity: bytes to begin with, at least 64.
    package init(capacity: Int) {
        startCapacity = max(64, capacity)
        self.capacity = startCapacity
        base = UnsafeMutableRawPointer.allocate(byteCount: startCapacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// What is in use.
    package var run: ByteRun { ByteRun(UnsafeRawPointer(base), count: count) }

    /// Makes room for more bytes after those in use.
    package mutating func reserve(_ extra: Int) {
        if extra > capacity &- count { grow(extra) }
    }

    /// Appends a copy of a run.
    package mutating func append(_ run: ByteRun) {
        reserve(run.count)
        (base + count).copyMemory(from: run.base, byteCount: run.count)
        count += run.count
    }

    /// Forgets the content; memory over the limit is given back.
    ///
    /// - Parameter limit: bytes that may stay for the next use.
    package mutating func reset(keeping limit: Int) {
        count = 0
        if capacity > max(limit, startCapacity) { resize(startCapacity) }
    }

    private mutating func grow(_ extra: Int) { resize(max(count + extra, capacity * 2)) }

    private mutating func resize(_ wanted: Int) {
        let next = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        next.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = next
        capacity = wanted
    }
}
