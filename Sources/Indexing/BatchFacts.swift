// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore
import SegmentLog

/// What one batch of a segment gives the index.
struct BatchFacts {
    var facts: [ExchangeFact] = []
    private(set) var losses: [Loss] = []

    /// Reads every line of a batch; a line that is no record becomes a loss.
    ///
    /// - Parameters:
    ///   - batch: the lines.
    ///   - segment: the segment's file name.
    ///   - pricer: says what an exchange costs.
    ///   - reading: says what a record's bytes mean.
    init(of batch: SegmentBatch, segment: String, pricer: (any FactPricer)?, reading: (ExchangeRecord) -> ExchangeReading) {
        facts.reserveCapacity(batch.lineRanges.count)
        var record = ExchangeRecord(head: .blank)
        for range in batch.lineRanges {
            let offset = Int64(range.lowerBound)
            do {
                try record.read(line: batch.raw[range])
                let reading = reading(record)
                let location = PayloadLocation(segment: segment, frame: batch.offset, offset: offset)
                facts.append(ExchangeFact(head: .blank, location: location))
                FactBuilder.fill(&facts[facts.count - 1], from: &record, reading: reading, pricer: pricer)
            } catch {
                losses.append(
                    Loss(
                        segment: segment, kind: .undecodable, frame: batch.offset, offset: offset, byteCount: Int64(range.count),
                        reason: "\(error)"))
            }
        }
    }
}
