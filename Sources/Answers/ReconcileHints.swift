// SPDX-License-Identifier: Apache-2.0

/// Tells from both sides what explains a difference.
struct ReconcileHints {
    private let options: ReconcileOptions
    private let side: TheirSide
    private let rows: [Place: ReconcileRow]
    private let batch: Set<Place>

    private struct Place: Hashable {
        let day: Int64
        let subject: ReconcileSubject
    }

    init(rows: [ReconcileRow], batch: [ReconcileRow], options: ReconcileOptions, side: TheirSide) {
        self.options = options
        self.side = side
        self.rows = Dictionary(rows.compactMap { row in Self.place(row).map { ($0, row) } }) { first, _ in first }
        self.batch = Set(batch.compactMap(Self.place))
    }

    private static func place(_ row: ReconcileRow) -> Place? {
        guard let day = row.day, let subject = row.subject else { return nil }
        return Place(day: day, subject: subject)
    }

    /// What explains a row that differs, in the order of `ReconcileHint`.
    func hints(of row: ReconcileRow) -> [ReconcileHint] {
        guard let day = row.day, let subject = row.subject else { return [] }
        let differing = row.disagreements(tolerancePpm: options.tolerancePpm)
        let isSilent = !side.days.contains(day)
        var found: Set<ReconcileHint> = []
        if isSilent { found.insert(.exportSilent) }
        if row.theirs.known.isEmpty, !isSilent { found.insert(.onlyOurs) }
        if row.ours.known.isEmpty { found.insert(.onlyTheirs) }
        if day >= options.today { found.insert(.dayUnfinished) }
        if row.absent > 0 { found.insert(.usageAbsent) }
        if row.partial > 0 { found.insert(.usagePartial) }
        if row.unpriced > 0, differing.contains(.cost) { found.insert(.unpriced) }
        if batch.contains(where: { $0.day == day && ($0.subject == subject || subject == .everyModel) }) { found.insert(.batch) }
        if differing.contains(where: { isOnEdge(row, $0, day, subject) }) { found.insert(.dayEdge) }
        if differing == [.cost], row.theirs[.cost] != nil, row.unpriced == 0, hasTokens(row) { found.insert(.prices) }
        if side.hasSeveralKeys, options.keys.isEmpty, options.projects.isEmpty { found.insert(.severalKeys) }
        return ReconcileHint.allCases.filter { found.contains($0) }
    }

    private func hasTokens(_ row: ReconcileRow) -> Bool {
        [.inputTotal, .output].contains { (metric: ReconcileMetric) in row.pair(metric).difference != nil }
    }

    /// Whether a neighbouring day differs the other way, and the two together by at most half as much.
    private func isOnEdge(_ row: ReconcileRow, _ metric: ReconcileMetric, _ day: Int64, _ subject: ReconcileSubject) -> Bool {
        guard let own = row.pair(metric).difference else { return false }
        return [day - 1, day + 1].contains { other in
            guard let more = rows[Place(day: other, subject: subject)]?.pair(metric).difference else { return false }
            let both = Int128(own) + Int128(more)
            return own.signum() * more.signum() < 0 && both.magnitude * 2 <= UInt128(max(own.magnitude, more.magnitude))
        }
    }
}
