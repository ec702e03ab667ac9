// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Dialects

@Suite struct ServerSentEventsTests {
    private func events(_ text: String) -> [ServerSentEvent] { Array(ServerSentEvents(Array(text.utf8))) }

    private func event(_ data: String, name: String? = nil, end: Int, terminated: Bool = true) -> ServerSentEvent {
        ServerSentEvent(name: name, data: Array(data.utf8), endOffset: end, isTerminated: terminated)
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func readsEveryLineEnd(end: String) {
        let body = "event: a\(end)data: 1\(end)\(end)data: 2\(end)\(end)"
        let first = "event: a\(end)data: 1\(end)\(end)".utf8.count
        #expect(events(body) == [event("1", name: "a", end: first), event("2", end: body.utf8.count)])
    }

    @Test func mixesLineEnds() {
        #expect(events("data: 1\r\n\ndata: 2\r\r\n").map(\.data) == [[0x31], [0x32]])
    }

    @Test func skipsByteOrderMarkAndComments() {
        #expect(events("\u{FEFF}data:x\n\n") == [event("x", end: 11)])
        #expect(events(": PROCESSING\n\n: more\ndata: x\n\n") == [event("x", end: 30)])
    }

    @Test func joinsDataLinesByLineFeeds() {
        #expect(events("data: a\ndata\ndata:b\n\n") == [event("a\n\nb", end: 21)])
    }

    @Test func removesOneLeadingSpaceOnly() {
        #expect(events("data:  a\n\n") == [event(" a", end: 10)])
    }

    @Test func tellsFieldsByTheirWholeName() {
        let text = "data\n\ndata:\n\nevent\ndatax: 1\n data: 2\nData: 3\n: data: 4\ndata: 5\n\nevent:e\ndata:6:7\n\n"
        #expect(events(text).map(\.data) == ["", "", "5", "6:7"].map { Array($0.utf8) })
        #expect(events(text).map(\.name) == [nil, nil, nil, "e"])
    }

    @Test func dropsAnEventWithoutData() {
        #expect(events("event: a\n\ndata: b\n\n") == [event("b", end: 19)])
        #expect(events("id: 1\nretry: 3\n\n").isEmpty)
        #expect(events("data\n\n") == [event("", end: 6)])
    }

    @Test func yieldsAnUnterminatedLastEvent() {
        #expect(events("data: a\n\ndata: b") == [event("a", end: 9), event("b", end: 16, terminated: false)])
        #expect(events("data: b\n") == [event("b", end: 8, terminated: false)])
        #expect(events("data: b\n\ndat") == [event("b", end: 9)])
    }

    /// The next line end stands so many bytes behind the range, which ends at every place of a word of eight.
    @Test(arguments: 0...8) func readsNothingBehindItsRange(behind: Int) {
        let more = Array((String(repeating: "y", count: behind) + "\n\n").utf8)
        for count in 0...16 {
            let value = String(repeating: "x", count: count)
            for (end, isTerminated) in [("", false), ("\r", false), ("\r\r", true), ("\r\n\r", true)] {
                let part = Array("data: \(value)\(end)".utf8)
                let found = Array(ServerSentEvents(part + more, in: 0..<part.count, startsCut: false))
                #expect(found == [event(value, end: part.count, terminated: isTerminated)], "\(count), \(Array(end.utf8))")
            }
        }
    }

    @Test func readsARangeLikeABodyThatEndsThere() {
        let body = Array("\u{FEFF}: c\r\ndata: one\r\n\r\nevent: e\rdata: two\rdata\r\rid: 7\ndata: three\n\ndata: 4".utf8)
        for end in 0...body.count {
            let found = Array(ServerSentEvents(body, in: 0..<end, startsCut: false))
            #expect(found == Array(ServerSentEvents(Array(body[..<end]))), "\(end)")
        }
    }

    @Test func endsOnAnyBytes() {
        var random = SplitMix64(seed: 7)
        let alphabet = Array("data:event \r\n\u{FEFF}{}x".utf8)
        for _ in 0..<500 {
            let body = (0..<Int(random.next() % 200)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            let found = Array(ServerSentEvents(body))
            #expect(found.reduce(0) { $0 + $1.data.count } <= body.count)
            #expect(found.map(\.endOffset) == found.map(\.endOffset).sorted())
            #expect(found.dropLast().allSatisfy { $0.isTerminated })
        }
    }
}
