// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Dialects

/// Changes bytes in the ways that break readers.
struct Mutator {
    var random: SplitMix64
    /// No mutation grows a body beyond this, so that a round stays short.
    static let largest = 96 << 10
    private static let pieces: [[UInt8]] = [
        "9223372036854775807", "9223372036854775808", "-1", "1e999", "0.00000000000000000001", "null", "\"\"", "[]", "{}",
        "[[[[[[",
        "{\"a\":{\"a\":", "\\u0000", "\\ud800", "data: ", "\n\n", "\r", "event: error\n", "[DONE]", ",\n{", "\u{FEFF}",
        "\"usage\":",
        "\"error\":", "\"type\":", "\"model\":7,", "]}", "\"",
    ].map { Array($0.utf8) }

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// Some changes, one after the other.
    mutating func mutated(_ seed: [UInt8], with other: [UInt8]) -> [UInt8] {
        var bytes = seed.count > Mutator.largest ? Array(seed.prefix(Mutator.largest)) : seed
        for _ in 0..<Int.random(in: 1...5, using: &random) { change(&bytes, other) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
        guard !bytes.isEmpty else { return bytes = other }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch random.next() % 9 {
        case 0: bytes[place] ^= 1 << UInt8(random.next() % 8)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
        case 3: bytes.removeLast(bytes.count - place)
        case 4:
            let run = bytes[place..<min(bytes.count, place + Int.random(in: 1...400, using: &random))]
            for _ in 0..<Int.random(in: 1...3, using: &random) { insert(Array(run), into: &bytes, at: place) }
        case 5: insert(Mutator.pieces.randomElement(using: &random) ?? [], into: &bytes, at: place)
        case 6: replaceNumber(in: &bytes, near: place)
        case 7:
            let depth = Int.random(in: 1...400, using: &random)
            insert([UInt8](repeating: random.next() % 2 == 0 ? 0x5B : 0x7B, count: depth), into: &bytes, at: place)
        default:
            let start = other.isEmpty ? 0 : Int.random(in: 0..<other.count, using: &random)
            insert(Array(other[start...].prefix(2_000)), into: &bytes, at: place)
        }
    }

    private mutating func insert(_ run: [UInt8], into bytes: inout [UInt8], at place: Int) {
        guard bytes.count + run.count <= Mutator.largest else { return }
        bytes.insert(contentsOf: run, at: place)
    }

    private mutating func replaceNumber(in bytes: inout [UInt8], near place: Int) {
        guard let start = bytes[place...].firstIndex(where: { $0 >= 0x30 && $0 <= 0x39 }) else { return }
        let end = bytes[start...].firstIndex { $0 < 0x30 || $0 > 0x39 } ?? bytes.count
        bytes.replaceSubrange(start..<end, with: Mutator.pieces[Int(random.next() % 6)])
    }
}

/// What a piece of code takes from malloc at its peak, where the campaign has preloaded `allocwatch.c`; nothing is known elsewhere.
enum AllocationWatch {
    private static let begin = symbol("weir_allocwatch_begin").map { unsafeBitCast($0, to: (@convention(c) () -> Void).self) }
    private static let peak = symbol("weir_allocwatch_peak").map { unsafeBitCast($0, to: (@convention(c) () -> Int).self) }

    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(nil, name) }

    /// Runs the body; it must take no more than a small multiple of its input, and what every call takes.
    static func bounded<T>(by input: Int, _ body: () throws -> T) rethrows -> T {
        begin?()
        let result = try body()
        if let taken = peak?() {
            largest.withLock { $0 = max($0, Double(taken - fixedBytes) / Double(max(1, input))) }
            #expect(taken <= times * input + fixedBytes, "\(taken) bytes for \(input)")
        }
        return result
    }

    /// A value takes up to 24 bytes in a document's tape, and may be two bytes long: `1,`.
    private static let times = 16
    private static let fixedBytes = 64 << 10
    /// Most bytes taken beyond the fixed ones, as a multiple of the input.
    static let largest = Mutex<Double>(0)
}

/// Seeded mutations over every reader and every framing: never a trap, never a value that cannot be, always the same value.
@Suite struct FuzzCampaignTests {
    private struct Seed {
        let api: APIFamily?
        let path: String
        let request: [UInt8]
        let answer: [UInt8]
    }

    /// Rounds of each of the four runs; a campaign sets more.
    private static let rounds = ProcessInfo.processInfo.environment["WEIR_READER_ROUNDS"].flatMap(Int.init) ?? 400

    private static let families: [APIFamily?] = APIFamily.known.map { Optional($0) } + [nil]

    private static let handMade: [Seed] = {
        let texts: [(APIFamily?, String)] = [
            (
                .openaiChat,
                Exchange.events([
                    #"{"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}"#,
                    #"{"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":30,"cost":1.5e-3}}"#, "[DONE]",
                ])
            ),
            (
                .anthropicMessages,
                Exchange.events([
                    #"{"type":"message_start","message":{"model":"a","usage":{"input_tokens":1,"iterations":[{"input_tokens":2}]}}}"#,
                    #"{"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":9,"server_tool_use":{"w":1}}}"#,
                ])
            ),
            (
                .geminiGenerate,
                #"[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},{"usageMetadata":{"promptTokenCount":1,"#
                    + #""candidatesTokenCount":9,"thoughtsTokenCount":3,"totalTokenCount":13,"promptTokensDetails":[{"modality":2}]}}]"#
            ),
            (
                .cohereChat,
                #"{"event_type":"text-generation","text":"a"}"# + "\n"
                    + #"{"event_type":"stream-end","response":{"meta":{"billed_units":{"input_tokens":1}}}}"#
            ),
            (
                .ollama,
                #"{"model":"q","message":{"content":"a"}}"# + "\n" + #"{"done":true,"eval_count":3,"total_duration":12345}"#
            ),
            (.openaiResponses, #"{"status":"completed","output":[{"type":"function_call"}],"usage":{"output_tokens":9}}"#),
            (.rerank, #"{"usage":{"total_tokens":43,"cost":0.001,"search_units":1}}"#),
        ]
        let binary: [(APIFamily?, [UInt8])] = [
            (
                .bedrockConverse,
                Wire.event("contentBlockDelta", #"{"delta":{"text":"a"}}"#)
                    + Wire.event("metadata", #"{"usage":{"inputTokens":1}}"#)
            ),
            (.bedrockInvoke, Wire.chunk(#"{"type":"message_start","message":{"usage":{"input_tokens":1}}}"#) + Wire.chunk("{}")),
            (
                .openaiRealtime,
                Wire.socket(#"{"type":"response.done","response":{"usage":{"input_tokens":1}}}"#, mask: [1, 2, 3, 4])
                    + Wire.socket("{", isFinal: false) + Wire.socket("}", opcode: 0)
            ),
        ]
        let request = Array(#"{"model":"m","stream":true,"messages":[]}"#.utf8)
        return (texts.map { ($0, Array($1.utf8)) } + binary).map {
            Seed(api: $0, path: "/v1/models/m:streamGenerateContent", request: request, answer: $1)
        }
    }()

    /// Some of the recorded traffic, where it is there, beside what is made by hand.
    private static let seeds: [Seed] = {
        guard Corpus.isPresent, let lines = try? Corpus.lines("exchanges.jsonl") else { return handMade }
        let recorded = lines.filter { ($0["response_body"] as? String ?? "").utf8.count < 40_000 }.enumerated().filter {
            $0.offset % 7 == 0
        }
        return handMade
            + recorded.map { _, exchange in
                let record = Corpus.record(exchange)
                return Seed(
                    api: record.head.api, path: record.head.path, request: record.requestBody.content ?? [],
                    answer: record.responseBody.content ?? [])
            }
    }()

    @Test(arguments: 0..<4) func everyMutationGivesAReading(run: Int) {
        var mutator = Mutator(seed: 0xD1A1_EC75 &+ UInt64(run))
        for round in 0..<Self.rounds {
            let seed = Self.seeds[round % Self.seeds.count]
            let other = Self.seeds.randomElement(using: &mutator.random) ?? seed
            let answer = mutator.mutated(seed.answer, with: other.answer)
            let isForeign = round % 5 == 0
            let api = isForeign ? Self.families.randomElement(using: &mutator.random) ?? nil : seed.api
            var record = Exchange(api: api, path: seed.path, answer: "", status: round % 11 == 0 ? 429 : 200).record
            record.head.responseStream = round % 3 != 0
            record.requestBody.content = mutator.mutated(seed.request, with: other.request)
            record.responseBody.content = answer
            if round % 4 == 0 {
                record.responseBody.kept = .headTail
                record.requestBody.kept = .headTail
                record.responseBody.sha256 = round % 8 == 0 ? "0" : nil
                record.requestBody.sha256 = "0"
            }
            record.responseChunks = (0..<4).map { _ in
                ChunkArrival(
                    offset: Int64.random(in: -9...400, using: &mutator.random),
                    timeUs: Int64.random(in: Int64.min...Int64.max, using: &mutator.random))
            }
            let size = answer.count + (record.requestBody.content?.count ?? 0)
            check(AllocationWatch.bounded(by: size) { ExchangeReader.read(record) }, record)
        }
        sayLargest()
    }

    private func sayLargest() {
        let largest = AllocationWatch.largest.withLock { $0 }
        if largest > 0 {
            Swift.print("fuzz: at most \(String(format: "%.1f", largest)) times its input, and 64 KiB, was taken of malloc")
        }
    }

    private func check(_ reading: ExchangeReading, _ record: ExchangeRecord) {
        let count = Int64(record.responseBody.content?.count ?? 0)
        for field in TokenUsage.fields + TokenUsage.detailFields { #expect((reading.usage[keyPath: field.path] ?? 0) >= 0) }
        if let calls = reading.toolCalls { #expect(calls >= 0 && calls <= count) }
        for text in [
            reading.modelRequested, reading.modelResponded, reading.finishReason, reading.serviceTier, reading.providerErrorCode,
        ] {
            #expect((text?.utf8.count ?? 0) <= 3 * DialectLimits.nameBytes)
        }
        #expect(reading.serverTools.count <= DialectLimits.listEntries && reading.billed.count <= DialectLimits.listEntries)
        #expect(reading.contentSpanUs ?? 0 >= 0 && reading.gaps?.maximumUs ?? 0 >= reading.gaps?.p50Us ?? 0)
        if reading.usageSource == .absent { #expect(reading.usage == TokenUsage()) }
        if count < 2_000 { #expect(reading == ExchangeReader.read(record)) }
    }

    @Test(arguments: 0..<4) func everyFramingStaysInItsBody(run: Int) {
        var mutator = Mutator(seed: 0xF4A3_E500 &+ UInt64(run))
        for round in 0..<Self.rounds {
            let seed = Self.seeds[round % Self.seeds.count]
            let bytes = mutator.mutated(seed.answer, with: Self.seeds.randomElement(using: &mutator.random)?.answer ?? [])
            let start = round % 2 == 0 ? 0 : Int.random(in: 0...bytes.count, using: &mutator.random)
            AllocationWatch.bounded(by: bytes.count) { checkFramings(bytes, from: start) }
        }
        sayLargest()
    }

    private func checkFramings(_ bytes: [UInt8], from start: Int) {
        let range = start..<bytes.count
        var end = start
        var sum = 0
        for event in ServerSentEvents(bytes, in: range, startsCut: start > 0) {
            #expect(event.endOffset > end || bytes.isEmpty)
            end = event.endOffset
            sum += event.data.count
        }
        #expect(sum <= bytes.count && end <= bytes.count)
        for pieces in [
            Array(JSONArrayElements(bytes, in: range, startsCut: start > 0)),
            Array(JSONLines(bytes, in: range, startsCut: start > 0)),
        ] {
            var place = start
            for piece in pieces {
                #expect(piece.range.lowerBound >= place && !piece.range.isEmpty && piece.range.upperBound <= bytes.count)
                place = piece.range.upperBound
            }
        }
        var place = start
        for frame in EventStreamFrames(bytes, in: range) {
            #expect(frame.payload.lowerBound >= place + 12 && frame.payload.upperBound + 4 == frame.endOffset)
            place = frame.endOffset
        }
        sum = 0
        for message in WebSocketMessages(bytes, in: range) { sum += message.payload.count }
        #expect(sum <= bytes.count)
        if let document = JSONDocument.read(bytes) { #expect(JSONDocument.read(document.root.lexeme) != nil) }
        if let stitched = CutJSON.stitched(bytes, joint: start > 0 ? start : nil) {
            #expect(stitched.root.kind == .object && stitched.bytes.count <= bytes.count + 3)
        }
        _ = FormFields.value(of: "model", in: bytes)
    }
}
