// SPDX-License-Identifier: Apache-2.0

/// How strictly a file keeps to one shape.
package enum ExportProfile: String, CaseIterable, Sendable {
    /// As the service or the program that is named wants it: no key that it does not know, nothing null.
    case strictVendor = "strict-vendor"
    /// The same keys, in the same order, with the same JSON types, in every row and message from row 1 on.
    ///
    /// What varies (tools, calls, metadata) is a JSON text. For readers that infer a schema, as Hugging Face `datasets`.
    case arrowUniform = "arrow-uniform"
}

/// What a file as a whole decides for its rows.
package struct ExportOptions: Equatable, Sendable {
    /// When a row of a strict file has the key `tools`; a uniform file always has it.
    package enum ToolsKey: Sendable {
        case whereOffered, always, never
    }

    /// When a row has the key `tools`.
    package var toolsKey = ToolsKey.whereOffered
    /// Writes preference pairs where a format has both kinds (Together, Fireworks, TRL).
    package var preference = false
    /// Writes weights into every message of a uniform file; a strict file has them where the row has.
    package var weights = false
    /// Lets ShareGPT rows call tools, by the names that LLaMA-Factory uses (`function_call`, `observation`).
    package var toolsInShareGPT = false

    /// What most files want.
    package init() {}
}

/// A form of JSONL that some trainer or evaluator reads.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// What `train.jsonl` and `eval.jsonl` hold: OpenAI's form without the limits of any service.
    case chat
    case openaiSFT = "openai-sft"
    case openaiDPO = "openai-dpo"
    case openaiRFT = "openai-rft"
    case vertexGemini = "vertex-gemini"
    case mistral
    case together
    case fireworks
    case trl
    case axolotl
    case sharegpt
    case bedrockAnthropic = "bedrock-anthropic"
    case openaiEvals = "openai-evals"
    case inspect
    case promptfoo
    case lmEval = "lm-eval"
    case plain
    case catalystSource = "catalyst-source"
    case catalystHF = "catalyst-hf"

    /// Whether OpenAI's own service reads the file, with its limits.
    var isOpenAI: Bool { self == .openaiSFT || self == .openaiDPO || self == .openaiRFT }

    /// Whether rows are for measuring, not for training.
    package var isForEvaluation: Bool {
        switch self {
        case .openaiEvals, .inspect, .promptfoo, .lmEval, .plain: true
        default: false
        }
    }

    /// One line for help texts.
    package var summary: String {
        switch self {
        case .chat: "Chat as captured: {messages, tools}, without the limits of any service"
        case .openaiSFT: "OpenAI supervised fine-tuning: {messages, tools}; also Azure, and images in user turns"
        case .openaiDPO: "OpenAI preference pairs: {input, preferred_output, non_preferred_output}"
        case .openaiRFT: "OpenAI reinforcement fine-tuning: {messages, reference_answer}, the last message is the user's"
        case .vertexGemini: "Gemini tuning on Vertex AI: {systemInstruction, contents, tools}"
        case .mistral: "Mistral fine-tuning: OpenAI chat with ids of calls of nine letters and digits"
        case .together: "Together fine-tuning: OpenAI chat that alternates, or preference pairs"
        case .fireworks: "Fireworks fine-tuning: OpenAI chat with the system message first, or preference pairs"
        case .trl: "Hugging Face TRL: {messages, tools} with arguments as objects, or {prompt, chosen, rejected, tools}"
        case .axolotl: "Axolotl chat_template: {messages, tools}, `train` on weighted messages"
        case .sharegpt: "ShareGPT: {conversations: [{from, value}]}; rows with tools only where asked for"
        case .bedrockAnthropic: "Anthropic models on Bedrock (legacy): {system, messages}, text only"
        case .openaiEvals: "OpenAI evals repository: {input, ideal}"
        case .inspect: "Inspect AI samples: {id, input, target, metadata}"
        case .promptfoo: "promptfoo tests: {description, vars, assert, metadata}, template signs escaped"
        case .lmEval: "lm-eval: {id, system, prompt, target} and a task in YAML"
        case .plain: "{id, input, ideal, tools, metadata}"
        case .catalystSource: "Catalyst, source-backed: {request, response}"
        case .catalystHF: "Catalyst, Hugging Face shape: {messages, id, tools}"
        }
    }
}

extension ExportFormat {
    /// One line of a file, without its newline.
    ///
    /// - Parameters:
    ///   - row: what to write; nothing of it that the format could say is left out, and `changes(of:profile:options:)` names the rest.
    ///   - profile: how strictly the file keeps to one shape.
    ///   - options: what the file as a whole decides.
    /// - Returns: one JSON object.
    /// - Throws: `FormatRefusal` where the format cannot say the row.
    package func encode(
        _ row: DatasetRow, profile: ExportProfile, options: ExportOptions = ExportOptions()
    ) throws(FormatRefusal) -> [UInt8] {
        try RowDemands(self, options).check(row, isUniform: profile == .arrowUniform)
        let line = try written(row, profile: profile, options: options)
        guard line.count <= FormatLimits.lineBytes else { throw .lineTooLong }
        return line
    }

    private func written(
        _ row: DatasetRow, profile: ExportProfile, options: ExportOptions
    ) throws(FormatRefusal) -> [UInt8] {
        let writing = RowWriting(format: self, row: row, isUniform: profile == .arrowUniform, options: options)
        switch self {
        case .chat, .openaiSFT, .axolotl, .mistral: return try writing.conversation()
        case .together, .fireworks: return options.preference ? try writing.pair() : try writing.conversation()
        case .trl: return options.preference ? try writing.promptPair() : try writing.conversation()
        case .openaiDPO: return try writing.pair()
        case .openaiRFT: return try writing.graded()
        case .vertexGemini: return try writing.gemini()
        case .sharegpt: return writing.shareGPT()
        case .bedrockAnthropic: return writing.anthropicText()
        case .openaiEvals: return try writing.openaiEvals()
        case .inspect: return try writing.inspect()
        case .promptfoo: return try writing.promptfoo()
        case .lmEval: return try writing.lmEval()
        case .plain: return try writing.plain()
        case .catalystSource: return try writing.catalystSource()
        case .catalystHF: return try writing.catalystHF()
        }
    }
}
