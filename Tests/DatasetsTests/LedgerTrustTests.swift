// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Foundation
import Testing

@testable import Datasets

@Suite struct LedgerTrustTests {
    /// One letter of the ledger is another one: the next build is refused and leaves nothing, though its rows are other ones.
    @Test func noBuildTrustsADamagedLedger() throws {
        func inputs(_ numbers: ClosedRange<UInt64>) -> [DatasetInput] {
            numbers.map { number in
                let question = TestRecords.long("question \(number)")
                return TestRecords.input(TestRecords.chat(number, system: "You help.", [question], answer: "a\(number)"))
            }
        }
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 300_000
        let ledger = try scratch.ledger()
        let report = try scratch.build(recipe, inputs(1...40), to: "one", ledger: ledger)
        #expect(report.evalRows > 0 && report.trainRows > 0)
        try ledger.close()
        let place = URL(fileURLWithPath: "\(scratch.path)/control.sqlite")
        var bytes = try Data(contentsOf: place)
        let found = try #require(bytes.range(of: Data(#""dataset":"demo""#.utf8)))
        bytes[found.lowerBound + 11] = UInt8(ascii: "D")
        try bytes.write(to: place)
        let damaged = try scratch.ledger()
        let error = #expect(throws: ControlStoreError.self) {
            try scratch.build(recipe, inputs(41...80), to: "two", ledger: damaged)
        }
        #expect(error?.code == .ledgerBroken && error?.message.contains("weir dataset ledger verify") == true)
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/two"))
    }
}
