// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HTTPWire

@Suite struct SplittingTests {
    private func expectSame(
        _ kind: MessageKind, _ bytes: [UInt8], _ pieces: [ArraySlice<UInt8>], _ whole: Reading, _ what: String
    ) {
        var split = readMessage(kind, pieces)
        split.heldBytes = whole.heldBytes
        #expect(split == whole, "\(what): \(printable(bytes))")
    }

    /// Every message cut at every place, byte by byte, and followed by the next one.
    private func check(_ kind: MessageKind, _ text: String) {
        let message = Array(text.utf8)
        let isOpenEnded = readMessage(kind, message).head.map { $0.framing == .untilClose && !$0.isUpgrade } ?? false
        let bytes = isOpenEnded ? message : message + Array("GET /next".utf8)
        let whole = readMessage(kind, bytes)
        guard let head = whole.head else {
            Issue.record("refused: \(printable(message))")
            return
        }
        let skipped = kind == .request && message.starts(with: [0x0D, 0x0A]) ? 2 : 0
        let forwarded = head.bytes + whole.raw + (whole.ending ?? [])
        #expect(whole.isComplete == !isOpenEnded)
        #expect(forwarded == Array(message[skipped..<whole.consumed]), "all that is forwarded is all that came")
        #expect((whole.ending != nil) == (head.framing == .chunked))
        if head.framing != .chunked { #expect(whole.raw == whole.payload) }
        for index in bytes.indices { expectSame(kind, bytes, [bytes[..<index], bytes[index...]], whole, "cut at \(index)") }
        expectSame(kind, bytes, bytes.indices.map { bytes[$0...$0] }, whole, "byte by byte")
    }

    @Test(arguments: Seeds.requests.indices) func readsRequestTheSameHoweverItArrives(_ index: Int) {
        check(.request, Seeds.requests[index])
    }

    @Test(arguments: Seeds.responses.indices) func readsResponseTheSameHoweverItArrives(_ index: Int) {
        check(.response(toHead: false), Seeds.responses[index])
        check(.response(toHead: true), Seeds.responses[index])
    }

    @Test func readsPipelinedRequestsOneAfterAnother() {
        let bytes = Array(Seeds.requests.joined().utf8)
        var rest = bytes[...]
        for text in Seeds.requests {
            let reading = readMessage(.request, [rest])
            #expect(reading.isComplete)
            #expect(reading.consumed == text.utf8.count, "\(printable(Array(text.utf8)))")
            rest = rest.dropFirst(reading.consumed)
        }
        #expect(rest.isEmpty)
    }

    @Test(arguments: HeadTests.smuggling + HeadTests.requests) func refusesTheSameHoweverItArrives(_ refusal: Refusal) {
        let bytes = Array(refusal.text.utf8)
        for index in bytes.indices {
            #expect(readMessage(.request, [bytes[..<index], bytes[index...]]).error?.code == refusal.code)
        }
        #expect(readMessage(.request, bytes.indices.map { bytes[$0...$0] }).error?.code == refusal.code)
    }
}
