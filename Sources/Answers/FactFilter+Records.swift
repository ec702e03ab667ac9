// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore

extension FactFilter {
    /// Whether everything passes.
    package var isEmpty: Bool { self == FactFilter() }

    /// Whether a run of records may hold one that passes, told by its earliest and latest start.
    ///
    /// - Parameters:
    ///   - earliestUs: the smallest start, microseconds since the epoch.
    ///   - latestUs: the largest start.
    /// - Returns: false where no record of the run can pass.
    package func mayPass(earliestUs: Int64, latestUs: Int64) -> Bool {
        latestUs >= sinceUs ?? Int64.min && earliestUs < untilUs ?? Int64.max
    }

    /// Whether a record passes, with the same meaning as over facts.
    ///
    /// - Parameters:
    ///   - record: as the log holds it.
    ///   - reading: reads the models out of its bodies; asked only where a model is filtered for and all else passes.
    /// - Returns: false where one filter does not fit.
    package func passes(_ record: ExchangeRecord, reading: (ExchangeRecord) -> ExchangeReading) -> Bool {
        guard passes(record.head) else { return false }
        guard let model else { return true }
        return FactFilter.isAmong(model, reading(record))
    }

    /// Whether what repeats in a fact passes: everything but its start and its metadata.
    func passesDimensions(of fact: ExchangeFact) -> Bool {
        var bare = self
        bare.sinceUs = nil
        bare.untilUs = nil
        bare.metadata = []
        guard bare.passes(fact.head) else { return false }
        guard let model else { return true }
        return FactFilter.isAmong(model, fact.reading)
    }

    private static func isAmong(_ model: String, _ reading: ExchangeReading) -> Bool {
        isSame(reading.modelRequested, model) || isSame(reading.modelResponded, model)
    }

    /// Byte for byte, as SQL compares; to `String` what only looks the same is equal too.
    private static func isSame(_ a: String?, _ b: String?) -> Bool { SQLValue(a) == SQLValue(b) }

    /// Whether the scalars of a record pass, its models aside.
    private func passes(_ head: ExchangeHead) -> Bool {
        guard mayPass(earliestUs: head.startedAtUs, latestUs: head.startedAtUs) else { return false }
        let own = head.attribution
        let names = [
            (provider, head.provider), (task, own.task), (environment, own.environment), (api, head.api?.rawValue),
            (key, head.keyID),
        ]
        for (wanted, found) in names where wanted != nil && !FactFilter.isSame(wanted, found) { return false }
        if let status, status != head.status { return false }
        if let outcome, outcome != head.outcome { return false }
        return passesMetadata(own.metadata)
    }

    /// Whether every pair that is asked for is there.
    func passesMetadata(_ own: [(name: String, value: String)]) -> Bool {
        metadata.allSatisfy { pair in
            own.contains { FactFilter.isSame($0.name, pair.name) && FactFilter.isSame($0.value, pair.value) }
        }
    }
}
