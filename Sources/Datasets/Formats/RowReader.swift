// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// What a line of somebody's JSONL looks like.
package enum RowShape: String, CaseIterable, Sendable {
    case catalystSource = "catalyst-source"
    case catalystHF = "catalyst-hf"
    case openaiMessages = "openai-messages"
    case openaiDPO = "openai-dpo"
    case promptPair = "prompt-chosen-rejected"
    case sharegpt
    case gemini
    case promptCompletion = "prompt-completion"
    case promptfoo
    case inputIdeal = "input-ideal"
    case text
    /// Anything else: every text of the row, in order, as one turn of the user's.
    case strings
}

/// Why a line is no row, and where.
package struct RowReadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The line's number from 1.
    package let line: Int64
    /// A low-cardinality name.
    package let reason: String
    /// What happened and what to do.
    package let message: String

    /// Line, message and reason.
    package var description: String { "line \(line): \(message) [\(reason)]" }
}

/// A row that somebody else wrote, or we in any of our formats.
package struct ReadRow: Equatable, Sendable {
    /// What it looked like.
    package var shape: RowShape
    /// What it says; the id is empty where it has none.
    package var row: DatasetRow
}

/// Reads lines of any JSONL file, one after another, and knows their shape by their keys.
///
/// Gives what a gate and an import need: turns, tools, worse answers, reference. Holds nothing but the line's number and the first shape.
package struct RowReader: Sendable {
    /// Lines seen, empty ones included.
    package private(set) var line: Int64 = 0
    private var first: RowShape?

    /// A reader before the first line.
    package init() {}

    /// Reads the next line.
    ///
    /// - Parameter bytes: the line without its newline.
    /// - Returns: the row, or nil where the line is blank.
    /// - Throws: `RowReadError` where it is no JSON object, or holds what turns cannot say.
    package mutating func read(_ bytes: some Collection<UInt8>) throws(RowReadError) -> ReadRow? {
        line += 1
        guard bytes.contains(where: { $0 > 0x20 }) else { return nil }
        guard bytes.count <= FormatLimits.lineBytes else {
            throw error("line-too-long", "the line is longer than \(FormatLimits.lineBytes) bytes: leave it out.")
        }
        let root: JSONNode
        do {
            root = try JSONDocument(Array(bytes)).root
        } catch let broken {
            throw error("line-not-json", "\(broken): write one JSON object a line.")
        }
        guard root.kind == .object else { throw error("row-not-object", "the row is no JSON object: write {...}.") }
        let shape = RowReader.shape(of: root)
        try checkMixture(shape)
        do throws(RowFault) {
            let row = try RowReader.row(root, shape)
            guard row.turns.count <= DatasetLimits.turns else {
                throw RowFault("conversation-too-long", "the row has too many turns")
            }
            return ReadRow(shape: shape, row: row)
        } catch {
            throw self.error(error.reason, "\(error.message).")
        }
    }

    private func error(_ reason: String, _ message: String) -> RowReadError {
        RowReadError(line: line, reason: reason, message: message)
    }

    /// Catalyst's two shapes exclude each other within one file.
    private mutating func checkMixture(_ shape: RowShape) throws(RowReadError) {
        let first = self.first ?? shape
        self.first = first
        guard first != shape, first == .catalystSource || shape == .catalystSource else { return }
        throw error(
            "shapes-mixed", "the row is of shape \(shape.rawValue), the first was \(first.rawValue): write one shape a file.")
    }

    /// What the keys of a row tell.
    static func shape(of root: JSONNode) -> RowShape {
        func has(_ keys: String...) -> Bool { keys.allSatisfy { root.present($0) != nil } }
        if has("request"), root["request"]?.opened.kind == .object { return .catalystSource }
        if has("conversations") { return .sharegpt }
        if has("contents") { return .gemini }
        if has("input", "preferred_output") { return .openaiDPO }
        if has("prompt", "chosen") { return .promptPair }
        if has("messages") {
            let only = root.members.allSatisfy { ["messages", "id", "tools"].contains($0.key.string ?? "") }
            return only && has("id") ? .catalystHF : .openaiMessages
        }
        if has("vars") { return .promptfoo }
        if has("prompt"), ["completion", "response", "target"].contains(where: { has($0) }) { return .promptCompletion }
        if has("input"), ["ideal", "output", "target"].contains(where: { has($0) }) { return .inputIdeal }
        if root["input"]?.opened.kind == .array { return .inputIdeal }
        return root["text"]?.kind == .string ? .text : .strings
    }

    static func row(_ root: JSONNode, _ shape: RowShape) throws(RowFault) -> DatasetRow {
        switch shape {
        case .catalystSource: return try RowReading.source(root)
        case .catalystHF, .openaiMessages: return try RowReading.conversation(root)
        case .openaiDPO: return try RowReading.pair(root)
        case .promptPair: return try RowReading.promptPair(root)
        case .sharegpt: return try RowReading.shareGPT(root)
        case .gemini: return try GeminiReading.row(root)
        case .promptCompletion: return try RowReading.promptCompletion(root)
        case .promptfoo: return try RowReading.promptfoo(root)
        case .inputIdeal: return try RowReading.inputIdeal(root)
        case .text: return RowReading.row(root, turns: [RowReading.user([root.text("text") ?? ""])])
        case .strings: return try RowReading.strings(root)
        }
    }
}

/// Why one row cannot be read; the reader adds the line.
struct RowFault: Error {
    let reason: String
    let message: String

    init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

extension JSONNode {
    /// The value, or what it holds where it is a text that is a JSON list or object.
    var opened: JSONNode {
        guard kind == .string else { return self }
        let bytes = unescapedBytes
        guard bytes.first == UInt8(ascii: "[") || bytes.first == UInt8(ascii: "{") else { return self }
        return JSONDocument.read(bytes)?.root ?? self
    }
}
