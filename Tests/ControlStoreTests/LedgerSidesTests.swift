// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Foundation
import TestSupport
import Testing

@Suite struct LedgerSidesTests {
    /// Random ledgers against sets: the same answers, key by key and entry by entry.
    @Test(arguments: 0..<12) func agreesWithSets(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        func some(_ most: Int) -> [Int] {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in Int.random(in: 0..<3_000, using: &random) }
        }
        var entries: [LedgerEntry] = []
        var expected: [(side: LedgerSide, groups: Set<Int>, items: Set<Int>)] = []
        for number in 0..<8 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let groups = some(5) + [number]
                entries.append(
                    .eval(
                        LedgerEval(
                            item: Sample.item(number), groups: groups.map(Sample.key), exchanges: [], dataset: "d", version: "1"))
                )
                expected.append((.eval, Set(groups), [number]))
            case 1:
                let (groups, items) = (some(2_000), some(40))
                entries.append(
                    .train(
                        LedgerTrain(
                            dataset: "d", version: "1", groups: LedgerKeyList(groups.map(Sample.key)),
                            items: LedgerKeyList(items.map { Sample.item($0).key }))))
                expected.append((.train, Set(groups), Set(items)))
            default:
                let side: LedgerSide = Bool.random(using: &random) ? .train : .eval
                let groups = some(60)
                entries.append(
                    .imported(
                        LedgerImport(
                            side: side, dataset: "d", version: "1", source: Sample.item(0), rows: 1,
                            groups: LedgerKeyList(groups.map(Sample.key)),
                            items: LedgerKeyList(groups.map { Sample.item($0).key }))))
                expected.append((side, Set(groups), Set(groups)))
            }
        }
        try store.append(entries, to: "default", expecting: LedgerHead.empty("default"), recordedUs: 1)
        for asked in [some(4), some(400), Array(0..<3_000) + some(500)] {
            let groups = asked.map { number in side(expected.filter { $0.groups.contains(number) }.map { $0.side }) }
            #expect(try store.sides(of: asked.map(Sample.key), in: "default") == groups)
            let items = asked.map { number in side(expected.filter { $0.items.contains(number) }.map { $0.side }) }
            #expect(try store.sides(of: asked.map { Sample.item($0).key }, kind: .items, in: "default") == items)
            var touches: Set<[Int]> = []
            try store.forEachTouch(of: asked.map(Sample.key), in: "default") { touches.insert([$0.place, Int($0.seq)]) }
            var all: Set<[Int]> = []
            for (place, number) in asked.enumerated() {
                for (seq, entry) in expected.enumerated() where entry.groups.contains(number) { all.insert([place, seq + 1]) }
            }
            #expect(touches == all)
        }
        #expect(try store.sides(of: [Sample.key(1)], in: "nowhere") == [.unknown])
        #expect(try store.sides(of: [], in: "default").isEmpty)
    }

    private func side(_ sides: [LedgerSide]) -> LedgerSide {
        sides.contains(.eval) ? .eval : sides.contains(.train) ? .train : .unknown
    }

    @Test func aTombstoneStillBlocksTraining() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        #expect(try store.sides(of: [Sample.key(2)], in: "default") == [.eval])
        #expect(try store.sides(of: [Sample.item(2).key], kind: .items, in: "default") == [.eval])
    }

    /// A build of a million rows is stored, and a million keys are asked for, some of them on either side.
    @Test func holdsAndFindsAMillionKeys() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        var random = SplitMix64(seed: 7)
        let keys = (0..<1_500_000).map { _ in LedgerKey(high: random.next(), low: random.next()) }
        let clock = ContinuousClock()
        let list = LedgerKeyList(Array(keys[..<1_000_000]))
        let appended = try clock.measure {
            var head = LedgerHead.empty("default")
            let train = LedgerTrain(dataset: "big", version: "1", groups: list, items: list)
            head = try store.append([.train(train)], to: "default", expecting: head, recordedUs: 1).after
            try store.append(
                (0..<1_000).map { number in
                    .eval(
                        LedgerEval(
                            item: Sample.item(number), groups: [keys[number * 1_500]], exchanges: [], dataset: "big", version: "1"
                        ))
                }, to: "default", expecting: head, recordedUs: 1)
        }
        var sides: [LedgerSide] = []
        let asked = Array(keys[500_000...])
        let found = try clock.measure { sides = try store.sides(of: asked, in: "default") }
        var wrong = 0
        for (place, side) in sides.enumerated() {
            let number = place + 500_000
            let expected: LedgerSide = number.isMultiple(of: 1_500) ? .eval : number < 1_000_000 ? .train : .unknown
            if side != expected { wrong += 1 }
        }
        #expect(sides.count == 1_000_000 && wrong == 0)
        var fault: LedgerFault?
        let verified = try clock.measure { fault = try store.verify(ledger: "default").fault }
        #expect(fault == nil)
        // Debug builds are some ten times slower than what is shipped.
        #expect(appended < .seconds(60) && found < .seconds(60) && verified < .seconds(60), "\(appended), \(found), \(verified)")
        let size = try FileManager.default.attributesOfItem(atPath: scratch.control)[.size] as? Int ?? 0
        let log = try FileManager.default.attributesOfItem(atPath: scratch.control + "-wal")[.size] as? Int ?? 0
        #expect(max(size, log) < 45_000_000)
    }
}
