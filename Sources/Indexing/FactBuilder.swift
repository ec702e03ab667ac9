// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Makes a fact of a record and of what was read out of it.
package enum FactBuilder {
    /// Makes a blank fact that of a record, where it lies: what is as large as a fact is not handed about.
    ///
    /// `overheadUs` is the time from the whole request received to the last byte of it sent upstream, without what was waited for meanwhile:
    /// for connections, and for attempts that failed. It is 0 where upstream had everything first, nil where either time is unknown.
    /// - Parameters:
    ///   - fact: knows its location; a count that cannot be one becomes nil in it.
    ///   - record: as captured; loses its head to the fact.
    ///   - reading: what its bytes mean.
    ///   - pricer: says what it costs; without one only what the provider reported is known.
    package static func fill(
        _ fact: inout ExchangeFact, from record: inout ExchangeRecord, reading: consuming ExchangeReading,
        pricer: (any FactPricer)? = nil
    ) {
        fact.overheadUs = overhead(of: record)
        swap(&fact.head, &record.head)
        fact.requestBodyBytes = record.requestBody.wireByteCount
        fact.responseBodyBytes = record.responseBody.wireByteCount
        fact.requestBody = BodyShape(record.requestBody)
        fact.responseBody = BodyShape(record.responseBody)
        swap(&fact.reading, &reading)
        fact.reading.usage.replaceFields(count)
        fact.reading.toolCalls = count(fact.reading.toolCalls)
        if let rate = fact.reading.tokensPerSecond, !rate.isFinite || rate < 0 { fact.reading.tokensPerSecond = nil }
        fact.cost.reportedNanousd = fact.reading.reportedCostNanousd
        // What a provider does not bill, such as looking up an answer made before, costs nothing a second time.
        if fact.reading.isBillable, let price = pricer?.price(fact) {
            fact.cost = price.cost
            fact.priceVersion = price.version
        }
    }

    private static func overhead(of record: ExchangeRecord) -> Int64? {
        guard let received = record.head.requestReceivedUs, let sent = record.head.upstreamSentUs else { return nil }
        guard sent > received else { return 0 }
        let (whole, isOver) = sent.subtractingReportingOverflow(received)
        guard !isOver else { return nil }
        var waited: Int64 = 0
        var from = received
        for attempt in record.attempts {
            // One that was over by then is waited for as a whole; of the one that sent it, only its connecting is.
            let end = attempt.endedUs.flatMap { $0 <= sent ? $0 : nil } ?? attempt.connectedUs ?? attempt.startedUs
            let begin = max(from, attempt.startedUs)
            guard end > begin else { continue }
            waited += min(end, sent) - min(begin, sent)
            from = end
        }
        return whole - waited
    }

    private static func count(_ value: Int64?) -> Int64? {
        guard let value, value >= 0, value <= IndexingLimits.countMaximum else { return nil }
        return value
    }
}
