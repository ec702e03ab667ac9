// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// Between the first pass and the second: finds the histories that selected records continue, then surveys these records.
///
/// Costs nothing where no record continues a response. Else the records that are needed are read once more; where one is not in the selection, every
/// answer of such an API that is still there is read to look for it.
struct HistoryPass {
    let intake: RowIntake
    let history: ResponseHistory

    /// Closes the history.
    ///
    /// - Parameters:
    ///   - survey: takes the records that waited, and notes those that lie outside the selection.
    ///   - source: of the build.
    /// - Throws: `DatasetError`, `PlatformError`, or what the source throws.
    func run(_ survey: inout Survey, _ source: some DatasetSource) throws {
        guard history.isAwaited else { return try history.close() }
        if history.needed().isIncomplete {
            try source.forEachResponse(where: { _ in true }) { input in
                if case .record(let record, _) = input { try intake.note(record) }
            }
        }
        let needed = history.needed().records
        var kept: Set<ExchangeID> = []
        try source.forEachResponse(where: { needed.contains($0) }) { input in
            guard case .record(let record, _) = input, needed.contains(record.head.id), kept.insert(record.head.id).inserted
            else {
                return
            }
            try intake.keep(record)
            if !survey.holds(record.head.id), !history.awaits(record.head.id) { survey.note(history: record) }
        }
        try history.close()
        var met: Set<ExchangeID> = []
        try source.forEachRecord(where: { history.awaits($0) }) { input in
            guard case .record(let record, _) = input, history.awaits(record.head.id) else { return }
            met.insert(record.head.id)
            try survey.take(input, by: intake)
        }
        guard met.count == history.waitingCount else {
            throw DatasetError(
                .sourceChanged,
                "\(history.waitingCount - met.count) records could not be read a second time: segments were removed during the build. Build again."
            )
        }
    }
}
