// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import TestSupport
import Testing

@testable import Dialects

/// Usage chunks taken out of a stream as it passes.
@Suite struct UsageChunkFilterTests {
    private static let usage =
        #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":null,"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0}},"obfuscation":"aB\"}]"}"#
    private static let first =
        #"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#
    private static let last = #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#
    private static let filters =
        #"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}],"usage":null}"#

    /// What passes of runs, and how many chunks were taken out.
    private static func pass(_ runs: [[UInt8]], isWhole: Bool = true) -> (bytes: [UInt8], stripped: Int) {
        var filter = UsageChunkFilter()
        var out: [UInt8] = []
        for run in runs { take(run, &filter, &out) }
        out += filter.finish(isWhole: isWhole)
        return (out, filter.strippedCount)
    }

    private static func take(_ run: [UInt8], _ filter: inout UsageChunkFilter, _ out: inout [UInt8]) {
        run.withUnsafeBytes { raw in
            filter.take(ByteRun(raw)) { passing in
                switch passing {
                case .held(let held): out += held
                case .run(let range): out += run[range]
                }
            }
        }
    }

    private static func pass(_ text: String, isWhole: Bool = true) -> (text: String, stripped: Int) {
        let passed = pass([Array(text.utf8)], isWhole: isWhole)
        return (String(decoding: passed.bytes, as: UTF8.self), passed.stripped)
    }

    private static func stream(_ data: [String], end: String) -> String { data.map { "data: \($0)\(end)\(end)" }.joined() }

    private static func event(_ usage: String, _ end: String = "\n") -> String { "data: \(usage)\(end)\(end)" }

    // MARK: What goes and what stays

    @Test(arguments: ["\n", "\r\n", "\r"]) func takesOutTheUsageChunkAlone(end: String) {
        let kept = [Self.filters, Self.first, Self.last, "[DONE]"]
        let whole = Self.stream([Self.filters, Self.first, Self.last, Self.usage, "[DONE]"], end: end)
        let passed = Self.pass(whole)
        #expect(passed.text == Self.stream(kept, end: end) && passed.stripped == 1)
        // Nothing changes where there is none.
        #expect(Self.pass(Self.stream(kept, end: end)) == (Self.stream(kept, end: end), 0))
    }

    @Test(arguments: [
        #"{"choices":[],"usage":{}}"#,
        #"{"usage":{"a":[1,{"b":"}"}]},"choices":[ ]}"#,
        #"{ "id" : "x\"y\\" , "created" : 1.5e3 , "choices" : [ ] , "usage" : { "n" : 1 } }"#,
        #"{"choices":[],"created":17,"latency_checkpoint":{"engine_ttft_ms":36},"model":"m","usage":{"total_tokens":8}}"#,
    ])
    func knowsAUsageChunkInAnyOrder(chunk: String) {
        for text in ["data: \(chunk)\n\n", "data:\(chunk)\n\n", "data:  \(chunk) \r\n\r\n"] {
            #expect(Self.pass("data: 1\n\n" + text + "data: [DONE]\n\n") == ("data: 1\n\ndata: [DONE]\n\n", 1))
        }
    }

    @Test(arguments: [
        // Something that the caller would have got all the same, or that Weir does not know.
        #"{"choices":[],"usage":{"total_tokens":8},"timings":{"predicted_ms":3}}"#,
        #"{"choices":[],"usage":{"total_tokens":8},"prompt_filter_results":[]}"#,
        #"{"choices":[],"usage":{"total_tokens":8},"error":{"message":"x"}}"#,
        #"{"choices":[],"usage":{"total_tokens":8},"cost":1}"#,
        #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":8}}"#,
        #"{"choices":[],"usage":null}"#,
        #"{"choices":[],"usage":[]}"#,
        #"{"choices":null,"usage":{}}"#,
        #"{"choices":{},"usage":{}}"#,
        #"{"choices":[]}"#,
        #"{"usage":{}}"#,
        #"{"choices":[],"choices":[],"usage":{}}"#,
        #"{"choices":[],"usage":{},"usage":{}}"#,
        #"{"ch\u006fices":[],"usage":{}}"#,
        #"{"choices":[],"usage":{}} x"#,
        #"{"choices":[],"usage":{}"#,
        #"[{"choices":[],"usage":{}}]"#,
        "[DONE]", "", "x",
    ])
    func leavesEveryOtherEvent(data: String) {
        let text = Self.stream([Self.first, data, "[DONE]"], end: "\n")
        #expect(Self.pass(text) == (text, 0))
    }

    @Test func leavesEventsWithOtherLines() {
        for lines in [
            "event: usage\ndata: \(Self.usage)", "data: \(Self.usage)\nid: 7", ": note\ndata: \(Self.usage)",
            "data: \(Self.usage)\ndata: more", "data: {\"choices\":[],\ndata: \"usage\":{}}", "DATA: \(Self.usage)",
            "\u{FEFF}data: \(Self.usage)",
        ] {
            let text = lines + "\n\ndata: [DONE]\n\n"
            #expect(Self.pass(text) == (text, 0), "\(lines)")
        }
        // Comments between events are no part of one.
        let text = ": OPENROUTER PROCESSING\n\n\n\n" + Self.event(Self.usage) + ": ping\n\n"
        #expect(Self.pass(text) == (": OPENROUTER PROCESSING\n\n\n\n: ping\n\n", 1))
    }

    @Test func lastEventMayLackItsBlankLine() {
        for end in ["", "\n", "\r", "\r\n"] {
            let text = Self.event(Self.first) + "data: \(Self.usage)\(end)"
            #expect(Self.pass(text) == (Self.event(Self.first), 1))
            // Of a stream that broke off nothing is lost.
            #expect(Self.pass(text, isWhole: false) == (text, 0))
        }
    }

    @Test func aStreamThatBreaksOffKeepsEveryByte() {
        let text = Self.event(Self.first) + Self.event(Self.usage)
        for count in 0..<text.utf8.count {
            let cut = Array(text.utf8.prefix(count))
            let passed = Self.pass([cut], isWhole: false)
            #expect(passed.bytes == cut && passed.stripped == 0)
        }
    }

    @Test(arguments: [1, 1_000, 100_000]) func longEventsPass(size: Int) {
        let around = #"{"id":"","choices":[],"usage":{}}"#
        let room = UsageChunkFilter.eventBytes - Self.event(around).utf8.count
        for (extra, passes) in [(0, false), (1, true)] {
            let long = around.replacing(#""""#, with: #"""# + String(repeating: "i", count: room + extra) + #"""#)
            let bytes = Array((Self.event(long) + Self.event(Self.usage) + Self.event("[DONE]")).utf8)
            let runs = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
            let passed = Self.pass(runs)
            #expect(passed.bytes == Array(((passes ? Self.event(long) : "") + Self.event("[DONE]")).utf8))
            #expect(passed.stripped == (passes ? 1 : 2))
        }
    }

    // MARK: However it is split

    @Test(arguments: ["\n", "\r\n", "\r"]) func everySplitGivesTheSame(end: String) {
        let text =
            ": hello\(end)\(end)"
            + Self.stream([Self.filters, Self.first, Self.usage, Self.last, Self.usage, "[DONE]"], end: end)
        let expected = ": hello\(end)\(end)" + Self.stream([Self.filters, Self.first, Self.last, "[DONE]"], end: end)
        let bytes = Array(text.utf8)
        for split in 0...bytes.count {
            let passed = Self.pass([Array(bytes[..<split]), Array(bytes[split...])])
            #expect(passed.bytes == Array(expected.utf8) && passed.stripped == 2, "split at \(split)")
        }
        let passed = Self.pass(bytes.map { [$0] })
        #expect(passed.bytes == Array(expected.utf8) && passed.stripped == 2)
    }

    @Test(arguments: ["\n", "\r\n"]) func noEventWaitsForTheNext(end: String) {
        var filter = UsageChunkFilter()
        var out: [UInt8] = []
        var expected: [UInt8] = []
        for data in [Self.filters, Self.first, "[DONE]", Self.usage, Self.last, "[DONE]"] {
            let event = Array("data: \(data)\(end)\(end)".utf8)
            for byte in event { Self.take([byte], &filter, &out) }
            if data != Self.usage { expected += event }
            #expect(out == expected, "\(data)")
        }
    }

    @Test func aChoicePassesAtOnce() {
        var filter = UsageChunkFilter()
        var out: [UInt8] = []
        let start = Array(#"data: {"id":"c","choices":[{"#.utf8)
        for byte in start.dropLast() { Self.take([byte], &filter, &out) }
        #expect(out.isEmpty)
        Self.take([UInt8(ascii: "{")], &filter, &out)
        #expect(out == start)
    }

    /// Events by a reader of another kind: blocks between blank lines, of streams whose lines end in line feeds.
    private static func strippedSlowly(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var block: [UInt8] = []
        for byte in bytes {
            block.append(byte)
            guard block.suffix(2).elementsEqual([0x0A, 0x0A]) || block == [0x0A] else { continue }
            if !isUsage(block) { out += block }
            block = []
        }
        return out + block
    }

    private static func isUsage(_ block: [UInt8]) -> Bool {
        guard block.starts(with: "data:".utf8), !block.dropLast(2).contains(0x0A),
            let root = JSONDocument.read(block[5...])?.root, root.kind == .object
        else { return false }
        let keys = root.members.map { $0.key.string ?? "" }
        let known: Set<String> = [
            "id", "object", "created", "model", "service_tier", "system_fingerprint", "obfuscation", "choices", "usage",
        ]
        let isOnce = ["choices", "usage"].allSatisfy { name in keys.count(where: { $0 == name }) == 1 }
        guard Set(keys).isSubset(of: known), isOnce else { return false }
        guard root["choices"]?.kind == .array, root["usage"]?.kind == .object else { return false }
        return root["choices"]?[0] == nil
    }

    @Test(arguments: 0..<300) func mutatedStreamsPassAsASlowReaderSays(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let data = [Self.filters, Self.first, Self.usage, Self.usage, "[DONE]"].randomElement(using: &random) ?? ""
            bytes += Array(Self.event(data).utf8)
        }
        for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
            let place = bytes.indices.randomElement(using: &random) ?? 0
            switch UInt8.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = Array(#"{}[]":,\n "#.utf8 + [0x0A]).randomElement(using: &random) ?? 0x0A
            case 1: bytes.remove(at: place)
            default: bytes.insert(contentsOf: bytes[place...].prefix(5), at: place)
            }
        }
        let whole = Self.pass([bytes], isWhole: false)
        var runs: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...40, using: &random)
            runs.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        let split = Self.pass(runs, isWhole: false)
        #expect(whole.bytes == split.bytes && whole.stripped == split.stripped)
        // Whatever the slow reader takes out goes; more may go, for the filter does not validate the usage itself.
        #expect(whole.bytes.count <= Self.strippedSlowly(bytes).count)
    }
}
