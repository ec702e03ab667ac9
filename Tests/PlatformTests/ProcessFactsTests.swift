// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Platform

@Suite struct ProcessFactsTests {
    @Test func seesThisProcess() throws {
        let facts = ProcessFacts.current()
        let resident = try #require(facts.residentBytes)
        let anonymous = try #require(facts.anonymousBytes)
        #expect(resident > 1 << 20 && anonymous > 0 && anonymous <= resident)
        #expect(try #require(facts.openDescriptors) >= 3)
        #expect(try #require(facts.maxDescriptors) >= 64)
        #expect(try #require(facts.processorUs) >= 0)
        let age = SystemClock().wallUs - Int64(try #require(facts.startedAtUs))
        #expect(age > -2_000_000 && age < 86_400_000_000)
    }

    @Test func readsTimesBehindAnyCommandName() {
        let rest = (3...25).map { String($0 * 10) }.joined(separator: " ")
        for name in ["weir", "a b", "x) R 1 (y", ""] {
            let times = ProcessFacts.times(stat: "42 (\(name)) \(rest)\n")
            #expect(times?.used == 140 + 150 && times?.start == 220)
        }
        for text in ["", "42 (weir", "42 (weir) S 1", "42 (weir) " + String(repeating: "x ", count: 30)] {
            #expect(ProcessFacts.times(stat: text) == nil)
        }
        #expect(ProcessFacts.kilobytes("VmRSS:", in: "Name:\tx\nVmRSS:\t  12 kB\n") == 12_288)
        #expect(ProcessFacts.kilobytes("VmRSS:", in: "VmRSS: none") == nil)
    }
}
