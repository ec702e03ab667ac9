// SPDX-License-Identifier: Apache-2.0

/// What a line leaves out or changes of an exchange that it keeps: counted in the manifest, so that nothing is flattened silently.
///
/// Some come of reading the exchange and hold for every format; the others depend on what a format can say.
package struct RowChanges: OptionSet, Hashable, Sendable {
    /// One bit a change.
    package let rawValue: UInt32

    /// Wraps bits.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    // MARK: Of reading

    /// A developer message is a system message.
    package static let developerAsSystem = RowChanges(rawValue: 1)
    /// Several assistant messages are one.
    package static let assistantMessagesJoined = RowChanges(rawValue: 2)
    /// Only the first of several answers is in the row.
    package static let extraChoicesIgnored = RowChanges(rawValue: 4)
    /// Results of tools stand in the order of the calls.
    package static let toolResultsReordered = RowChanges(rawValue: 8)
    /// The beginning that the caller gave is part of the answer.
    package static let prefillJoined = RowChanges(rawValue: 16)
    /// That arguments were bound to the schema is not in the row.
    package static let toolStrictnessRemoved = RowChanges(rawValue: 32)
    /// Citations are not in the row.
    package static let annotationsRemoved = RowChanges(rawValue: 64)
    /// The API gives calls no ids: they are numbered, and results belong to them by name and order.
    package static let toolCallsNumbered = RowChanges(rawValue: 128)
    /// Types in a tool's schema, which Google writes in capitals, are in small letters.
    package static let toolSchemaRespelled = RowChanges(rawValue: 256)

    /// Turns of the assistant's that say and call nothing, as one of nothing but reasoning, are not in the row.
    package static let emptyAssistantTurnsRemoved = RowChanges(rawValue: 16_777_216)

    // MARK: Of the format

    /// Reasoning is not in the row.
    package static let reasoningRemoved = RowChanges(rawValue: 512)
    /// Several text parts are one text.
    package static let textPartsJoined = RowChanges(rawValue: 1_024)
    /// That a tool failed is not in the row.
    package static let toolErrorFlagRemoved = RowChanges(rawValue: 2_048)
    /// The demanded form of the answer is not in the row.
    package static let responseFormatRemoved = RowChanges(rawValue: 4_096)
    /// The tools that were offered are not in the row.
    package static let toolsRemoved = RowChanges(rawValue: 8_192)
    /// Calls have other ids.
    package static let callIDsRewritten = RowChanges(rawValue: 16_384)
    /// Calls have no ids; results follow in their order.
    package static let callIDsRemoved = RowChanges(rawValue: 32_768)
    /// A tool's text is a member of an object.
    package static let toolResultWrapped = RowChanges(rawValue: 65_536)
    /// Weights are not in the row.
    package static let weightsRemoved = RowChanges(rawValue: 131_072)
    /// Worse answers are not in the row.
    package static let rejectedRemoved = RowChanges(rawValue: 262_144)
    /// The reference is not in the row.
    package static let referenceRemoved = RowChanges(rawValue: 524_288)
    /// The answer that was given is not in the row.
    package static let answerRemoved = RowChanges(rawValue: 1_048_576)
    /// The answer that was given stands as the right one.
    package static let answerAsIdeal = RowChanges(rawValue: 2_097_152)
    /// Signs of a template language are written so that they mean themselves.
    package static let templateSignsEscaped = RowChanges(rawValue: 4_194_304)

    // MARK: Of feedback

    /// The answer is the one that feedback says should have been given.
    package static let answerCorrected = RowChanges(rawValue: 8_388_608)

    /// Every change and its name in the manifest, sorted by name.
    package static let named: [(name: String, change: RowChanges)] = [
        ("annotations_removed", .annotationsRemoved), ("answer_as_ideal", .answerAsIdeal),
        ("answer_corrected", .answerCorrected), ("answer_removed", .answerRemoved),
        ("assistant_messages_joined", .assistantMessagesJoined), ("call_ids_removed", .callIDsRemoved),
        ("call_ids_rewritten", .callIDsRewritten), ("developer_as_system", .developerAsSystem),
        ("empty_assistant_turns_removed", .emptyAssistantTurnsRemoved),
        ("extra_choices_ignored", .extraChoicesIgnored), ("prefill_joined", .prefillJoined),
        ("reasoning_removed", .reasoningRemoved), ("reference_removed", .referenceRemoved),
        ("rejected_removed", .rejectedRemoved), ("response_format_removed", .responseFormatRemoved),
        ("template_signs_escaped", .templateSignsEscaped), ("text_parts_joined", .textPartsJoined),
        ("tool_calls_numbered", .toolCallsNumbered), ("tool_error_flag_removed", .toolErrorFlagRemoved),
        ("tool_result_wrapped", .toolResultWrapped), ("tool_results_reordered", .toolResultsReordered),
        ("tool_schema_respelled", .toolSchemaRespelled), ("tool_strictness_removed", .toolStrictnessRemoved),
        ("tools_removed", .toolsRemoved), ("weights_removed", .weightsRemoved),
    ]
}

/// How many rows have each change.
struct ChangeCounts {
    private var counts: [Int64] = Array(repeating: 0, count: RowChanges.named.count)

    mutating func add(_ changes: RowChanges) {
        guard !changes.isEmpty else { return }
        for (place, named) in RowChanges.named.enumerated() where changes.contains(named.change) { counts[place] += 1 }
    }

    /// Those that occurred, sorted by name.
    var named: [FigureBar] {
        zip(RowChanges.named, counts).filter { $1 > 0 }.map { FigureBar($0.name, $1) }
    }
}
