// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore
package import SegmentLog

extension SegmentKeeper {
    /// Writes those sidecars anew whose facts cost otherwise in the index: they are the source once payloads have expired.
    ///
    /// Records are not written again; their files go into the new generation as they are.
    /// - Parameters:
    ///   - sinceUs: sidecars with exchanges that began at or after; nil for all.
    ///   - untilUs: with exchanges that began before; nil for all.
    ///   - waitUs: how long at most to wait for another process that seals, microseconds; blocks its thread.
    ///   - whileWaiting: called again and again meanwhile.
    ///   - shouldStop: asked between two segments.
    ///   - progress: told of each sidecar before it is read.
    /// - Returns: what was done; what is held or failed stands there, and what the index has not read to its end is waiting.
    /// - Throws: as `seal`; of code `locked` when the wait is over.
    package func repriceFacts(
        sinceUs: Int64?, untilUs: Int64?, waitUs: Int64 = 0, whileWaiting: () -> Void = {},
        shouldStop: () -> Bool = { false }, progress: (SegmentFile) -> Void = { _ in }
    ) throws -> KeepingReport {
        try locked(waitUs: waitUs, whileWaiting: whileWaiting) {
            var report = KeepingReport()
            let unfinished = try finishReplaced(try Erasures(of: directory), &report)
            let ends = try checkpoints()
            let sealed = try directory.list().filter(\.isSealed)
            let expired = try directory.expired().filter { $0.size > 0 }
            for file in sealed + expired where !unfinished.contains(file.stem) {
                guard !shouldStop() else {
                    report.isFinished = false
                    break
                }
                attempt(file, &report) { report in
                    guard try isConcerned(file, sinceUs: sinceUs, untilUs: untilUs) else { return }
                    let facts = directory.facts(file.fileName.with(.facts))
                    progress(facts)
                    guard try costsDiffer(facts) else { return }
                    guard directory.hold(of: file.stem) == nil else { return report.held.append(file.name) }
                    if file.fileName.part == .records, ends[file.name] ?? 0 < file.size { return report.waiting += 1 }
                    try rewriteFacts(facts, &report) { try $0.withCosts(of: store) }
                }
            }
            return report
        }
    }

    /// Whether a segment has facts, and some of them may have begun in a range.
    private func isConcerned(_ file: SegmentFile, sinceUs: Int64?, untilUs: Int64?) throws -> Bool {
        let manifest = try directory.manifest(of: file)
        guard manifest.facts != nil, let first = manifest.minStartedAtUs, let last = manifest.maxStartedAtUs else { return false }
        return last >= sinceUs ?? Int64.min && first < untilUs ?? Int64.max
    }

    private func costsDiffer(_ facts: SegmentFile) throws -> Bool {
        var rest = try SealedLines(facts, in: directory)
        while let lines = try rest.next() {
            let read = try lines.map { try ExchangeFact(line: $0) }
            if try read.withCosts(of: store) != read { return true }
        }
        return false
    }
}

extension [ExchangeFact] {
    /// The same facts with the costs that the index has for them; those that are not in it stay as they are.
    fileprivate func withCosts(of store: FactStore) throws -> [ExchangeFact] {
        var all = self
        var first = 0
        while first < all.count {
            let end = Swift.min(first + SegmentKeeper.factsABatch, all.count)
            var known: [ExchangeID: ExchangeFact] = [:]
            for fact in try store.facts(of: all[first..<end].map(\.head.id)) { known[fact.head.id] = fact }
            for place in first..<end {
                guard let priced = known[all[place].head.id] else { continue }
                all[place].cost = priced.cost
                all[place].priceVersion = priced.priceVersion
            }
            first = end
        }
        return all
    }
}
