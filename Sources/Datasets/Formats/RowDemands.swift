// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// What a format asks of a row, as a table; what a row lacks is a refusal under its name.
///
/// Kept apart from the validators' rules on purpose: each holds the other to account.
struct RowDemands {
    enum Answer {
        case required, optional, ideal, idealOptional
    }
    enum Tools {
        case none, calls, serialCalls
    }
    enum Images {
        case none, links, files
    }

    /// Texts that are columns of their own in a uniform file.
    enum Column {
        case id, ideal, system, contents
    }

    var answer = Answer.required
    var columns: Set<Column> = [.contents]
    var tools = Tools.calls
    var images = Images.none
    var isPair = false
    /// Only one system message, before all others.
    var systemFirst = false
    /// User and assistant speak in turn, the user first.
    var alternates = false
    var endsWithUser = false
    var singleQuestion = false
    /// Letters, digits, `_` and `-`, at most 64.
    var openaiToolNames = false
    /// A letter or `_` first, then letters, digits, `_`, `.` and `-`, at most 64.
    var geminiToolNames = false
    /// Tools that a row may offer.
    var toolsMax = Int.max
    /// Schemas of tools have the form of JSON Schema, draft 7.
    var draft7Schemas = false
    var objectArguments = false
    var ordersResults = false
    var speaksOrCalls = false
    var noEmptyText = false
    var model = false
    /// Two tools may have the same name.
    var repeatsNames = false
    /// The prompt may end with the assistant's turn.
    var endsAnyhow = false

    init(_ format: ExportFormat, _ options: ExportOptions) {
        switch format {
        case .chat: (repeatsNames, endsAnyhow) = (true, true)
        case .openaiSFT: (openaiToolNames, images) = (true, .links)
        case .openaiDPO: (openaiToolNames, isPair) = (true, true)
        case .openaiRFT: (openaiToolNames, answer, endsWithUser, images) = (true, .ideal, true, .links)
        case .vertexGemini:
            (systemFirst, objectArguments, ordersResults, noEmptyText, images) = (true, true, true, true, .files)
            geminiToolNames = true
        case .mistral:
            (systemFirst, alternates, openaiToolNames, speaksOrCalls) = (true, true, true, true)
            draft7Schemas = true
        case .together: (systemFirst, alternates, isPair) = (true, true, options.preference)
        case .fireworks: (systemFirst, isPair) = (true, options.preference)
        case .trl: (objectArguments, isPair) = (true, options.preference)
        case .axolotl: break
        case .sharegpt:
            (systemFirst, alternates, noEmptyText) = (true, true, true)
            (tools, speaksOrCalls) = (options.toolsInShareGPT ? .serialCalls : .none, true)
        case .bedrockAnthropic: (systemFirst, alternates, noEmptyText, tools) = (true, true, true, .none)
        case .openaiEvals: (answer, tools) = (.ideal, .none)
        case .inspect: (answer, objectArguments, images) = (.idealOptional, true, .links)
        case .promptfoo: answer = .idealOptional
        case .lmEval: (answer, tools, systemFirst, singleQuestion) = (.ideal, .none, true, true)
        case .plain: answer = .ideal
        case .catalystSource: (answer, images, model) = (.optional, .links, true)
        case .catalystHF: images = .links
        }
        if format.isOpenAI { toolsMax = FormatLimits.toolsPerRow }
        columns = RowDemands.columns(format)
    }

    private static func columns(_ format: ExportFormat) -> Set<Column> {
        switch format {
        case .openaiRFT, .inspect: [.id, .ideal, .contents]
        case .openaiEvals: [.ideal, .contents]
        case .lmEval: [.id, .ideal, .system, .contents]
        case .vertexGemini, .bedrockAnthropic: [.system, .contents]
        case .catalystHF: [.id, .contents]
        case .plain, .promptfoo: [.id, .ideal]
        case .catalystSource: []
        default: [.contents]
        }
    }

    func check(_ row: DatasetRow, isUniform: Bool) throws(FormatRefusal) {
        try checkShape(row)
        try checkAnswer(row)
        try checkOrder(row.turns)
        try checkTools(row)
        try checkImages(row, isUniform: isUniform)
        try checkRest(row, isUniform: isUniform)
    }

    /// What no format can say.
    private func checkShape(_ row: DatasetRow) throws(FormatRefusal) {
        guard let last = row.prompt.last(where: { $0.role != .system }) else { throw .promptEmpty }
        guard row.prompt.contains(where: { $0.role == .user }) else { throw .noUserTurn }
        let endsWithAssistant = last.role == .assistant || row.prompt.last?.role == .assistant
        guard endsAnyhow || !endsWithAssistant else { throw .rolesMisplaced }
        for turn in row.rejected + (row.answer.map { [$0] } ?? []) where turn.role != .assistant { throw .rolesMisplaced }
        if row.answer?.isEmpty == true { throw .answerEmpty }
        for weight in [row.answerWeight, row.historyWeight] where weight != nil && weight != 0 && weight != 1 {
            throw .weightOutOfRange
        }
        var keys: Set<[UInt8]> = []
        for pair in row.metadata where !keys.insert(Array(pair.name.utf8)).inserted { throw .metadataKeyRepeated }
        guard let schema = row.responseSchema else { return }
        guard JSONDocument.read(schema)?.root.kind == .object else { throw .responseSchemaNotObject }
        guard JSONText.depth(schema) <= FormatLimits.valueDepth else { throw .nestedTooDeep }
    }

    private func checkAnswer(_ row: DatasetRow) throws(FormatRefusal) {
        switch answer {
        case .required: if row.answer == nil { throw .answerMissing }
        case .optional: break
        case .ideal: if row.ideal == nil { throw .idealMissing }
        case .idealOptional: if row.ideal == nil, row.answer != nil { throw .idealMissing }
        }
        guard isPair else { return }
        guard let rejected = row.rejected.first else { throw .rejectedMissing }
        guard row.rejected.count == 1 else { throw .rejectedSeveral }
        if rejected.isEmpty { throw .answerEmpty }
        // As everywhere in a build: white space and ids of calls make no difference.
        if let answer = row.answer, TurnChain.canonicalBytes(answer) == TurnChain.canonicalBytes(rejected) {
            throw .rejectedEqual
        }
    }

    private func checkOrder(_ turns: [CanonicalTurn]) throws(FormatRefusal) {
        if systemFirst, turns.dropFirst().contains(where: { $0.role == .system }) { throw .systemNotFirst }
        let spoken = turns.filter { $0.role != .system }
        if alternates {
            var isUsersTurn = true
            for (position, turn) in spoken.enumerated() where turn.role != .tool {
                let follows = position > 0 && spoken[position - 1].role == .tool
                let expected: TurnRole = isUsersTurn && !follows ? .user : .assistant
                guard turn.role == expected else { throw .turnsDoNotAlternate }
                isUsersTurn = turn.role == .assistant
            }
        }
        let prompt = spoken.last?.role == .assistant ? spoken.dropLast() : spoken[...]
        if endsWithUser, prompt.last?.role != .user { throw .lastTurnNotUser }
        if singleQuestion, prompt.count != 1 { throw .severalTurns }
        if speaksOrCalls, turns.contains(where: { $0.role == .assistant && $0.isEmpty }) { throw .contentEmpty }
        if noEmptyText {
            for turn in turns
            where turn.joinedText.utf8.isEmpty && turn.toolCalls.isEmpty && turn.images.isEmpty && turn.role != .tool {
                throw .contentEmpty
            }
        }
    }

    private func checkImages(_ row: DatasetRow, isUniform: Bool) throws(FormatRefusal) {
        var count = 0
        for turn in row.turns + row.rejected {
            let images = turn.images
            guard !images.isEmpty else { continue }
            guard images.count == turn.blocks.count(where: \.isImage), turn.role == .user, self.images != .none, !isUniform else {
                throw .imageContent
            }
            count += images.count
            for image in images {
                let isKnown = self.images == .files ? ImageLink.fileType(image) != nil : ImageLink.isLink(image)
                guard isKnown else { throw .imageForm }
            }
        }
        if self.images == .links, count > FormatLimits.imagesPerRow { throw .tooManyImages }
    }

    private func checkRest(_ row: DatasetRow, isUniform: Bool) throws(FormatRefusal) {
        if model, row.meta.model?.utf8.isEmpty ?? true { throw .modelMissing }
        if isUniform { try checkTimes(row) }
    }

    /// A column of nothing but times would become a column of times: no text that is alone in its column may be one.
    private func checkTimes(_ row: DatasetRow) throws(FormatRefusal) {
        func isTime(_ text: String) -> Bool { TimestampText.isTimestamp(text.utf8) }
        if columns.contains(.id), isTime(row.id) { throw .timestampValue }
        if columns.contains(.ideal), let ideal = row.ideal, isTime(ideal) { throw .timestampValue }
        let system = row.prompt.first { $0.role == .system }
        if columns.contains(.system), let system, isTime(system.joinedText) { throw .timestampValue }
        guard columns.contains(.contents) else { return }
        let texts = row.prompt.filter { $0.role != .system }.map(\.joinedText).filter { !$0.utf8.isEmpty }
        if !texts.isEmpty, texts.allSatisfy(isTime) { throw .timestampValue }
        guard isPair else { return }
        for turn in [row.answer, row.rejected.first] {
            if let turn, isTime(turn.joinedText) { throw .timestampValue }
        }
    }
}

extension CanonicalTurn {
    /// Whether the turn says, shows and calls nothing.
    var isEmpty: Bool { joinedText.utf8.isEmpty && toolCalls.isEmpty && images.isEmpty }
}

extension ContentBlock {
    /// Whether this is an image of its own, not one inside a tool's result.
    var isImage: Bool {
        if case .image = self { return true }
        return false
    }
}
