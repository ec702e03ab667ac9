// SPDX-License-Identifier: Apache-2.0
import Dialects
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

    /// An exchange as capture would have recorded it, with the corpus' own name for its kind.
    struct Exchange {
        let kind: String
        let record: ExchangeRecord
    }

    static func exchanges() throws -> [Exchange] {
        var exchanges: [Exchange] = []
        for line in try Data(contentsOf: file).split(separator: 0x0A) {
            guard let exchange = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
                let kind = exchange["api_kind"] as? String
            else { continue }
            exchanges.append(Exchange(kind: kind, record: record(UInt64(exchanges.count), exchange)))
        }
        return exchanges
    }

    private static func record(_ number: UInt64, _ exchange: [String: Any]) -> ExchangeRecord {
        let path = exchange["path"] as? String ?? ""
        let method = exchange["method"] as? String ?? "POST"
        var record = TestRecords.record(
            number, api: APIRoute.family(method: method, path: path), request: "", answer: nil,
            stream: exchange["is_stream"] as? Bool ?? false)
        record.head.path = path
        record.head.method = method
        record.head.status = exchange["status"] as? Int
        record.requestBody = RecordedBody(content: body("request", exchange), wireByteCount: 0)
        record.responseBody = RecordedBody(content: body("response", exchange), wireByteCount: 0)
        return record
    }

    private static func body(_ side: String, _ exchange: [String: Any]) -> [UInt8]? {
        guard let text = exchange["\(side)_body"] as? String else { return nil }
        guard exchange["\(side)_body_encoding"] as? String == "base64" else { return Array(text.utf8) }
        return Data(base64Encoded: text).map(Array.init)
    }

    static func inputs() throws -> [DatasetInput] { try exchanges().map { TestRecords.input($0.record) } }
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
        #expect(report.kept > 600)
    }

    /// What becomes of the exchanges of each kind; the table is printed.
    @Test func everyKindConvertsOrIsNamed() throws {
        var counts: [String: [String: Int]] = [:]
        for exchange in try Corpus.exchanges() {
            counts[exchange.kind, default: [:]][outcome(exchange.record), default: 0] += 1
        }
        for (kind, reasons) in counts.sorted(by: { $0.key < $1.key }) {
            let rest = reasons.filter { $0.key != "row" }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let words = rest.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            print("\(kind): \(reasons.values.reduce(0, +)) seen, \(reasons["row"] ?? 0) converted; \(words)")
        }
        let known = Set(DropReason.allCases.map(\.rawValue))
        for (kind, reasons) in counts {
            for reason in reasons.keys where reason != "row" { #expect(known.contains(reason), "\(kind): \(reason)") }
        }
        for (kind, least) in Self.floors { #expect(counts[kind]?["row"] ?? 0 >= least, "\(kind)") }
    }

    /// Somewhat below what converts: whoever refuses more must say why.
    private static let floors = [
        ("anthropic-messages", 125), ("bedrock-converse", 8), ("bedrock-invoke", 4), ("cohere-chat", 11), ("gemini-generate", 95),
        ("ollama", 10), ("openai-chat", 380), ("openai-responses", 120), ("vertex-anthropic", 2),
    ]

    /// Whether both sides convert, images included: a row is only one of the forms that they may be written in.
    private func outcome(_ record: ExchangeRecord) -> String {
        do throws(DropReason) {
            if let reason = Selection.refusal(of: record.head) { throw reason }
            let request = try ConversationReader.request(record)
            guard request.continues == nil else { throw .historyMissing }
            let answer = try ConversationReader.answer(record, to: request)
            return answer.isRefusal ? DropReason.refusal.rawValue : "row"
        } catch {
            return error.rawValue
        }
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
