// SPDX-License-Identifier: Apache-2.0

/// What a conversation talks to.
enum TrafficKind: CaseIterable {
    case chat, responses, messages, embeddings

    var path: String {
        switch self {
        case .chat: "/v1/chat/completions"
        case .responses: "/v1/responses"
        case .messages: "/v1/messages"
        case .embeddings: "/v1/embeddings"
        }
    }

    var name: String { String(path.dropFirst("/v1/".count).prefix { $0 != "/" }) }

    fileprivate func model(_ random: inout SeededRandom) -> String {
        switch self {
        case .chat: random.pick(["gpt-4o-mini", "gpt-4o-mini", "gpt-4.1", "o4-mini"])
        case .responses: random.pick(["gpt-4.1", "o4-mini", "gpt-4o-mini"])
        case .messages: random.pick(["claude-sonnet-4-5", "claude-haiku-4-5"])
        case .embeddings: "text-embedding-3-small"
        }
    }
}

/// One thing said in a conversation.
enum Said: Equatable {
    case user(String)
    case assistant(String)
    case toolCall(id: String, name: String, arguments: String)
    case toolResult(id: String, text: String)
}

/// What came back in one turn.
struct AnswerTurn: Equatable {
    var text = ""
    var toolID = ""
    var toolName = ""
    var toolArguments = ""
}

/// A conversation of several turns: everything about it follows from the plan's seed, its number and the answers.
struct Conversation {
    let number: Int
    let kind: TrafficKind
    let model: String
    let task: TrafficTask
    let environment: String
    let isStream: Bool
    let asksForUsage: Bool
    private(set) var turnsLeft: Int
    private(set) var said: [Said] = []
    private var random: SeededRandom
    private var openTool: (id: String, name: String)?

    /// The conversation with a number, with at most `limit` turns.
    init(number: Int, plan: TrafficPlan, limit: Int) {
        var random = SeededRandom(seed: plan.seed).fork(UInt64(number) &+ 77)
        self.number = number
        let draw = random.below(100)
        kind = draw < 52 ? .chat : draw < 70 ? .responses : draw < 92 ? .messages : .embeddings
        model = kind.model(&random)
        task = random.pick(TrafficTask.allCases, else: .summarise)
        environment = random.chance(0.75) ? "production" : "staging"
        isStream = kind != .embeddings && random.chance(0.6)
        asksForUsage = random.chance(plan.streamUsageFraction)
        turnsLeft = min(limit, kind == .embeddings ? 1 : 1 + random.below(6))
        self.random = random
    }

    var kindName: String { (kind == .chat ? "chat" : kind.name) + (isStream ? "-stream" : "") }
    var offersTools: Bool { task == .supportTriage && kind != .embeddings }

    /// Says the next thing and gives the request body for it.
    mutating func nextBody() -> [UInt8] {
        turnsLeft -= 1
        if let tool = openTool {
            said.append(.toolResult(id: tool.id, text: PromptBook.toolResult(tool.name, &random)))
            openTool = nil
        } else if said.isEmpty {
            said.append(.user(PromptBook.opening(task, &random)))
        } else {
            said.append(.user(PromptBook.followUp(task, &random)))
        }
        if kind == .embeddings {
            for _ in 0..<random.below(4) { said.append(.user(PromptBook.opening(task, &random))) }
        }
        return ConversationBody(conversation: self).bytes()
    }

    /// After how many events the client breaks the stream off, or nil where it reads to the end.
    mutating func cancelPoint(_ fraction: Double) -> Int? {
        let isCancelled = random.chance(fraction)
        let after = 2 + random.below(14)
        return isStream && isCancelled ? after : nil
    }

    /// Adds the answer to the history; nil takes back what was asked.
    mutating func heard(_ answer: AnswerTurn?) {
        guard let answer, answer != AnswerTurn() else {
            if case .toolResult(let id, _) = said.last { openTool = (id, "lookup_order") }
            if !said.isEmpty { said.removeLast() }
            return
        }
        if !answer.text.isEmpty { said.append(.assistant(answer.text)) }
        if !answer.toolName.isEmpty {
            said.append(.toolCall(id: answer.toolID, name: answer.toolName, arguments: answer.toolArguments))
            openTool = (answer.toolID, answer.toolName)
        }
    }
}
