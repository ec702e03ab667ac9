// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import ExchangeModel
import Foundation
import Platform
import TestSupport
import Testing

@testable import Datasets

/// Records without a gateway.
enum TestRecords {
    static func id(_ number: UInt64) -> ExchangeID {
        ExchangeID(milliseconds: 1_700_000_000_000 + number, random: (number, number &* 77))
    }

    static func record(_ number: UInt64, api: APIFamily?, request: String, answer: String?, stream: Bool = false)
        -> ExchangeRecord
    {
        var head = ExchangeHead(
            id: id(number), node: "n", startedAtUs: 1_700_000_000_000_000 + Int64(number) * 1_000, method: "POST", path: "/v1/x")
        head.api = api
        head.provider = "test"
        head.status = 200
        head.outcome = .completed
        head.responseStream = stream
        var record = ExchangeRecord(head: head)
        record.requestBody = RecordedBody(content: Array(request.utf8), wireByteCount: Int64(request.utf8.count))
        record.responseBody = RecordedBody(content: answer.map { Array($0.utf8) }, wireByteCount: Int64(answer?.utf8.count ?? 0))
        return record
    }

    static func input(_ record: ExchangeRecord, segment: String = "s1") -> DatasetInput {
        .record(record, PayloadLocation(segment: segment, frame: 0, offset: 0))
    }

    static func quoted(_ text: String) -> String {
        var out: [UInt8] = []
        JSONEscaping.appendQuoted(text.utf8, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// A chat of plain texts: system (where not empty), then user and assistant in turn, ending with the user; then the answer.
    static func chat(_ number: UInt64, system: String = "", _ turns: [String], answer: String, model: String = "m")
        -> ExchangeRecord
    {
        var messages: [String] = []
        if !system.isEmpty { messages.append(#"{"role":"system","content":\#(quoted(system))}"#) }
        for (position, text) in turns.enumerated() {
            messages.append(#"{"role":"\#(position % 2 == 0 ? "user" : "assistant")","content":\#(quoted(text))}"#)
        }
        let request = #"{"model":"\#(model)","messages":[\#(messages.joined(separator: ","))]}"#
        return record(number, api: .openaiChat, request: request, answer: chatAnswer(answer))
    }

    /// A text and thirty words that only this text has, so that views are long enough for eval and unlike each other.
    static func long(_ text: String) -> String {
        var generator = SplitMix64(seed: text.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 })
        let words = (0..<30).map { _ in
            String((0..<6).compactMap { _ in "abcdefghijklmnopqrstuvwxyz".randomElement(using: &generator) })
        }
        return ([text] + words).joined(separator: " ")
    }

    static func chatAnswer(_ text: String) -> String {
        #"{"choices":[{"index":0,"message":{"role":"assistant","content":\#(quoted(text)),"refusal":null},"finish_reason":"stop"}]}"#
    }

    /// The line that every data set has of a row.
    static func line(_ request: CanonicalRequest, _ answer: CanonicalAnswer) -> String {
        var row = DatasetRow(id: "", prompt: request.turns, answer: answer.turn)
        row.tools = request.tools
        do throws(FormatRefusal) {
            return String(decoding: try ExportFormat.chat.encode(row, profile: .strictVendor), as: UTF8.self)
        } catch {
            return "refused: \(error.rawValue)"
        }
    }

    static func events(_ lines: [String]) -> String { lines.map { "data: \($0)\n\n" }.joined() }
}

/// A directory that goes when the test ends.
final class Scratch {
    let path: String
    let files = PosixFileSystem()

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("weir-datasets-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func build(
        _ recipe: DatasetRecipe, _ inputs: [DatasetInput], to name: String = "set", feedback: (any DatasetFeedback)? = nil,
        ledger: ControlStore? = nil
    ) throws -> DatasetReport {
        try DatasetBuild.run(
            recipe: recipe, source: MemorySource(inputs), output: "\(path)/\(name)", files: files, tool: "weir test",
            feedback: feedback, ledger: ledger.map { try DatasetLedger($0, name: recipe.ledger) })
    }

    func ledger(_ name: String = "control") throws -> ControlStore {
        try ControlStore.open(path: "\(path)/\(name).sqlite", mode: .readWrite)
    }

    func text(_ file: String, in name: String = "set") throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)/\(file)")), as: UTF8.self)
    }

    func lines(_ file: String, in name: String = "set") throws -> [String] {
        try text(file, in: name).split(separator: "\n").map(String.init)
    }
}

/// JSON in tests.
enum TestJSON {
    /// The value of a text, or nil where it is none.
    static func node(_ text: String) -> JSONNode? { JSONDocument.read(text.utf8)?.root }
}
