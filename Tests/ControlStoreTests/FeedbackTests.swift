// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import ControlStore

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
        // All of it, in the order that is promised.
        let asked = [7, 3, 99, 12].map(Sample.exchange)
        var pieces: [Feedback] = []
        try store.forEachFeedback(of: asked) { pieces.append($0) }
        let wanted = asked.flatMap { exchange in
            all.filter { $0.exchange == exchange }.sorted { a, b in
                let (x, y) = (Array(a.source.utf8), Array(b.source.utf8))
                return x == y ? (a.atUs, a.id) < (b.atUs, b.id) : x.lexicographicallyPrecedes(y)
            }
        }
        #expect(pieces == wanted && pieces.count > 30)
        struct Stop: Error {}
        #expect(throws: Stop.self) { try store.forEachFeedback(of: asked) { _ in throw Stop() } }
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

    private static let secret = "the-words-that-must-go-1234567890"

    private func holdsSecret(_ path: String) throws -> Bool {
        try Data(contentsOf: URL(fileURLWithPath: path)).range(of: Data(Self.secret.utf8)) != nil
    }

    @Test func erasesWhatIsAboutAnExchange() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        try store.add([piece(1, about: 1, correction: .text(Self.secret)), piece(2, about: 1), piece(3, about: 2)])
        let erased = try store.eraseFeedback(of: [Sample.exchange(1), Sample.exchange(5)])
        #expect(erased.count == 2 && erased.isLogCleared)
        #expect(try store.feedbackCount() == 1)
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch.path) {
            #expect(try !holdsSecret(scratch.path + "/" + name), "\(name)")
        }
    }

    /// Somebody reads while something is erased: it is said that the log still holds it, and the next erasure empties the log, also where
    /// it has nothing to erase any more.
    @Test func aLogThatIsBeingReadIsSaidAndEmptiedLater() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        try store.add([piece(1, about: 1, correction: .text(Self.secret)), piece(3, about: 2)])
        let reader = try DatabaseQueue(path: scratch.control)
        try reader.read { db in
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM feedback") == 2)
            let erased = try store.eraseFeedback(of: [Sample.exchange(1)])
            #expect(erased.count == 1 && !erased.isLogCleared)
            #expect(try holdsSecret(scratch.control + "-wal"))
            #expect(try !store.clearLog())
        }
        let again = try store.eraseFeedback(of: [Sample.exchange(1)])
        #expect(again.count == 0 && again.isLogCleared)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.control + "-wal")).isEmpty)
        #expect(try !holdsSecret(scratch.control))
        // The wait for everything else is what it was.
        #expect(try store.queue.read { try Int.fetchOne($0, sql: "PRAGMA busy_timeout") } == 10_000)
    }

    /// The size is kept by triggers: against a count of all there is.
    @Test func storesNoMoreThanIsKept() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        try store.add(
            (0..<40).map {
                piece($0, about: $0 % 7, label: "läbel", correction: .text(String(repeating: "ü", count: $0)))
            })
        _ = try store.eraseFeedback(of: [Sample.exchange(3), Sample.exchange(5)])
        let kept = (0..<40).filter { $0 % 7 != 3 && $0 % 7 != 5 }
        func size() throws -> [Int64] {
            try scratch.byHand { db in
                try Row.fetchOne(db, sql: "SELECT pieces, bytes FROM feedback_size").map { [$0[0], $0[1]] } ?? []
            }
        }
        #expect(try size() == [Int64(kept.count), kept.reduce(0) { $0 + 206 + 2 * Int64($1) }])
        for (column, limit) in [
            ("pieces", ControlStoreLimits.feedbackPieces), ("bytes", ControlStoreLimits.feedbackStoredBytes),
        ] {
            let before = try size()
            try scratch.byHand { try $0.execute(sql: "UPDATE feedback_size SET \(column) = ?", arguments: [limit]) }
            let error = #expect(throws: ControlStoreError.self) { try store.add([piece(90, about: 1)]) }
            #expect(error?.code == .feedbackFull && error?.exitCode == 3)
            #expect(error?.message.contains("weir segment erase") == true)
            #expect(try store.feedbackCount() == Int64(kept.count))
            // What is there already may be given again.
            #expect(try store.add([piece(kept[0], about: kept[0] % 7)]).duplicates == 1)
            try scratch.byHand {
                try $0.execute(sql: "UPDATE feedback_size SET pieces = ?, bytes = ?", arguments: [before[0], before[1]])
            }
        }
        #expect(try store.add([piece(90, about: 1)]).added == 1)
    }

    /// What a database of version 2 holds is counted when it is brought up to date.
    @Test func countsWhatAnOlderVersionHolds() throws {
        let scratch = try Scratch()
        try ControlStore.open(path: scratch.control, mode: .readWrite).add([
            piece(1, about: 1, label: "four"), piece(2, about: 1),
        ])
        try scratch.byHand { db in
            try db.execute(
                sql: """
                    DROP TRIGGER feedback_grows; DROP TRIGGER feedback_shrinks; DROP TABLE feedback_size; PRAGMA user_version = 2;
                    DELETE FROM grdb_migrations WHERE identifier > '0003'
                    """)
        }
        try ControlStore.open(path: scratch.control, mode: .readWrite).close()
        #expect(
            try scratch.byHand { try Row.fetchOne($0, sql: "SELECT pieces, bytes FROM feedback_size").map { [$0[0], $0[1]] } }
                == [2, 404 as Int64])
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
                    correction: .json(Array(#"{"x":1.0}"#.utf8))))
        #expect(try read(#"{"exchange_id":"\#(id)","score":null,"correction":"text"}"#).correction == .text("text"))
        #expect(try FeedbackJSON.read(FeedbackJSON.line(full), id: Sample.exchange(8), atUs: 1, source: "x") == full)
        let given = try FeedbackJSON.read(
            Array(#"{"score":1}"#.utf8), id: Sample.exchange(8), atUs: 1, source: "x", exchange: Sample.exchange(2))
        #expect(given.exchange == Sample.exchange(2))
    }

    /// Whatever is stored is one line, and that line is the same feedback again.
    @Test func everyLineIsReadAgain() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let id = Sample.exchange(1).description
        let corrections = [
            "{\n  \"a\": [1.50, \"x \\\" \\\\\", {}],\r\n\t\"b c\" : null\n}", "[\n]", "true", "-0.0", #""text \n \ud800""#,
            #""""#,
            "\"" + String(repeating: "\\u0001", count: ControlStoreLimits.correctionBytes) + "\"",
        ]
        var all: [Feedback] = []
        for (number, correction) in corrections.enumerated() {
            all.append(
                try FeedbackJSON.read(
                    Array(#"{"exchange_id":"\#(id)","correction":\#(correction)}"#.utf8), id: Sample.exchange(50 + number),
                    atUs: Int64(number), source: "api"))
        }
        try store.add(all)
        var found: [Feedback] = []
        try store.forEachFeedback(limit: 100) { feedback in
            let line = FeedbackJSON.line(feedback)
            #expect(line.firstIndex(of: 0x0A) == line.count - 1)
            found.append(try FeedbackJSON.read(line, id: Sample.exchange(9), atUs: 0, source: "other"))
        }
        #expect(found == all.reversed())
        #expect(all[0].correction == .json(Array(#"{"a":[1.50,"x \" \\",{}],"b c":null}"#.utf8)))
        #expect(all[4].correction == .text("text \n \u{FFFD}"))
        for wrong in ["null", "\"text\""] {
            #expect(throws: ControlStoreError.self, "\(wrong)") {
                try piece(1, about: 1, score: nil, correction: .json(Array(wrong.utf8))).check()
            }
        }
    }

    /// The latest counts: what claims to be of the future would count for ever.
    @Test func refusesTimesOfTheFuture() throws {
        let id = Sample.exchange(1).description
        let now: Int64 = 1_790_000_000_000_000
        func time(_ atUs: Int64) throws(ControlStoreError) -> Int64 {
            try FeedbackJSON.read(
                Array(#"{"exchange_id":"\#(id)","score":1,"at_us":\#(atUs)}"#.utf8), id: Sample.exchange(9), atUs: now,
                source: "api"
            ).atUs
        }
        for good in [0, now, now + 3_600_000_000, now + ControlStoreLimits.feedbackAheadUs] { #expect(try time(good) == good) }
        for bad in [now + ControlStoreLimits.feedbackAheadUs + 1, now * 1_000, Int64.max] {
            let error = #expect(throws: ControlStoreError.self, "\(bad)") { try time(bad) }
            #expect(error?.code == .badValue && error?.message.contains("`at_us`") == true)
        }
        #expect(throws: ControlStoreError.self) { try piece(1, about: 1, at: Int64.max).check() }
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
