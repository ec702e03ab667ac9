// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Foundation
import TestSupport
import Testing

@Suite struct LedgerExportTests {
    private func export(_ store: ControlStore, _ ledger: String = "default") throws -> [UInt8] {
        var bytes: [UInt8] = []
        try store.exportLedger(ledger) { bytes += $0 }
        return bytes
    }

    /// An import of bytes that come in pieces.
    private func take(_ bytes: [UInt8], into store: ControlStore, named name: String? = nil, piece: Int = 65_536) throws
        -> LedgerSummary
    {
        var at = 0
        return try store.importLedger(named: name) {
            guard at < bytes.count else { return nil }
            defer { at += piece }
            return Array(bytes[at..<min(at + piece, bytes.count)])
        }
    }

    @Test func anImportHasTheSameHeadAndGivesTheSameExport() throws {
        let (scratch, other) = (try Scratch(), try Scratch())
        let store = try Sample.store(scratch)
        let bytes = try export(store)
        let target = try ControlStore.open(path: other.control, mode: .readWrite)
        let summary = try take(bytes, into: target, piece: 1_000)
        #expect(summary == LedgerSummary(name: "default", head: try store.head(of: "default")))
        #expect(try target.verify(ledger: "default").fault == nil)
        #expect(try export(target) == bytes)
        #expect(try target.sides(of: [1, 500, 7].map(Sample.key), in: "default") == [.eval, .train, .unknown])
        let again = #expect(throws: ControlStoreError.self) { try take(bytes, into: target) }
        #expect(again?.code == .ledgerTaken)
        try target.append([Sample.eval(50)], to: "default", expecting: summary.head, recordedUs: 1)
    }

    /// A tool may order members anew and put white space between them.
    @Test func anExportMayBeWrittenAnew() throws {
        let (scratch, other) = (try Scratch(), try Scratch())
        let store = try Sample.store(scratch)
        let lines = try String(decoding: export(store), as: UTF8.self).split(separator: "\n").map { line in
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let text = String(decoding: try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys]), as: UTF8.self)
            return " " + text + "\r\n"
        }
        let target = try ControlStore.open(path: other.control, mode: .readWrite)
        #expect(try take(Array(lines.joined().utf8), into: target).head == store.head(of: "default"))
    }

    @Test func refusesWhatIsNoWholeExport() throws {
        let scratch = try Scratch()
        let bytes = try export(Sample.store(scratch))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        var broken: [(name: String, text: [String])] = [
            ("nothing", []), ("no head", Array(lines.dropFirst())), ("no tail", Array(lines.dropLast())),
            ("cut line", Array(lines.dropLast()) + [String(lines[lines.count - 1].dropLast(5))]),
            ("twice a part", lines.flatMap { $0.contains("\"list\"") ? [$0, $0] : [$0] }),
            ("twice", lines + lines.dropFirst()), ("other format", ["{\"weir_ledger\":2}"]), ("no JSON", ["weir"]),
            ("reversed", [lines[0]] + lines.dropFirst().reversed()),
            ("long line", [lines[0], String(repeating: " ", count: ControlStoreLimits.lineBytes + 1)]),
            ("another name", lines.map { $0.replacing("\"name\":\"default\"", with: "\"name\":\"other\"") }),
        ]
        for place in 1..<lines.count { broken.append(("without line \(place)", Array(lines[..<place] + lines[(place + 1)...]))) }
        let other = try Scratch()
        let target = try ControlStore.open(path: other.control, mode: .readWrite)
        for (name, text) in broken {
            let error = #expect(throws: ControlStoreError.self, "\(name)") {
                try take(Array(text.joined(separator: "\n").utf8), into: target)
            }
            #expect(error?.code == .badExport && error?.exitCode == 1, "\(name): \(String(describing: error))")
        }
        let named = #expect(throws: ControlStoreError.self) { try take(bytes, into: target, named: "mine") }
        #expect(named?.message.contains("`default`") == true)
        #expect(try target.ledgers().isEmpty)
        #expect(try take(bytes, into: target, named: "default").head.entries == 8)
    }

    /// A byte changed anywhere either is refused or, as in a time, changes nothing that is hashed.
    @Test func aChangedByteNeverGivesAnotherLedger() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let small: [LedgerEntry] = [
            Sample.eval(1), Sample.train(10..<14, items: 10..<12), .tombstone(LedgerTombstone(item: Sample.item(1), reason: "r")),
        ]
        try store.append(small, to: "default", expecting: LedgerHead.empty("default"), recordedUs: 1_000)
        let head = try store.head(of: "default")
        let bytes = try export(store)
        var random = SplitMix64(seed: 39)
        let other = try Scratch()
        let target = try ControlStore.open(path: other.control, mode: .readWrite)
        var kept = 0
        for round in 0..<300 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            do {
                let fresh = try Scratch()
                let filled = try ControlStore.open(path: fresh.control, mode: .readWrite)
                #expect(try take(changed, into: filled).head == head, "round \(round)")
                kept += 1
            } catch let error as ControlStoreError {
                #expect(error.code == .badExport, "round \(round): \(error)")
                #expect(throws: ControlStoreError.self) { try take(changed, into: target) }
            }
        }
        #expect(kept < 30)
        #expect(try target.ledgers().isEmpty)
    }
}
