// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// A row that may be chosen: what the choice needs to know of it, without its payload.
struct RowOffer {
    let candidate: UInt32
    let id: ExchangeID
    /// The group that it belongs to: near and exact duplicates, and one conversation's branches.
    let group: ExchangeID
    /// Its place in keyed order: rows with the smallest come first.
    let order: Digest128
    /// Task, model and environment, or what else the recipe names.
    let stratum: String
    /// How hard it is, in millionths; 0 for training rows.
    var hardness: Int64 = 0
}

/// Chooses training rows: strata by quota, few rows a group, inside a stratum those that come first by keyed hash.
///
/// The choice depends on the set of offers, not on their order; an offer that is added takes at most the places of others behind it.
struct TrainChoice {
    let quota: Quota
    let maximum: Int64?
    let perGroup: Int64?

    /// What is chosen, and why the rest is not.
    func choose(_ offers: [RowOffer]) -> (rows: [RowOffer], dropped: [DropReason: Int64]) {
        var dropped: [DropReason: Int64] = [:]
        let sorted = offers.sorted { ($0.order, $0.id) < ($1.order, $1.id) }
        var counts: [ExchangeID: Int64] = [:]
        var strata: [SpelledText: [RowOffer]] = [:]
        for offer in sorted {
            let count = counts[offer.group, default: 0]
            guard count < perGroup ?? Int64.max else {
                dropped[.overGroupLimit, default: 0] += 1
                continue
            }
            counts[offer.group] = count + 1
            strata[SpelledText(offer.stratum), default: []].append(offer)
        }
        let names = strata.keys.sorted()
        let sizes = names.map { Int64(strata[$0]?.count ?? 0) }
        let available = sizes.reduce(0, +)
        let shares = quota.shares(of: maximum ?? available, sizes: sizes)
        var rows: [RowOffer] = []
        for (place, name) in names.enumerated() { rows += (strata[name] ?? []).prefix(Int(shares[place])) }
        if available > Int64(rows.count) { dropped[.overLimit, default: 0] += available - Int64(rows.count) }
        return (rows.sorted { ($0.order, $0.id) < ($1.order, $1.id) }, dropped)
    }
}

/// Chooses eval rows: those that are there already, then anchors by keyed hash, then the hardest; one row a group.
struct EvalChoice {
    let maximum: Int64?
    /// Rows taken evenly whatever their hardness, millionths of the whole.
    let anchorPPM: Int64

    /// What is chosen, and why the rest is not.
    ///
    /// - Parameters:
    ///   - offers: rows of the eval pool.
    ///   - pinned: rows that an earlier version of the set had; they stay, whatever the limit.
    /// - Returns: rows in keyed order, which of them are anchors, and how many were dropped under which reason.
    func choose(_ offers: [RowOffer], pinned: [RowOffer]) -> (
        rows: [RowOffer], anchors: Set<ExchangeID>, dropped: [DropReason: Int64]
    ) {
        var dropped: [DropReason: Int64] = [:]
        var taken = Set(pinned.map(\.group))
        let best = onePerGroup(offers.filter { !taken.contains($0.group) })
        let spare = offers.count - best.count
        if spare > 0 { dropped[.overGroupLimit, default: 0] += Int64(spare) }
        let room = max(0, min(Int64(best.count), (maximum ?? Int64.max) - Int64(pinned.count)))
        let (wholes, _) = room.multipliedReportingOverflow(by: anchorPPM)
        let anchorCount = Int((wholes + 999_999) / 1_000_000)
        let byOrder = best.sorted { ($0.order, $0.id) < ($1.order, $1.id) }
        let anchors = byOrder.prefix(anchorCount)
        for anchor in anchors { taken.insert(anchor.group) }
        let byHardness = best.filter { !taken.contains($0.group) }
            .sorted { ($1.hardness, $0.order, $0.id) < ($0.hardness, $1.order, $1.id) }
        let rows = pinned + anchors + byHardness.prefix(Int(room) - anchors.count)
        if best.count > Int(room) { dropped[.overLimit, default: 0] += Int64(best.count) - room }
        return (rows.sorted { ($0.order, $0.id) < ($1.order, $1.id) }, Set(anchors.map(\.id)), dropped)
    }

    /// The hardest row of each group; of equal ones the first by order.
    private func onePerGroup(_ offers: [RowOffer]) -> [RowOffer] {
        var best: [ExchangeID: RowOffer] = [:]
        for offer in offers {
            guard let other = best[offer.group] else {
                best[offer.group] = offer
                continue
            }
            if (other.hardness, offer.order, offer.id) < (offer.hardness, other.order, other.id) { best[offer.group] = offer }
        }
        return Array(best.values)
    }
}
