// SPDX-License-Identifier: Apache-2.0
import Platform
import Synchronization

/// Shares work in numbered parts among threads; the results come back in the order of the parts, whoever did them.
package enum WorkShare {
    private final class Desk<Result: Sendable>: Sendable {
        let next = Atomic<Int>(0)
        let results: Mutex<[Result?]>

        init(count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

        func work(_ count: Int, _ body: @Sendable (Int) -> Result) {
            while true {
                let part = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard part < count else { return }
                let result = body(part)
                results.withLock { $0[part] = result }
            }
        }
    }

    /// Does the parts; the calling thread works too, and alone where the system has no other.
    ///
    /// - Parameters:
    ///   - count: parts.
    ///   - threads: at most so many work, the calling one among them.
    ///   - body: does one part; what it gives must follow from the part alone.
    /// - Returns: what it gave, in order.
    package static func map<Result: Sendable>(
        _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Result
    ) -> [Result] {
        guard count > 1, threads > 1 else { return (0..<max(0, count)).map(body) }
        let desk = Desk<Result>(count: count)
        var helpers: [OwnedThread] = []
        for _ in 1..<min(threads, count) {
            do {
                helpers.append(try OwnedThread(name: "weir-separate") { desk.work(count, body) })
            } catch {
                // Whoever is there does it all.
                break
            }
        }
        desk.work(count, body)
        for helper in helpers { helper.join() }
        return desk.results.withLock { $0.compactMap { $0 } }
    }

    /// Where the parts of a row of things begin and end.
    package static func parts(of count: Int, each size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: max(1, size)).map { $0..<min(count, $0 + max(1, size)) }
    }
}
