// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Reads what an assistant said out of answer bytes, whole or broken off; never fails, only finds less.
enum AnswerReader {
    static func read(_ kind: TrafficKind, isStream: Bool, _ bytes: [UInt8]) -> AnswerTurn {
        var turn = AnswerTurn()
        guard isStream else {
            if let root = JSONDocument.read(bytes)?.root { readPlain(kind, root, &turn) }
            return turn
        }
        let prefix = Array("data: ".utf8)
        for line in bytes.split(separator: 0x0A) where line.starts(with: prefix) {
            guard let root = JSONDocument.read(line.dropFirst(prefix.count))?.root else { continue }
            readEvent(kind, root, &turn)
        }
        return turn
    }

    private static func readPlain(_ kind: TrafficKind, _ root: JSONNode, _ turn: inout AnswerTurn) {
        switch kind {
        case .chat:
            guard let message = root["choices"]?[0]?["message"] else { return }
            turn.text = message["content"]?.string ?? ""
            if let call = message["tool_calls"]?[0] { readCall(call["id"], call["function"], &turn) }
        case .responses:
            for item in elements(root["output"]) { readItem(item, &turn) }
        case .messages:
            for block in elements(root["content"]) {
                turn.text += block["type"]?.string == "text" ? block["text"]?.string ?? "" : ""
                guard block["type"]?.string == "tool_use", let input = block["input"] else { continue }
                turn.toolID = block["id"]?.string ?? ""
                turn.toolName = block["name"]?.string ?? ""
                turn.toolArguments = String(decoding: input.lexeme, as: UTF8.self)
            }
        case .embeddings:
            turn.text = root["data"]?[0] == nil ? "" : "embedded"
        }
    }

    private static func readItem(_ item: JSONNode, _ turn: inout AnswerTurn) {
        switch item["type"]?.string {
        case "message": for part in elements(item["content"]) { turn.text += part["text"]?.string ?? "" }
        case "function_call": readCall(item["call_id"], item, &turn)
        default: break
        }
    }

    private static func readCall(_ id: JSONNode?, _ function: JSONNode?, _ turn: inout AnswerTurn) {
        if let id = id?.string { turn.toolID = id }
        if let name = function?["name"]?.string { turn.toolName = name }
        turn.toolArguments += function?["arguments"]?.string ?? ""
    }

    private static func readEvent(_ kind: TrafficKind, _ root: JSONNode, _ turn: inout AnswerTurn) {
        switch kind {
        case .chat:
            guard let delta = root["choices"]?[0]?["delta"] else { return }
            turn.text += delta["content"]?.string ?? ""
            if let call = delta["tool_calls"]?[0] { readCall(call["id"], call["function"], &turn) }
        case .responses:
            switch root["type"]?.string {
            case "response.output_text.delta": turn.text += root["delta"]?.string ?? ""
            case "response.output_item.added":
                if let item = root["item"], item["type"]?.string == "function_call" { readItem(item, &turn) }
            case "response.function_call_arguments.delta": turn.toolArguments += root["delta"]?.string ?? ""
            default: break
            }
        case .messages:
            if let block = root["content_block"], block["type"]?.string == "tool_use" {
                turn.toolID = block["id"]?.string ?? ""
                turn.toolName = block["name"]?.string ?? ""
            }
            turn.text += root["delta"]?["text"]?.string ?? ""
            turn.toolArguments += root["delta"]?["partial_json"]?.string ?? ""
        case .embeddings: break
        }
    }

    private static func elements(_ node: JSONNode?) -> [JSONNode] { node.map { Array($0.elements) } ?? [] }
}
