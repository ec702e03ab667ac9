// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Token counts of an answer, in the classes that the providers report.
struct FakeUsage: Equatable {
    /// All input, cached or not.
    var input = 0
    var cacheRead = 0
    var cacheWrite = 0
    /// Output without reasoning.
    var visible = 0
    var reasoning = 0

    var output: Int { visible + reasoning }
    var uncached: Int { input - cacheRead - cacheWrite }
}

/// A tool call in an answer; the fragments join to its JSON arguments.
struct FakeToolCall: Equatable {
    var id: String
    var itemID: String
    var name: String
    var fragments: [String]

    var arguments: String { fragments.joined() }
}

/// What is answered, before any API's shape is put on it.
struct ComposedAnswer {
    enum Finish { case stop, length, toolCall }

    var asked: AskedQuestion
    /// The model's name as served, with its date.
    var servedModel: String
    var createdAt: Int64
    /// The changing part of ids.
    var id: String
    var pieces: [String]
    var thinking: [String] = []
    var toolCall: FakeToolCall?
    var finish = Finish.stop
    /// Nil where the order leaves usage out.
    var usage: FakeUsage?

    var text: String { pieces.joined() }
}

/// Composes answers by a script.
struct AnswerComposer {
    let script: FakeProviderScript
    let order: FakeOrder

    func compose(_ asked: AskedQuestion, random: SeededRandom) -> ComposedAnswer {
        var ids = random.fork(1)
        var answer = ComposedAnswer(
            asked: asked, servedModel: Self.served(asked.model), createdAt: script.createdAt,
            id: ids.identifier("", length: 24), pieces: [])
        var usage = FakeUsage()
        if asked.api.isEmbedding {
            usage.input = asked.inputs.reduce(0) { $0 + $1.tokens }
        } else {
            countInput(asked, &usage)
            think(asked, random.fork(2), &answer, &usage)
            let callSeed = random.fork(3)
            if let call = toolCall(asked, callSeed, id: answer.id) {
                answer.toolCall = call
                answer.finish = .toolCall
                usage.visible = call.fragments.count + 6
                if asked.api.isMessages { answer.pieces = AnswerText.split("Let me look that up for you.") }
            } else {
                write(asked, random.fork(4), &answer)
            }
            usage.visible += answer.pieces.count
        }
        answer.usage = order.omitsUsage ? nil : usage
        return answer
    }

    private func write(_ asked: AskedQuestion, _ seed: SeededRandom, _ answer: inout ComposedAnswer) {
        var random = seed
        let drawn = Int(Double(script.medianAnswerTokens) * random.spread() * random.spread())
        let wanted = order.tokens ?? min(max(8, drawn), FakeProviderLimits.answerTokens)
        let room = asked.maxTokens ?? FakeProviderLimits.answerTokens
        var text = AnswerText(asked: asked, random: random.fork(1))
        var pieces = text.pieces(count: wanted)
        if pieces.count < wanted, order.tokens != nil {
            pieces += (pieces.count..<wanted).map { _ in " " + random.pick(WordBank.fragments) }
        }
        if order.tokens == nil, pieces.count > room {
            pieces = Array(pieces.prefix(room))
            answer.finish = .length
        }
        answer.pieces = order.tokens.map { Array(pieces.prefix($0)) } ?? pieces
    }

    private func countInput(_ asked: AskedQuestion, _ usage: inout FakeUsage) {
        usage.input = asked.inputTokens
        if asked.paysForCacheWrites {
            guard asked.asksForCache else { return }
            usage.cacheRead = asked.repeatedTokens
            usage.cacheWrite = max(0, asked.prefixTokens - usage.cacheRead)
        } else {
            let step = 128
            usage.cacheRead = asked.repeatedTokens / step * step
        }
    }

    private func think(_ asked: AskedQuestion, _ seed: SeededRandom, _ answer: inout ComposedAnswer, _ usage: inout FakeUsage) {
        var random = seed
        if asked.api.isMessages {
            guard asked.wantsThinking else { return }
            var text = AnswerText(asked: AskedQuestion(api: .messages, model: asked.model), random: random.fork(1))
            answer.thinking = text.pieces(count: 12 + random.below(60))
            usage.reasoning = answer.thinking.count
        } else if ModelPace.of(asked.model).isReasoning {
            usage.reasoning = 64 * (1 + Int(3 * random.spread()))
        }
    }

    private func toolCall(_ asked: AskedQuestion, _ seed: SeededRandom, id: String) -> FakeToolCall? {
        var random = seed
        guard order.tokens == nil, !asked.tools.isEmpty, asked.toolChoice != .none else { return nil }
        let isWanted = random.chance(script.toolCallFraction) && !asked.lastIsToolResult
        guard asked.toolChoice == .required || isWanted else { return nil }
        let tool = asked.tools[random.below(asked.tools.count)]
        var writer = JSONWriter()
        writer.object { writer in
            for (name, schema) in tool.properties.prefix(64) {
                writer.key(name)
                Self.writeArgument(schema, name: name, &random, &writer)
            }
        }
        let prefix: String
        switch asked.api {
        case .messages: prefix = "toolu_"
        case .invoke: prefix = asked.provider == .bedrock ? "toolu_bdrk_" : "toolu_vrtx_"
        case .converse: prefix = "tooluse_"
        default: prefix = "call_"
        }
        let callID = random.identifier(prefix, length: 24)
        return FakeToolCall(
            id: callID, itemID: random.identifier("fc_", length: 32), name: tool.name,
            fragments: Self.fragments(String(decoding: writer.bytes, as: UTF8.self)))
    }

    private static func writeArgument(_ schema: JSONNode, name: String, _ random: inout SeededRandom, _ writer: inout JSONWriter)
    {
        if let choices = schema["enum"], let first = choices[0] {
            let all = Array(choices.elements)
            writer.raw(random.pick(all, else: first).lexeme)
            return
        }
        switch schema["type"]?.string {
        case "integer": writer.value(Int64(1 + random.below(90)))
        case "number": writer.value(Double(100 + random.below(9_900)) / 100)
        case "boolean": writer.value(random.chance(0.5))
        case "array":
            writer.beginArray()
            writer.value(random.pick(WordBank.fragments))
            writer.endArray()
        case "object":
            writer.beginObject()
            writer.endObject()
        default:
            writer.value(
                name.hasSuffix("id")
                    ? random.pick(WordBank.fragments) + "-\(1_000 + random.below(9_000))" : random.pick(WordBank.fragments))
        }
    }

    /// Cuts ASCII-safe text into pieces of about eight bytes, never inside a character.
    private static func fragments(_ text: String) -> [String] {
        var pieces: [String] = []
        var current = ""
        for character in text {
            current.append(character)
            if current.utf8.count >= 8 {
                pieces.append(current)
                current = ""
            }
        }
        if !current.isEmpty { pieces.append(current) }
        return pieces
    }

    /// The dated name that a provider puts into its answer.
    static func served(_ model: String) -> String {
        switch model {
        case "gpt-4o-mini": "gpt-4o-mini-2024-07-18"
        case "gpt-4o": "gpt-4o-2024-08-06"
        case "gpt-4.1": "gpt-4.1-2025-04-14"
        case "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14"
        case "o4-mini": "o4-mini-2025-04-16"
        case "claude-sonnet-4-5": "claude-sonnet-4-5-20250929"
        case "claude-haiku-4-5": "claude-haiku-4-5-20251001"
        default: served(inPath: model)
        }
    }

    /// Bedrock and Vertex name a model with its region, house and revision; the answer bears the model alone.
    private static func served(inPath model: String) -> String {
        guard let range = model.firstRange(of: "anthropic.") else {
            return model.hasPrefix("claude") ? String(model.map { $0 == "@" ? "-" : $0 }) : model
        }
        let bare = model[range.upperBound...]
        return String(bare.firstRange(of: "-v").map { bare[..<$0.lowerBound] } ?? bare)
    }
}
