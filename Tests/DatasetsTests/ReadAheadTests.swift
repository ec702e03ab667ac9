// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import Datasets

@Suite struct ReadAheadTests {
    private struct Stopped: Error, Equatable {
        let at: Int
    }

    @Test(arguments: [0, 1, 10, 1_000_000]) func givesEverythingInOrder(limit: Int) throws {
        var used: [Int] = []
        try ReadAhead<Int>.run(name: "test", limit: limit) { give in
            for number in 0..<10_000 { #expect(give(number, number % 7)) }
        } use: {
            used.append($0)
        }
        #expect(used == Array(0..<10_000))
    }

    @Test func takesNothingFromNothing() throws {
        try ReadAhead<Int>.run(name: "test", limit: 1) { _ in
        } use: { _ in
            Issue.record("there was nothing")
        }
    }

    @Test func makesNoMoreThanTheLimitAhead() throws {
        let made = Mutex(0)
        var most = 0
        var used = 0
        try ReadAhead<Int>.run(name: "test", limit: 10) { give in
            for number in 0..<2_000 {
                guard give(number, 2) else { return }
                made.withLock { $0 += 1 }
            }
        } use: { _ in
            used += 1
            most = max(most, made.withLock { $0 } - used)
        }
        // What was taken at once, what waits meanwhile.
        #expect(used == 2_000 && most <= 10)
    }

    @Test func throwsWhatTheMakerThrewBehindWhatItMade() throws {
        var used: [Int] = []
        #expect(throws: Stopped(at: 3)) {
            try ReadAhead<Int>.run(name: "test", limit: 100) { give in
                for number in 0..<3 { _ = give(number, 1) }
                throw Stopped(at: 3)
            } use: {
                used.append($0)
            }
        }
        #expect(used == [0, 1, 2])
    }

    @Test func endsTheMakerWhereTheUserThrows() throws {
        let refused = Mutex(false)
        #expect(throws: Stopped(at: 5)) {
            try ReadAhead<Int>.run(name: "test", limit: 3) { give in
                var number = 0
                while give(number, 1) { number += 1 }
                refused.withLock { $0 = true }
            } use: {
                if $0 == 5 { throw Stopped(at: 5) }
            }
        }
        #expect(refused.withLock { $0 })
    }
}
