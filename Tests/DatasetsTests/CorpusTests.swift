// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Recorded provider traffic, read in place where it is there.
enum Corpus {
    /// In the folder beside the checkout, or beside the folder that holds it.
    static let file: URL = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let places = [root.deletingLastPathComponent(), root.deletingLastPathComponent().deletingLastPathComponent()]
            .map { $0.appendingPathComponent("shared/corpus/exchanges.jsonl") }
        return places.first { FileManager.default.fileExists(atPath: $0.path) } ?? places[0]
    }()
    static let isThere = FileManager.default.fileExists(atPath: file.path)
    static let kinds: Set<String> = ["openai-chat", "openai-responses", "openai-embeddings", "anthropic-messages"]

    static func inputs() throws -> [DatasetInput] {
        var inputs: [DatasetInput] = []
        for line in try Data(contentsOf: file).split(separator: 0x0A) {
            guard let exchange = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
                let kind = exchange["api_kind"] as? String, kinds.contains(kind)
            else { continue }
            var record = TestRecords.record(
                UInt64(inputs.count), api: APIFamily(rawValue: kind), request: exchange["request_body"] as? String ?? "",
                answer: exchange["response_body"] as? String, stream: exchange["is_stream"] as? Bool ?? false)
            record.head.status = exchange["status"] as? Int
            inputs.append(TestRecords.input(record))
        }
        return inputs
    }
}

@Suite(.enabled(if: Corpus.isThere, "the recorded traffic is not beside this checkout")) struct CorpusTests {
    @Test func everyExchangeBecomesARowOrANamedDrop() throws {
        let scratch = try Scratch()
        let inputs = try Corpus.inputs()
        let report = try scratch.build(DatasetRecipe(name: "corpus"), inputs)
        #expect(report.seen == Int64(inputs.count))
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
        var generator = SplitMix64(seed: 5)
        let again = try scratch.build(DatasetRecipe(name: "corpus"), inputs.shuffled(using: &generator), to: "again")
        #expect(again == report)
        let trainRows = try check(file: "train.jsonl", scratch)
        let evalRows = try check(file: "eval.jsonl", scratch)
        #expect(Int64(trainRows) == report.trainRows)
        #expect(Int64(evalRows) == report.evalRows)
        // Most of the successful exchanges must survive: a reader that drops everything would pass all else.
        #expect(report.kept > 450)
    }

    /// A checker of its own: no code of the room, Foundation's JSON.
    private func check(file: String, _ scratch: Scratch) throws -> Int {
        let lines = try scratch.lines(file)
        for line in lines {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(Set(row.keys) == ["messages", "tools"])
            let messages = try #require(row["messages"] as? [[String: Any]])
            #expect(messages.last?["role"] as? String == "assistant")
            var pending: Set<String> = []
            for message in messages {
                let role = try #require(message["role"] as? String)
                #expect(message["content"] is String)
                if role == "tool" {
                    #expect(Set(message.keys) == ["role", "content", "tool_call_id"])
                    #expect(pending.remove(try #require(message["tool_call_id"] as? String)) != nil)
                    continue
                }
                #expect(pending.isEmpty)
                #expect(["system", "user", "assistant"].contains(role))
                guard let calls = message["tool_calls"] else { continue }
                #expect(role == "assistant")
                for call in try #require(calls as? [[String: Any]]) {
                    #expect(call["type"] as? String == "function")
                    let function = try #require(call["function"] as? [String: Any])
                    #expect(function["name"] is String)
                    let arguments = try #require(function["arguments"] as? String)
                    #expect(try JSONSerialization.jsonObject(with: Data(arguments.utf8)) is [String: Any])
                    pending.insert(try #require(call["id"] as? String))
                }
                #expect(!pending.isEmpty)
            }
            for tool in try #require(row["tools"] as? [[String: Any]]) {
                #expect(Set(tool.keys) == ["type", "function"])
                let function = try #require(tool["function"] as? [String: Any])
                #expect(Set(function.keys) == ["name", "description", "parameters"])
            }
        }
        return lines.count
    }
}
