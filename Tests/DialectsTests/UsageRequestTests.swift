// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import Dialects

/// What is put into a request so that it asks for its usage.
@Suite struct UsageRequestTests {
    private static let question = #"{"include_usage":true}"#

    private static func spliced(_ text: String) -> String? {
        guard case .silent(let splice) = UsageRequest.read(Array(text.utf8)) else { return nil }
        return String(decoding: splice.applied(to: Array(text.utf8)), as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"stream":true}"#, #"{"stream":true,"stream_options":{"include_usage":true}}"#),
        (
            "{ \"model\" : \"m\",\r\n\t\"stream\" : true , \"n\":1.0e0 }\n",
            "{ \"model\" : \"m\",\r\n\t\"stream\" : true,\"stream_options\":{\"include_usage\":true} , \"n\":1.0e0 }\n"
        ),
        (#"{"stream":true,"stream_options":{}}"#, #"{"stream":true,"stream_options":{"include_usage":true}}"#),
        (#"{"stream_options":{ },"stream":true}"#, #"{"stream_options":{"include_usage":true },"stream":true}"#),
        (
            #"{"stream":true,"stream_options":{"include_obfuscation":false}}"#,
            #"{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#
        ),
        (#"{"stream":true,"stream_options": null}"#, #"{"stream":true,"stream_options": {"include_usage":true}}"#),
        (
            #"{"stream_options":{"x":{"include_usage":false}},"stream":true}"#,
            #"{"stream_options":{"include_usage":true,"x":{"include_usage":false}},"stream":true}"#
        ),
        (
            #"{"messages":[{"content":"\"stream\":false","stream_options":{"include_usage":false}}],"stream":true,"é":"\u00e9"}"#,
            #"{"messages":[{"content":"\"stream\":false","stream_options":{"include_usage":false}}],"stream":true,"stream_options":{"include_usage":true},"é":"\u00e9"}"#
        ),
    ])
    func putsTheQuestionInAndMovesNothing(body: String, expected: String) {
        #expect(UsageRequestTests.spliced(body) == expected)
    }

    @Test(arguments: [
        (#"{"stream":true,"stream_options":{"include_usage":true}}"#, UsageRequest.asks),
        (#"{"stream":true,"stream_options":{"include_usage":false}}"#, .declines),
        (#"{"stream":true,"stream_options":{"include_usage":null}}"#, .declines),
        (#"{"stream":true,"stream_options":{"include_usage":"true"}}"#, .declines),
        (#"{"stream":false}"#, .noStream),
        (#"{"stream":null,"stream_options":null}"#, .noStream),
        (#"{"stream":"true"}"#, .noStream),
        (#"{"stream":1}"#, .noStream),
        (#"{"Stream":true}"#, .noStream),
        (#"{"messages":[{"content":"hi","stream":true}]}"#, .noStream),
        (#"{"messages":[{"content":"{\"stream\":true}"}]}"#, .noStream),
        (#"[{"stream":true}]"#, .noStream),
        ("{}", .noStream),
        ("", .noJSON),
        (#"{"stream":true"#, .noJSON),
        (#"{"stream":true,}"#, .noJSON),
        (#"{"stream":true}{"stream":true}"#, .noJSON),
        ("\u{FEFF}{\"stream\":true}", .noJSON),
        ("model=m&stream=true", .noJSON),
        (#"{"stream":true,"stream":true}"#, .ambiguous),
        (#"{"stream":true,"stream":false}"#, .ambiguous),
        (#"{"str\u0065am":true}"#, .ambiguous),
        (#"{"stream":true,"stream_options":null,"stream_options":{}}"#, .ambiguous),
        (#"{"stream":true,"stream\u005foptions":{}}"#, .ambiguous),
        (#"{"stream":true,"stream_options":[]}"#, .ambiguous),
        (#"{"stream":true,"stream_options":true}"#, .ambiguous),
        (#"{"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}"#, .ambiguous),
        (#"{"stream":true,"stream_options":{"include\u005fusage":true}}"#, .ambiguous),
    ])
    func leavesEverythingElseAlone(body: String, expected: UsageRequest) {
        #expect(UsageRequest.read(Array(body.utf8)) == expected)
    }

    @Test func refusesWhatIsNestedTooDeep() {
        let deep = #"{"stream":true,"x":"# + String(repeating: "[", count: 300) + String(repeating: "]", count: 300) + "}"
        #expect(UsageRequest.read(Array(deep.utf8)) == .noJSON)
    }

    // MARK: Any body

    /// Writes a JSON value of whatever kind, with white space anywhere and keys that look like the ones that matter.
    private static func value(_ random: inout SplitMix64, depth: Int) -> String {
        let space = ["", "", " ", "\n", "\t "].randomElement(using: &random) ?? ""
        switch UInt8.random(in: 0..<(depth > 3 ? 5 : 7), using: &random) {
        case 0: return space + "true"
        case 1: return "null" + space
        case 2: return ["0", "-1.50", "2e+10", "12345678901234567890"].randomElement(using: &random) ?? "0"
        case 3: return #""\"stream\":true,\u0041é\\""#
        case 4: return #""""#
        case 5:
            let elements = (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth + 1) }
            return "[" + elements.joined(separator: ",") + space + "]"
        default: return object(&random, depth: depth + 1, ["stream", "stream_options", "include_usage"])
        }
    }

    private static func object(_ random: inout SplitMix64, depth: Int, _ keys: [String], _ fixed: [String] = []) -> String {
        var members = fixed
        for key in keys.shuffled(using: &random).prefix(Int.random(in: 0...keys.count, using: &random)) {
            members.append("\"\(key)\" :" + value(&random, depth: depth))
        }
        return "{" + members.shuffled(using: &random).joined(separator: ", ") + "}"
    }

    private static func body(_ random: inout SplitMix64) -> String {
        var fixed = [#""stream": true"#]
        switch UInt8.random(in: 0..<4, using: &random) {
        case 0: fixed.append(#""stream_options" :null"#)
        case 1: fixed.append(#""stream_options":"# + object(&random, depth: 2, ["a", "b"]))
        default: break
        }
        return object(&random, depth: 0, ["model", "messages", "n", "user"], fixed)
    }

    private static func parsed(_ bytes: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    /// What the caller's body would be with the question in it, made by another reader.
    private static func asking(_ body: [String: Any]) -> NSDictionary {
        var body = body
        var options = body["stream_options"] as? [String: Any] ?? [:]
        options["include_usage"] = true
        body["stream_options"] = options
        return body as NSDictionary
    }

    @Test(arguments: 0..<400) func anotherReaderFindsTheQuestionAndNothingElse(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let body = Array(UsageRequestTests.body(&random).utf8)
        guard case .silent(let splice) = UsageRequest.read(body) else {
            Issue.record("not spliced: \(String(decoding: body, as: UTF8.self))")
            return
        }
        let asking = splice.applied(to: body)
        // Without what was put in, byte for byte what came; the only bytes that may go are those of a null.
        var undone = asking
        undone.replaceSubrange(
            splice.range.lowerBound..<splice.range.lowerBound + splice.bytes.count,
            with: (splice.range.isEmpty ? "" : "null").utf8)
        #expect(undone == body)
        #expect(try UsageRequestTests.parsed(asking) as NSDictionary == UsageRequestTests.asking(UsageRequestTests.parsed(body)))
        #expect(UsageRequest.read(asking) == .asks)
    }

    @Test(arguments: 0..<40) func noMutationTrapsOrBreaksABody(seed: UInt64) throws {
        var random = SplitMix64(seed: 7_000 + seed)
        for _ in 0..<100 {
            var body = Array(UsageRequestTests.body(&random).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !body.isEmpty {
                let place = body.indices.randomElement(using: &random) ?? 0
                switch UInt8.random(in: 0..<3, using: &random) {
                case 0: body[place] = UInt8.random(in: 0...255, using: &random)
                case 1: body.remove(at: place)
                default: body.insert(contentsOf: body[place...].prefix(9), at: place)
                }
            }
            guard case .silent(let splice) = UsageRequest.read(body) else { continue }
            let asking = splice.applied(to: body)
            #expect(asking.count == body.count - splice.range.count + splice.bytes.count)
            #expect(UsageRequest.read(asking) == .asks, "\(String(decoding: body, as: UTF8.self))")
        }
    }
}
