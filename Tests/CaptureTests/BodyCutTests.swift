// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform
import TestSupport
import Testing

@testable import Capture

@Suite struct BodyCutTests {
    private static let tail = BodyJoint.tailBytes

    private static func cut(_ body: [UInt8], _ limit: Int) -> (head: [UInt8], tail: [UInt8]) {
        body.withUnsafeBytes {
            let cut = BodyCut(ByteRun($0), keeping: limit, isWhole: true)
            return (cut.head.array, cut.tail.array)
        }
    }

    private static func joint(_ stored: [UInt8]) -> Int {
        stored.withUnsafeBytes { BodyJoint.offset(in: ByteRun($0), isText: UTF8Check.firstInvalidOffset(stored) == nil) }
    }

    /// Characters of one to four bytes in any mixture.
    private static func text(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
        let letters = ["a", "é", "字", "\u{1F600}", "b", "c"]
        var out: [UInt8] = []
        while out.count < count { out += Array((letters.randomElement(using: &random) ?? "a").utf8) }
        return out
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func theJointIsWhereAReaderLooksForIt(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for round in 0..<200 {
            let limit =
                round % 10 == 0 ? Int.random(in: 131_060...131_090, using: &random) : Int.random(in: 16...300, using: &random)
            let size = limit + Int.random(in: 1...500, using: &random)
            let isText = round % 3 != 0
            let body = isText ? Self.text(size, &random) : (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            let (head, tail) = Self.cut(body, limit)
            let stored = head + tail
            #expect(stored.count <= limit && stored.count > limit - 12, "\(limit) \(stored.count)")
            #expect(body.starts(with: head) && body.suffix(tail.count).elementsEqual(tail))
            if isText { #expect(UTF8Check.firstInvalidOffset(head) == nil && UTF8Check.firstInvalidOffset(tail) == nil) }
            #expect(Self.joint(stored) == head.count, "limit \(limit) size \(size) \(head.count) + \(tail.count)")
        }
    }

    @Test func theTailIsAtMostSixtyFourKiB() {
        let body = [UInt8](repeating: 0x61, count: 3_000_000)
        let (head, tail) = Self.cut(body, 1_000_000)
        #expect(tail.count == Self.tail && head.count == 1_000_000 - Self.tail)
    }

    @Test func aTailOfARingMeetsTheHeadThatIsThere() {
        var random = SplitMix64(seed: 9)
        for heldCount in [1, 5, 1_000, 70_000, 200_000] {
            let body = Self.text(900_000, &random)
            let ring = TailRing()
            var store = ByteStore(capacity: 64)
            body.withUnsafeBytes { bytes in
                var at = heldCount
                while at < bytes.count {
                    let end = min(bytes.count, at + Int.random(in: 1...200_000, using: &random))
                    ring.append(ByteRun(bytes).slice(at, end))
                    at = end
                }
                ring.copy(to: &store)
                #expect(store.run.array == Array(body.suffix(TailRing.bytes)))
                let cut = BodyCut(head: ByteRun(bytes).slice(0, heldCount), tail: store.run, keeping: heldCount + store.count)
                let stored = cut.head.array + cut.tail.array
                #expect(cut.head.count > heldCount - 8 && Self.joint(stored) == cut.head.count, "\(heldCount)")
                #expect(cut.tail.count >= min(Self.tail, heldCount - 8))
            }
        }
    }

    /// Offsets of arrivals count bytes as stored: of the head as they were, of the tail moved.
    @Test func arrivalsMoveWithTheTail() throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(request: "POST / HTTP/1.1\r\n\r\n")
        for number in 0..<100 {
            lone.clock.advance(us: 10)
            tap.response(Array("event \(number % 10) \n".utf8))
        }
        tap.commit(.completed)
        _ = try #require(try lone.take())
        lone.view.treatment.answerOver = 500
        lone.view.treatment.answerBytes = 200
        let record = try ExchangeRecord(line: lone.encoder.line(of: lone.view).array)
        let content = try #require(record.responseBody.content)
        let joint = try #require(record.responseBody.joint)
        #expect(content.count == 200 && joint == 100 && record.responseBody.wireByteCount == 900)
        #expect(record.responseChunks.first == ChunkArrival(offset: 0, timeUs: 10))
        #expect(record.responseChunks.contains(ChunkArrival(offset: 100, timeUs: 890)))
        #expect(record.responseChunks.last == ChunkArrival(offset: 191, timeUs: 1_000))
        #expect(record.responseChunks.map(\.offset) == record.responseChunks.map(\.offset).sorted())
    }
}
