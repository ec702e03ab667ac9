// SPDX-License-Identifier: Apache-2.0
import Platform
import Separation
import TestSupport
import Testing

/// Near duplicates against comparing every pair.
@Suite struct NearDuplicateTests {
    private typealias Row = NearDuplicateSearch.Row

    /// The roots that a search gives.
    private func roots(
        _ rows: [Row], keys: [SeparationKey]? = nil, exact: [(Int, Int)] = [], threads: Int = 1, memory: Int = 1 << 30,
        expecting: Int = 1 << 22, each: Int = 100
    ) throws -> (roots: [Int], report: NearDuplicateReport, files: MemoryFileSystem) {
        let files = MemoryFileSystem()
        let spill = ShingleSpill(files: files, path: "/shingles", memory: memory)
        let search = NearDuplicateSearch(spill: spill, threads: threads, expecting: expecting)
        for part in WorkShare.parts(of: rows.count, each: each) { try search.add(Array(rows[part])) }
        var sets = LeastKeySets(keys: keys ?? rows.indices.map { SeparationKey(high: 0, low: UInt64($0)) })
        for (a, b) in exact { sets.unite(a, b) }
        let report = try search.join(&sets)
        return (sets.roots(), report, files)
    }

    private func set(_ values: [UInt64]) -> GroupingViews {
        GroupingViews(prompt: values.sorted(), first: [], isPromptShort: false)
    }

    /// Two sets of a size that share so many values, of values that no other pair has.
    private func pair(_ size: Int, shared: Int, _ random: inout SplitMix64) -> [Row] {
        let common = (0..<shared).map { _ in random.next() }
        return (0..<2).map { _ in Row(views: set(common + (0..<size - shared).map { _ in random.next() }), template: 0) }
    }

    /// Recall by Jaccard index, as the formula says: at 0.7 a pair is missed in 5,500.
    @Test(arguments: [(70, 1_500), (75, 400), (80, 300), (90, 200), (100, 100)]) func findsPairs(index: Int, count: Int) throws {
        var random = SplitMix64(seed: UInt64(index))
        // j = s / (2n - s): with 2n - s = 200 values in all, s = 2j.
        let (shared, size) = (2 * index, (200 + 2 * index) / 2)
        let rows = (0..<count).flatMap { _ in pair(size, shared: shared, &random) }
        let found = try roots(rows).roots
        let missed = (0..<count).filter { found[2 * $0 + 1] != 2 * $0 }.count
        #expect(missed <= (index == 70 ? 2 : 0))
        #expect((0..<count).allSatisfy { found[2 * $0] == 2 * $0 }, "nothing is joined with another pair")
    }

    /// Just below the threshold nothing is joined, whatever the signatures say.
    @Test func joinsNothingBelowTheThreshold() throws {
        var random = SplitMix64(seed: 69)
        let rows =
            (0..<300).flatMap { _ in pair(1_699, shared: 1_398, &random) }
            + (0..<300).flatMap { _ in pair(10, shared: 8, &random) }
        // 1398 / 2000 = 0.699; 8 / 12 = 0.67.
        #expect(try roots(rows).roots == Array(rows.indices))
    }

    /// Small families at all distances: components of all pairs of at least 0.7, minus the few that signatures may miss.
    @Test func agreesWithComparingAllPairs() throws {
        var random = SplitMix64(seed: 12)
        var rows: [Row] = []
        for _ in 0..<40 {
            let base = (0..<Int.random(in: 1...80, using: &random)).map { _ in random.next() }
            for _ in 0..<6 {
                let kept = base.filter { _ in Int.random(in: 0..<12, using: &random) > 0 }
                rows.append(
                    Row(views: set(kept + (0..<Int.random(in: 0...4, using: &random)).map { _ in random.next() }), template: 0))
            }
        }
        var wanted = LeastKeySets(keys: rows.indices.map { SeparationKey(high: 0, low: UInt64($0)) })
        for a in rows.indices {
            for b in rows[..<a].indices {
                let (x, y) = (Set(rows[a].views.prompt), Set(rows[b].views.prompt))
                let shared = x.intersection(y).count
                if shared * 10 >= x.union(y).count * 7, !x.isEmpty, !y.isEmpty { wanted.unite(a, b) }
            }
        }
        #expect(try roots(rows).roots == wanted.roots())
    }

    /// Rows as conversations give them, with exact groups, duplicates, short ones and boilerplate.
    private func traffic(_ count: Int, seed: UInt64) -> [Row] {
        var made = MadeUpRows(seed: seed, words: 300, pieces: 30)
        var out: [Row] = []
        while out.count < count {
            var turns = made.turns()
            turns.append(SeparationTurn(role: .user, text: made.text() + " " + made.text()))
            let traits = SeparationTraits(turns: turns)
            out.append(Row(views: GroupingViews(traits: traits, turns: turns), template: UInt64(out.count % 3)))
            if out.count % 5 == 0, let last = out.last { out.append(last) }
        }
        return Array(out.prefix(count))
    }

    @Test func doesNotDependOnOrderOrThreadsOrMemory() throws {
        let rows = traffic(600, seed: 31)
        let keys = rows.indices.map { SeparationKey(high: UInt64($0 * 7_919 % 600), low: UInt64($0)) }
        let exact = stride(from: 0, to: 590, by: 10).map { ($0, $0 + 5) }
        let whole = try roots(rows, keys: keys, exact: exact)
        #expect(whole.report.joinedSets > 50)
        for threads in [1, 2, 3] {
            for memory in [0, 1 << 30] {
                let again = try roots(rows, keys: keys, exact: exact, threads: threads, memory: memory, expecting: 0, each: 37)
                #expect(again.roots == whole.roots)
                #expect(again.report == whole.report)
                #expect(again.files.contents("/shingles") == nil, "the file is removed")
                #expect(again.files.count(of: .open) == 0 || memory == 0)
            }
        }
        var random = SplitMix64(seed: 1)
        let order = Array(rows.indices).shuffled(using: &random)
        var place = order
        for (at, row) in order.enumerated() { place[row] = at }
        let shuffled = try roots(
            order.map { rows[$0] }, keys: order.map { keys[$0] }, exact: exact.map { (place[$0.0], place[$0.1]) }, threads: 2)
        #expect(shuffled.report == whole.report)
        for row in rows.indices { #expect(order[shuffled.roots[place[row]]] == whole.roots[row]) }
    }

    /// Shingles that more than 20 groups of a template have say nothing; of exactly 20 they do.
    @Test func boilerplateIsTakenOutByTemplate() throws {
        var random = SplitMix64(seed: 50)
        let paragraph = (0..<90).map { _ in random.next() }
        func rows(_ count: Int, template: UInt64) -> [Row] {
            (0..<count).map { _ in Row(views: set(paragraph + (0..<10).map { _ in random.next() }), template: template) }
        }
        #expect(Set(try roots(rows(20, template: 1)).roots).count == 1, "20 groups: the paragraph counts")
        let many = try roots(rows(21, template: 1))
        #expect(Set(many.roots).count == 21)
        #expect(many.report.boilerplateShingles == 90)
        let split = try roots(rows(20, template: 1) + rows(20, template: 2))
        #expect(Set(split.roots).count == 1, "20 groups in each of two templates")
        // 40 rows of 20 groups: a group counts once.
        let grouped = try roots(rows(40, template: 1), exact: (0..<20).map { (2 * $0, 2 * $0 + 1) })
        #expect(grouped.report.boilerplateShingles == 0)
    }

    /// Of many groups, one in a hundred is the bound.
    @Test func boilerplateOfManyGroupsIsOneInAHundred() throws {
        var random = SplitMix64(seed: 51)
        let paragraph = (0..<90).map { _ in random.next() }
        for (sharing, isBoilerplate) in [(30, false), (31, true)] {
            let rows = (0..<3_000).map { at in
                Row(views: set((at < sharing ? paragraph : []) + (0..<10).map { _ in random.next() }), template: 0)
            }
            #expect(try roots(rows).report.boilerplateShingles == (isBoilerplate ? 90 : 0))
        }
    }

    @Test func shortViewsAreComparedByTheirCharacters() throws {
        func row(_ text: String) -> Row {
            let turns = [SeparationTurn(role: .user, text: text)]
            return Row(views: GroupingViews(traits: SeparationTraits(turns: turns), turns: turns), template: 0)
        }
        let texts = [
            "Please translate this sentence into French", "please translate this sentence into french!!",
            "Please, translate this sentences into French",
            "Something else entirely", "ok", "OK.", "", " ", "k",
        ]
        let found = try roots(texts.map(row)).roots
        #expect(found == [0, 0, 0, 3, 4, 4, 6, 7, 8])
    }

    /// Characters of N2, against texts put together here.
    @Test func shortShinglesAreRunsOfFiveScalars() {
        func views(_ texts: [String]) -> GroupingViews {
            let turns = texts.map { SeparationTurn(role: .user, text: $0) }
            return GroupingViews(traits: SeparationTraits(turns: turns), turns: turns)
        }
        #expect(views(["Ab,  12"]).prompt == views(["ab 99"]).prompt)
        #expect(views(["ab", "99"]).prompt == views(["AB-00"]).prompt)
        #expect(views(["ab", "99"]).first == views(["ab"]).prompt)
        #expect(views(["abcd"]).prompt.count == 1)
        #expect(views(["abcdefg"]).prompt.count == 3)
        #expect(views(["漢字 x"]).prompt.count == 1, "three tokens, five scalars with the spaces between them")
        #expect(views(["e\u{301}e\u{301}"]).prompt == views(["\u{E9}\u{E9}"]).prompt)
        #expect(views([""]).prompt.isEmpty)
        #expect(
            Set(views(["abcde"]).prompt).isDisjoint(
                with: SeparationTraits(turns: [SeparationTurn(role: .user, text: "a b c d e")]).promptShingles))
    }

    @Test func firstViewsJoinWhereWholePromptsDiverge() throws {
        var random = SplitMix64(seed: 60)
        let opening = (0..<30).map { _ in random.next() }.sorted()
        let rows = (0..<2).map { _ in
            Row(
                views: GroupingViews(
                    prompt: (opening + (0..<200).map { _ in random.next() }).sorted(), first: opening, isPromptShort: false),
                template: 0)
        }
        #expect(try roots(rows).roots == [0, 0])
    }

    /// A template before what is asked is boilerplate in the first view as in the whole: it joins nothing.
    @Test func templatesOfFirstTurnsJoinNothing() throws {
        var random = SplitMix64(seed: 63)
        let template = (0..<90).map { _ in random.next() }
        let rows = (0..<40).map { _ in
            let first = template + (0..<10).map { _ in random.next() }
            let prompt = first + (0..<200).map { _ in random.next() }
            return Row(
                views: GroupingViews(prompt: prompt.sorted(), first: first.sorted(), isPromptShort: false), template: 0)
        }
        #expect(try roots(rows).roots == Array(rows.indices))
    }

    /// The signature of a whole from that of its part is the signature of the whole: pairs in which the first view is a part of the
    /// prompt view, and pairs in which it is not, or is the same.
    @Test func firstViewsOfAnyKindLeaveThePromptViewAsItIs() throws {
        var random = SplitMix64(seed: 64)
        for _ in 0..<60 {
            let common = (0..<90).map { _ in random.next() }
            let rows = (0..<3).map { kind in
                let prompt = (common + (0..<8).map { _ in random.next() }).sorted()
                let part = prompt.filter { _ in Bool.random(using: &random) }
                let first = kind == 0 ? part : kind == 1 ? prompt : (0..<30).map { _ in random.next() }.sorted()
                return Row(views: GroupingViews(prompt: prompt, first: first, isPromptShort: false), template: 0)
            }
            #expect(try roots(rows).roots == [0, 0, 0])
        }
    }

    @Test func manyEqualRowsAreOneSet() throws {
        var random = SplitMix64(seed: 61)
        let values = (0..<15).map { _ in random.next() }
        let rows = (0..<5_000).map { _ in
            Row(views: GroupingViews(prompt: [], first: values.sorted(), isPromptShort: true), template: 0)
        }
        #expect(Set(try roots(rows, each: 1_000).roots) == [0])
    }

    @Test func emptyRowsAreLeftAlone() throws {
        let rows = (0..<5).map { _ in Row(views: set([]), template: 0) }
        #expect(try roots(rows).roots == [0, 1, 2, 3, 4])
        #expect(try roots([]).roots.isEmpty)
    }

    @Test func aFullDiskIsAnErrorAndNoTrap() throws {
        let files = MemoryFileSystem()
        files.setCapacity(100)
        var random = SplitMix64(seed: 62)
        let search = NearDuplicateSearch(
            spill: ShingleSpill(files: files, path: "/shingles", memory: 0), threads: 2, expecting: 0)
        let rows = (0..<10).map { _ in Row(views: set((0..<100).map { _ in random.next() }), template: 0) }
        try search.add(rows)
        var sets = LeastKeySets(keys: rows.indices.map { SeparationKey(high: 0, low: UInt64($0)) })
        let error = #expect(throws: SeparationError.self) { try search.join(&sets) }
        #expect(error?.code == .spillFailed)
    }

    @Test func rootsHaveTheLeastKeyWhateverTheOrder() {
        var random = SplitMix64(seed: 70)
        let keys = (0..<50).map { SeparationKey(high: random.next() % 3, low: UInt64($0) ^ 21) }
        let edges = (0..<40).map { _ in (Int.random(in: 0..<50, using: &random), Int.random(in: 0..<50, using: &random)) }
        var seen: [[Int]] = []
        for _ in 0..<5 {
            var sets = LeastKeySets(keys: keys)
            for (a, b) in edges.shuffled(using: &random) { sets.unite(b, a) }
            seen.append(sets.roots())
        }
        #expect(Set(seen).count == 1)
        for (row, root) in seen[0].enumerated() { #expect(keys[root] <= keys[row]) }
    }
}
