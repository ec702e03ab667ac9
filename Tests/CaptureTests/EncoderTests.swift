// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Platform
import Redaction
import Testing

@testable import Capture

/// An arena and a lane without a capture thread: the test plays it.
struct LoneLane {
    let clock = ManualClock(wallUs: 1_764_000_000_000_000)
    let arena: CaptureArena
    let lane: CaptureLane
    let view = ExchangeView()
    let encoder: LineEncoder
    let counters: CaptureCounters

    init(_ limits: CaptureLimits = CaptureLimits(), arenaBytes: Int = 8 << 20) throws {
        let identity = ArenaIdentity(node: "n1", epoch: 7, loop: 0, createdAtUs: 0)
        arena = CaptureArena(mapping: try MappedFile.anonymous(bytes: arenaBytes), path: "", identity: identity)
        counters = CaptureCounters(clock: clock)
        counters.add(arena)
        lane = CaptureLane(clock: clock, limits: limits, counters: counters, arena: arena, signal: CaptureSignal())
        let hasher = KeyHasher(secret: [UInt8](repeating: 7, count: 32))
        encoder = LineEncoder(making: RecordMaking(node: "n\"1", hasher: hasher, limits: limits))
    }

    /// Reads the next committed exchange; nil where there is none.
    func take() throws -> UInt32? {
        guard let slot = arena.committed.pop() else { return nil }
        try #require(view.read(arena.memory, slot: slot, spill: arena.spill(slot)))
        return slot
    }

    func giveBack(_ slot: UInt32) {
        if let spill = arena.takeSpill(slot) { counters.releaseSpill(spill.heldBytes) }
        arena.giveBack(slot)
    }
}

@Suite struct EncoderTests {
    /// The encoder over values, through `ExchangeRecord`, is the oracle.
    @Test(arguments: [1, 2, 3] as [UInt64]) func writesTheSameBytesAsTheReference(seed: UInt64) throws {
        var limits = CaptureLimits()
        limits.bodyBytes = 20_000
        limits.arenaShareBytes = 16_000
        limits.decodedBytes = 400
        let lone = try LoneLane(limits)
        var exchanges = RandomExchange(seed: seed)
        var fast = 0
        for number in 0..<800 {
            exchanges.drive(lone.lane) { lone.clock.advance(us: $0) }
            let slot = try #require(try lone.take())
            lone.view.treatment = exchanges.treatment()
            let before = lone.encoder.carefulCount
            let line = lone.encoder.line(of: lone.view).array
            if lone.encoder.carefulCount == before {
                fast += 1
                let (record, effect) = lone.encoder.making.treatedRecord(of: lone.view)
                let reference = record.encodedLine()
                let shows = line == reference && effect == lone.encoder.effect
                #expect(
                    shows,
                    "seed \(seed) number \(number):\n\(String(decoding: line, as: UTF8.self))\n\(String(decoding: reference, as: UTF8.self))"
                )
                if !shows { return }
            }
            _ = try ExchangeRecord(line: line)
            lone.giveBack(slot)
        }
        #expect(fast > 250, "only \(fast) of 800 went the fast way")
    }

    @Test func joinsArrivalsAsTheReferenceDoes() throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(request: "POST / HTTP/1.1\r\n\r\n")
        for _ in 0..<9_000 {
            lone.clock.advance(us: 1)
            tap.response([0x61])
        }
        tap.commit(.completed)
        _ = try #require(try lone.take())
        #expect(lone.encoder.line(of: lone.view).array == lone.encoder.making.record(of: lone.view).encodedLine())
        #expect(lone.encoder.carefulCount == 0)
    }

    @Test func dropsBodiesFromALineThatIsTooLong() throws {
        var limits = CaptureLimits()
        limits.lineBytes = 5_000
        let lone = try LoneLane(limits)
        let tap = lone.lane.begin()
        tap.request([UInt8](repeating: 0x61, count: 10_000))
        tap.commit(.completed)
        _ = try #require(try lone.take())
        let record = try ExchangeRecord(line: lone.encoder.line(of: lone.view).array)
        #expect(record.requestBody.kept == .none && record.requestBody.wireByteCount == 10_000)
        #expect(record.requestBody.sha256?.count == 64 && lone.encoder.effect.isOverLine)
    }

    @Test func masksACredentialThatTheBodyEchoes() throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(request: "POST / HTTP/1.1\r\nAuthorization: Bearer planted-0123456789abcdef\r\n\r\n")
        // Over the border of two pieces.
        tap.response(Array("you sent planted-01234".utf8))
        tap.response(Array("56789abcdef, thanks".utf8))
        tap.commit(.completed)
        _ = try #require(try lone.take())
        let record = try ExchangeRecord(line: lone.encoder.line(of: lone.view).array)
        #expect(record.responseBody.content == Array(("you sent " + String(repeating: "*", count: 24) + ", thanks").utf8))
    }

    /// A credential by the name of its metadata header, however short it is.
    @Test(arguments: ["planted-0123456789", "Bearer planted-0123456789", "zq1"])
    func marksACredentialAmongTheMetadata(value: String) throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(
            request: "POST /v1/x HTTP/1.1\r\nX-Inference-Metadata-Session-Token: \(value)\r\n"
                + "x-inference-metadata-api-key: \(value)\r\nx-inference-metadata-token:\r\nx-inference-metadata-user: ann\r\n\r\n"
        )
        tap.response(Array("{}".utf8))
        tap.commit(.completed)
        _ = try #require(try lone.take())
        let line = lone.encoder.line(of: lone.view).array
        let text = String(decoding: line, as: UTF8.self)
        #expect(!text.contains("planted-0123456789") && !text.contains("zq1"), "\(text)")
        let metadata = try ExchangeRecord(line: line).head.attribution.metadata
        #expect(metadata.map(\.name) == ["api-key", "session-token", "token", "user"])
        #expect(metadata.map(\.value) == ["[redacted]", "[redacted]", "", "ann"])
    }

    /// The head ends within the key, and what is held of the end begins within it.
    @Test func masksWhatACutLeavesOfACredential() throws {
        let key = Array("sk-planted-0123456789abcdef".utf8)
        var limits = CaptureLimits()
        limits.bodyBytes = 100
        let lone = try LoneLane(limits)
        let tap = lone.lane.begin()
        tap.heads(request: "POST / HTTP/1.1\r\nAuthorization: Bearer sk-planted-0123456789abcdef\r\n\r\n")
        let body = { (count: Int) in [UInt8](repeating: 0x78, count: count) }
        tap.response(body(100 - 12) + key + body(1_000) + key + body(TailRing.bytes - 14))
        tap.commit(.completed)
        _ = try #require(try lone.take())
        let record = try ExchangeRecord(line: lone.encoder.line(of: lone.view).array)
        let content = try #require(record.responseBody.content)
        #expect(record.responseBody.kept == .headTail && record.responseBody.sha256 != nil)
        for part in [key.prefix(8), key.suffix(8)] { #expect(content.ranges(of: part).isEmpty) }
        #expect(content.contains(UInt8(ascii: "*")))
    }

    /// Of a process that died: what was seen has no end, so that no digest can be that of the whole.
    @Test(arguments: [false, true]) func tellsNoDigestOfABodyWithoutItsEnd(isRequestWhole: Bool) throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(request: "POST / HTTP/1.1\r\nHost: h\r\n\r\n")
        tap.request([UInt8](repeating: 0x71, count: 500))
        if isRequestWhole { tap.exchange.requestReceivedUs = tap.nowUs() }
        tap.checkpoint()
        tap.response([UInt8](repeating: 0x61, count: 700))
        for treatment in [BodyTreatment(keepsBodies: false), BodyTreatment(bodyBytes: 40)] {
            var lines: [[UInt8]] = []
            for allowsFast in [true, false] {
                try #require(lone.view.read(lone.arena.memory, slot: 0, spill: nil))
                lone.view.markCrashed()
                lone.view.treatment = treatment
                lines.append(lone.encoder.line(of: lone.view, allowsFast: allowsFast).array)
            }
            #expect(lines[0] == lines[1])
            let record = try ExchangeRecord(line: lines[0])
            #expect(record.head.outcome == .gatewayCrashed && record.responseBody.sha256 == nil)
            #expect((record.requestBody.sha256 != nil) == isRequestWhole)
            #expect(record.responseBody.content == (treatment.keepsBodies ? [UInt8](repeating: 0x61, count: 40) : nil))
            #expect(record.responseBody.wireByteCount == 700 && record.responseBody.joint == nil)
        }
        tap.commit(.completed)
    }

    @Test func masksAKeyOfferedAsASubprotocol() throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(
            request: "GET /v1/realtime?model=m HTTP/1.1\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-planted-0123456789, openai-beta.realtime-v1\r\n\r\n",
            response: "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: realtime\r\n\r\n")
        tap.response(Array("{\"key\":\"sk-planted-0123456789\"}".utf8))
        tap.commit(.completed)
        _ = try #require(try lone.take())
        let line = lone.encoder.line(of: lone.view).array
        #expect(!String(decoding: line, as: UTF8.self).contains("planted"))
        let record = try ExchangeRecord(line: line)
        #expect(
            record.requestHeaders.contains {
                $0.value == "realtime, openai-insecure-api-key.[redacted], openai-beta.realtime-v1"
            })
        #expect(record.head.keyID?.utf8.count == 12)
    }
}
