// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import ExchangeModel
import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct FeedbackTests {
    private func piece(
        _ id: Int, about exchange: Int, at atUs: Int64 = 10, from source: String = "app", score: Double? = 1,
        label: String? = nil,
        correction: FeedbackCorrection? = nil
    ) -> Feedback {
        Feedback(
            id: Sample.exchange(id + 1_000_000), exchange: Sample.exchange(exchange), atUs: atUs, source: source, score: score,
            label: label, correction: correction)
    }

    private func read(_ json: String) throws(ControlStoreError) -> Feedback {
        try FeedbackJSON.read(Array(json.utf8), id: Sample.exchange(9), atUs: 77, source: "api")
    }

    @Test func givesBackEveryMember() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let all = [
            piece(1, about: 1, at: 5, score: -0.125), piece(2, about: 2, at: 6, score: nil, label: "Ünï \"good\""),
            piece(3, about: 3, at: 7, score: nil, correction: .text("zero \u{0} byte\nand more")),
            piece(4, about: 3, at: 8, from: "other", score: 0, label: "l", correction: .json(Array(#"{"a": [1.0, 2]}"#.utf8))),
            piece(5, about: 4, at: 9, score: nil, correction: .text("")),
        ]
        #expect(try store.add(all).added == 5)
        var found: [Feedback] = []
        try store.forEachFeedback(limit: 100) { found.append($0) }
        #expect(found == all.reversed())
        #expect(
            try store.latestFeedback(of: [3, 1, 99, 3].map(Sample.exchange)) == [
                [all[2], all[3]], [all[0]], [], [all[2], all[3]],
            ])
        var filter = FeedbackFilter()
        filter.exchange = Sample.exchange(3)
        filter.source = "other"
        filter.sinceUs = 8
        filter.untilUs = 9
        found = []
        try store.forEachFeedback(filter, limit: 100) { found.append($0) }
        #expect(found == [all[3]])
        found = []
        try store.forEachFeedback(limit: 2) { found.append($0) }
        #expect(found.count == 2)
    }

    /// Against a walk over all of it.
    @Test func latestIsThatOfTheLatestTimeThenOfTheGreatestID() throws {
        var random = SplitMix64(seed: 5)
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let all = (0..<600).map { number in
            piece(
                number, about: Int.random(in: 0..<20, using: &random), at: Int64.random(in: 0..<6, using: &random),
                from: ["a", "B", "b-2", "z"][Int.random(in: 0..<4, using: &random)], score: Double(number))
        }.shuffled(using: &random)
        try store.add(all)
        let found = try store.latestFeedback(of: (0..<20).map(Sample.exchange))
        for exchange in 0..<20 {
            var latest: [String: Feedback] = [:]
            for one in all where one.exchange == Sample.exchange(exchange) {
                if let last = latest[one.source], (last.atUs, last.id) > (one.atUs, one.id) { continue }
                latest[one.source] = one
            }
            #expect(
                found[exchange] == latest.values.sorted { Array($0.source.utf8).lexicographicallyPrecedes(Array($1.source.utf8)) }
            )
        }
    }

    @Test func anIDIsStoredOnce() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        try store.add([piece(1, about: 1, score: 1)])
        let again = try store.add([piece(1, about: 1, score: 2), piece(2, about: 1, score: 3), piece(2, about: 1, score: 4)])
        #expect(again.added == 1 && again.duplicates == 2)
        #expect(try store.latestFeedback(of: [Sample.exchange(1)])[0].map(\.score) == [3])
        for sql in [
            "UPDATE feedback SET score = 5", "INSERT OR REPLACE INTO feedback SELECT * FROM feedback LIMIT 1",
            "INSERT OR REPLACE INTO feedback SELECT 77, id, exchange, 1, source, 1, label, correction, 0 FROM feedback LIMIT 1",
        ] {
            #expect(throws: DatabaseError.self, "\(sql)") { try scratch.byHand { try $0.execute(sql: sql) } }
        }
    }

    @Test func erasesWhatIsAboutAnExchange() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let secret = "the-words-that-must-go-1234567890"
        try store.add([piece(1, about: 1, correction: .text(secret)), piece(2, about: 1), piece(3, about: 2)])
        #expect(try store.eraseFeedback(of: [Sample.exchange(1), Sample.exchange(5)]) == 2)
        #expect(try store.feedbackCount() == 1)
        try store.close()
        // The last connection has moved the log into the file: nothing of it is left anywhere.
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch.path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + name))
            #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(name)")
        }
    }

    @Test func readsJSON() throws {
        let id = Sample.exchange(1).description
        #expect(
            try read(#"{"exchange_id":"\#(id)","score":0.5}"#)
                == Feedback(
                    id: Sample.exchange(9), exchange: Sample.exchange(1), atUs: 77, source: "api", score: 0.5))
        let full = try read(
            #"{"exchange_id":"\#(id)","score":-1e3,"label":"a\"b","correction":{"x": 1.0},"source":"app-2","at_us":5,"id":"\#(Sample.exchange(3))"}"#
        )
        #expect(
            full
                == Feedback(
                    id: Sample.exchange(3), exchange: Sample.exchange(1), atUs: 5, source: "app-2", score: -1_000, label: "a\"b",
                    correction: .json(Array(#"{"x": 1.0}"#.utf8))))
        #expect(try read(#"{"exchange_id":"\#(id)","score":null,"correction":"text"}"#).correction == .text("text"))
        #expect(try FeedbackJSON.read(FeedbackJSON.line(full), id: Sample.exchange(8), atUs: 1, source: "x") == full)
        let given = try FeedbackJSON.read(
            Array(#"{"score":1}"#.utf8), id: Sample.exchange(8), atUs: 1, source: "x", exchange: Sample.exchange(2))
        #expect(given.exchange == Sample.exchange(2))
    }

    /// Whatever is wrong is named, and what somebody wrote is not told.
    @Test func refusesWithoutTellingWhatWasWritten() throws {
        let id = Sample.exchange(1).description
        let marker = "SECRET-7261"
        let long = String(repeating: marker, count: 60_000)
        let broken: [(String, String)] = [
            (#"{"exchange_id":"\#(id)"}"#, "a score, a label or a correction"), (#"{"score":1}"#, "`exchange_id`"),
            (#"{"exchange_id":"\#(marker)","score":1}"#, "`exchange_id`"), (#"{"exchange_id":5,"score":1}"#, "`exchange_id`"),
            (#"{"exchange_id":"\#(id)","score":"\#(marker)"}"#, "`score`"),
            (#"{"exchange_id":"\#(id)","score":1e300}"#, "`score`"),
            (#"{"exchange_id":"\#(id)","score":1e999}"#, "`score`"), (#"{"exchange_id":"\#(id)","score":true}"#, "`score`"),
            (#"{"exchange_id":"\#(id)","label":""}"#, "`label`"),
            (#"{"exchange_id":"\#(id)","label":["\#(marker)"]}"#, "`label`"),
            (#"{"exchange_id":"\#(id)","label":"\#(marker)\n"}"#, "`label`"),
            (#"{"exchange_id":"\#(id)","label":"\#(String(repeating: marker, count: 30))"}"#, "`label`"),
            (#"{"exchange_id":"\#(id)","correction":"\#(long)"}"#, "bytes"),
            (#"{"exchange_id":"\#(id)","correction":["\#(long)"]}"#, "bytes"),
            (#"{"exchange_id":"\#(id)","score":1,"source":"\#(marker) x"}"#, "a source"),
            (#"{"exchange_id":"\#(id)","score":1,"at_us":-1}"#, "`at_us`"),
            (#"{"exchange_id":"\#(id)","score":1,"at_us":1.5}"#, "`at_us`"),
            (#"{"exchange_id":"\#(id)","score":1,"id":"\#(marker)"}"#, "`id`"),
            (#"{"exchange_id":"\#(id)","score":1,"\#(marker)":2}"#, "no member of that name"),
            (#"["\#(marker)"]"#, "one JSON object"),
            (#"{"exchange_id":"\#(id)","label":"\#(marker)""#, "not valid JSON"), ("", "not valid JSON"),
        ]
        for (json, said) in broken {
            let error = #expect(throws: ControlStoreError.self, "\(json.prefix(80))") { try read(json) }
            #expect(
                error?.code == .badValue && error?.message.contains(said) == true,
                "\(json.prefix(80)): \(String(describing: error))")
            #expect(error?.description.contains("7261") == false)
        }
    }

    /// Errors of the database while feedback is stored tell nothing of it either.
    @Test func faultsOfTheDatabaseDoNotTellWhatWasWritten() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let secret = piece(1, about: 1, label: "SECRET-7261", correction: .text("SECRET-7261"))
        try scratch.byHand {
            try $0.execute(sql: "CREATE TRIGGER broken BEFORE INSERT ON feedback BEGIN SELECT RAISE(ABORT, 'broken'); END")
        }
        let refused = #expect(throws: ControlStoreError.self) { try store.add([secret]) }
        try scratch.byHand { try $0.execute(sql: "DROP TABLE feedback") }
        let gone = #expect(throws: ControlStoreError.self) { try store.add([secret]) }
        let reader = try ControlStore.open(path: scratch.control, mode: .readOnly)
        let readOnly = #expect(throws: ControlStoreError.self) { try reader.add([secret]) }
        for error in [refused, gone, readOnly] {
            #expect(error?.code != .badValue)
            for text in ["\(String(describing: error))", "\(String(reflecting: error))", error?.message ?? ""] {
                #expect(!text.contains("7261"))
            }
        }
    }

    @Test func aBatchIsStoredWholeOrNotAtAll() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        #expect(throws: ControlStoreError.self) { try store.add([piece(1, about: 1), piece(2, about: 1, score: .nan)]) }
        #expect(throws: ControlStoreError.self) { try store.add([piece(1, about: 1), piece(2, about: 1, score: nil)]) }
        #expect(try store.feedbackCount() == 0)
    }
}
