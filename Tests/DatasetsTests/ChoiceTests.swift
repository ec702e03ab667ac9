// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel
import TestSupport
import Testing

@testable import Datasets

extension DatasetRecipe {
    /// The recipe's JSON, for tests.
    var encodedForTest: String {
        var json = JSONWriter()
        write(to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

@Suite struct QuotaTests {
    @Test(arguments: Quota.allCases)
    func sharesAddUpAndNoneIsTooLarge(quota: Quota) {
        var generator = SplitMix64(seed: 60)
        for _ in 0..<500 {
            let sizes = (0..<Int.random(in: 0...9, using: &generator)).map { _ in Int64.random(in: 0...400, using: &generator) }
            let total = Int64.random(in: 0...1_500, using: &generator)
            let shares = quota.shares(of: total, sizes: sizes)
            #expect(shares.reduce(0, +) == min(total, sizes.reduce(0, +)))
            #expect(zip(shares, sizes).allSatisfy { $0 >= 0 && $0 <= $1 })
        }
    }

    @Test func sharesAreWhatTheirNamesSay() {
        #expect(Quota.proportional.shares(of: 10, sizes: [10, 30, 60]) == [1, 3, 6])
        #expect(Quota.uniform.shares(of: 9, sizes: [10, 30, 60]) == [3, 3, 3])
        #expect(Quota.squareRoot.shares(of: 60, sizes: [100, 400, 900]) == [10, 20, 30])
        // The small one gives all it has; the others share what is left.
        #expect(Quota.uniform.shares(of: 21, sizes: [1, 30, 60]) == [1, 10, 10])
        #expect(Quota.uniform.shares(of: 2, sizes: [5, 5, 5]) == [1, 1, 0])
        #expect(Quota.squareRoot.shares(of: 5, sizes: []) == [])
        #expect(Quota.proportional.shares(of: 100, sizes: [0, 8_000_000]) == [0, 100])
    }
}

@Suite struct ChoiceTests {
    private static func offers(_ count: Int, seed: UInt64) -> [RowOffer] {
        var generator = SplitMix64(seed: seed)
        var offers: [RowOffer] = []
        for number in 0..<count {
            let group = UInt64.random(in: 0..<UInt64(count / 2), using: &generator)
            let bytes: [UInt8] = [UInt8(number % 256), UInt8(number / 256)]
            var offer = RowOffer(
                candidate: UInt32(number), id: TestRecords.id(UInt64(number)), group: TestRecords.id(group),
                order: Digest128(SHA256.hash(data: bytes)), stratum: "s\(Int.random(in: 0..<4, using: &generator))")
            offer.hardness = Int64.random(in: 0...5, using: &generator) * 1_000
            offers.append(offer)
        }
        return offers
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func trainChoiceIsWhatItsRulesSayInAnyOrder(seed: UInt64) {
        let offers = Self.offers(200, seed: seed)
        let choice = TrainChoice(quota: .uniform, maximum: 60, perGroup: 1)
        let (rows, dropped) = choice.choose(offers)
        #expect(rows.count == 60)
        #expect(Set(rows.map(\.group)).count == 60)
        #expect(Int64(rows.count) + dropped.values.reduce(0, +) == 200)
        // Brute force: of each group the first by order; of each stratum then the first ones.
        var first: [ExchangeID: RowOffer] = [:]
        for offer in offers where first[offer.group].map({ offer.order < $0.order }) ?? true { first[offer.group] = offer }
        for stratum in ["s0", "s1", "s2", "s3"] {
            let all = first.values.filter { $0.stratum == stratum }.sorted { $0.order < $1.order }.map(\.id)
            let taken = rows.filter { $0.stratum == stratum }.map(\.id)
            #expect(Array(all.prefix(taken.count)) == taken)
        }
        var generator = SplitMix64(seed: seed)
        #expect(choice.choose(offers.shuffled(using: &generator)).rows.map(\.id) == rows.map(\.id))
    }

    @Test func whatIsAddedTakesOnlyPlacesOfThoseBehindIt() {
        let offers = Self.offers(300, seed: 9)
        let choice = TrainChoice(quota: .proportional, maximum: nil, perGroup: 2)
        let before = Set(choice.choose(Array(offers.prefix(200))).rows.map(\.id))
        let after = Set(choice.choose(offers).rows.map(\.id))
        let lost = before.subtracting(after)
        let byID = Dictionary(uniqueKeysWithValues: offers.map { ($0.id, $0) })
        for id in lost {
            let own = byID[id]
            let others = offers.filter { $0.group == own?.group && $0.order < own?.order ?? $0.order }
            #expect(others.count >= 2)
        }
    }

    @Test(arguments: [4, 5] as [UInt64])
    func evalChoiceKeepsThePinnedTakesAnchorsThenTheHardest(seed: UInt64) {
        let offers = Self.offers(200, seed: seed)
        let pinned = Array(offers.prefix(5))
        let pinnedGroups = Set(pinned.map(\.group))
        let (rows, anchors, dropped) = EvalChoice(maximum: 45, anchorPPM: 200_000).choose(
            Array(offers.dropFirst(5)), pinned: pinned)
        #expect(rows.count == 45)
        #expect(Set(rows.map(\.id)).isSuperset(of: pinned.map(\.id)))
        #expect(anchors.count == 8)
        let fresh = rows.filter { row in !pinned.contains { $0.id == row.id } }
        #expect(Set(fresh.map(\.group)).count == 40)
        #expect(Set(fresh.map(\.group)).isDisjoint(with: pinnedGroups))
        #expect(Int64(fresh.count) + dropped.values.reduce(0, +) == 195)
        // Nobody outside is harder than the easiest of those taken for their hardness.
        let taken = fresh.filter { !anchors.contains($0.id) }
        let takenGroups = Set(fresh.map(\.group))
        let easiest = taken.map(\.hardness).min() ?? 0
        for offer in offers.dropFirst(5) where !takenGroups.contains(offer.group) && !pinnedGroups.contains(offer.group) {
            #expect(offer.hardness <= easiest)
        }
    }
}

@Suite struct HardnessTests {
    @Test func scoresAreRanksWithinTheTask() {
        var rows: [HardnessSigns] = []
        for turns in [1, 2, 3, 4, 5] as [Int64] {
            var signs = HardnessSigns()
            signs[.turns] = turns
            rows.append(signs)
        }
        let scores = Hardness.scores(rows + [rows[0]], tasks: ["a", "a", "a", "a", "a", "b"])
        #expect(scores.map(\.millionths) == [0, 20_000, 40_000, 60_000, 80_000, 80_000])
        #expect(scores[4].parts.map(\.sign) == [.turns])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func scoresAreThoseOfBruteForce(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let rows = (0..<80).map { _ in
            var signs = HardnessSigns()
            for sign in HardnessSign.allCases { signs[sign] = Int64.random(in: 0...6, using: &generator) }
            return signs
        }
        let tasks = rows.indices.map { "t\($0 % 3)" }
        let scores = Hardness.scores(rows, tasks: tasks)
        for (row, signs) in rows.enumerated() {
            let others = rows.indices.filter { $0 != row && tasks[$0] == tasks[row] }
            var wanted: Int64 = 0
            for sign in HardnessSign.allCases where signs[sign] > 0 {
                let below = others.count { rows[$0][sign] < signs[sign] }
                let equal = others.count { rows[$0][sign] == signs[sign] }
                wanted += sign.weight * (Int64(2 * below + equal) * 1_000 / Int64(2 * others.count))
            }
            #expect(scores[row].millionths == wanted)
            #expect(scores[row].parts.reduce(0) { $0 + $1.millionths } == wanted)
        }
    }

    @Test func weightsMakeAWhole() {
        #expect(HardnessSign.allCases.reduce(0) { $0 + $1.weight } == 1_000)
    }
}
