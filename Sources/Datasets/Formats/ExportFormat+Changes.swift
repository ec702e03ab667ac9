// SPDX-License-Identifier: Apache-2.0

extension ExportFormat {
    /// What a line of the format leaves out or changes of a row that it keeps.
    ///
    /// - Parameters:
    ///   - row: a row that `encode` does not refuse.
    ///   - profile: as for `encode`.
    ///   - options: as for `encode`.
    /// - Returns: the changes; empty where the line says all of the row but where it comes from.
    package func changes(
        of row: DatasetRow, profile: ExportProfile, options: ExportOptions = ExportOptions()
    ) -> RowChanges {
        let isUniform = profile == .arrowUniform
        var changes = turnChanges(row, options)
        if !row.tools.isEmpty, !saysTools(options, isUniform: isUniform) { changes.insert(.toolsRemoved) }
        if row.responseSchema != nil, !saysSchema { changes.insert(.responseFormatRemoved) }
        if row.answerWeight ?? row.historyWeight != nil, !saysWeights(options) || (isUniform && !options.weights) {
            changes.insert(.weightsRemoved)
        }
        if !row.rejected.isEmpty, !saysPairs(options) { changes.insert(.rejectedRemoved) }
        if saysIdeal {
            if row.reference == nil, row.answer != nil { changes.insert(.answerAsIdeal) }
            if row.reference != nil, row.answer != nil { changes.insert(.answerRemoved) }
        } else if row.reference != nil {
            changes.insert(.referenceRemoved)
        }
        return changes
    }

    private func turnChanges(_ row: DatasetRow, _ options: ExportOptions) -> RowChanges {
        var changes: RowChanges = []
        let turns = saysIdeal ? row.prompt : row.turns + (saysPairs(options) ? row.rejected : [])
        for turn in turns {
            if turn.role != .assistant, turn.images.isEmpty, turn.texts.count > 1, self != .vertexGemini {
                changes.insert(.textPartsJoined)
            }
            for case .reasoning in turn.blocks { changes.insert(.reasoningRemoved) }
            if turn.hasFailed, self != .vertexGemini { changes.insert(.toolErrorFlagRemoved) }
            if turn.role == .tool || !turn.toolCalls.isEmpty { changes.formUnion(callChanges(turn)) }
        }
        if self == .vertexGemini, row.prompt.contains(where: { $0.role == .system && $0.texts.count > 1 }) {
            changes.insert(.textPartsJoined)
        }
        if self == .promptfoo { changes.formUnion(templateChanges(row)) }
        return changes
    }

    private func callChanges(_ turn: CanonicalTurn) -> RowChanges {
        switch self {
        case .mistral: return .callIDsRewritten
        case .openaiSFT, .openaiDPO, .openaiRFT:
            let ids = turn.toolCalls.map(\.id) + (turn.answeredCall.map { [$0] } ?? [])
            return ids.contains(where: OpenAICallIDs.isLong) ? .callIDsRewritten : []
        case .sharegpt: return .callIDsRemoved
        case .vertexGemini:
            var changes: RowChanges = .callIDsRemoved
            if turn.role == .tool, turn.texts.count > 1 { changes.insert(.textPartsJoined) }
            if turn.role == .tool, !turn.joinedText.utf8.elementsEqual(GeminiContents.response(turn)) {
                changes.insert(.toolResultWrapped)
            }
            return changes
        default: return []
        }
    }

    private func templateChanges(_ row: DatasetRow) -> RowChanges {
        let texts =
            row.prompt.map(\.joinedText) + row.prompt.flatMap { $0.toolCalls.map(\.arguments) } + [row.ideal ?? "", row.id]
        return texts.contains { TemplateText.isLive(Array($0.utf8)) } ? .templateSignsEscaped : []
    }

    private func saysTools(_ options: ExportOptions, isUniform: Bool) -> Bool {
        let hasKey = isUniform || options.toolsKey != .never
        return switch self {
        case .bedrockAnthropic, .openaiEvals, .lmEval: false
        case .sharegpt: options.toolsInShareGPT && hasKey
        case .inspect, .promptfoo, .catalystSource: true
        default: hasKey
        }
    }

    private var saysSchema: Bool { self == .inspect || self == .promptfoo || self == .catalystSource }

    private func saysPairs(_ options: ExportOptions) -> Bool {
        switch self {
        case .openaiDPO: true
        case .together, .fireworks, .trl: options.preference
        default: false
        }
    }

    /// Whether the format holds what is right beside the prompt, and no answer.
    private var saysIdeal: Bool { isForEvaluation || self == .openaiRFT }

    private func saysWeights(_ options: ExportOptions) -> Bool {
        switch self {
        case .openaiSFT, .mistral, .axolotl: true
        case .together, .fireworks: !options.preference
        default: false
        }
    }
}
