// SPDX-License-Identifier: Apache-2.0

/// Why a format cannot say a row: a closed list, so that the funnel adds up.
package enum FormatRefusal: String, Error, CaseIterable, Sendable {
    /// The format needs the assistant's answer.
    case answerMissing = "answer_missing"
    /// The answer neither says nor calls anything.
    case answerEmpty = "answer_empty"
    /// There is no reference, and the answer is no text.
    case idealMissing = "ideal_missing"
    /// The format is of pairs, and no worse answer is known.
    case rejectedMissing = "rejected_missing"
    /// A row makes one line: write `pairs` one by one.
    case rejectedSeveral = "rejected_several"
    /// The worse answer is the answer.
    case rejectedEqual = "rejected_equal"
    /// There is nothing to answer.
    case promptEmpty = "prompt_empty"
    case noUserTurn = "no_user_turn"
    /// The format is of one question and one answer.
    case severalTurns = "several_turns"
    case systemNotFirst = "system_not_first"
    case turnsDoNotAlternate = "turns_do_not_alternate"
    case lastTurnNotUser = "last_turn_not_user"
    /// The prompt ends with the assistant's turn, or the answer is no turn of the assistant's.
    case rolesMisplaced = "roles_misplaced"
    /// The format takes no empty text.
    case contentEmpty = "content_empty"
    /// The format is of texts.
    case toolContent = "tool_content"
    case toolResultsUnpaired = "tool_results_unpaired"
    case toolNameForm = "tool_name_form"
    case toolSchemaNotObject = "tool_schema_not_object"
    case toolArgumentsNotObject = "tool_arguments_not_object"
    case parallelCalls = "parallel_calls"
    case textAfterToolCall = "text_after_tool_call"
    /// A message of the format speaks or calls, never both.
    case contentBesideToolCalls = "content_beside_tool_calls"
    /// Two calls of the row would get the same id.
    case toolCallIDCollision = "tool_call_id_collision"
    case imageContent = "image_content"
    /// A link that the format does not take, or a file of another kind.
    case imageForm = "image_form"
    case tooManyImages = "too_many_images"
    /// The format needs to know which model was asked.
    case modelMissing = "model_missing"
    /// Arrow would read the column as times and lose how they were spelled.
    case timestampValue = "timestamp_value"
    case metadataKeyRepeated = "metadata_key_repeated"
    case weightOutOfRange = "weight_out_of_range"
    /// The schema of the answer is no JSON object.
    case responseSchemaNotObject = "response_schema_not_object"
}

/// What a line leaves out or changes of a row that it keeps, so that nothing is flattened silently.
package struct FormatChanges: OptionSet, Hashable, Sendable {
    /// One bit a change.
    package let rawValue: UInt32

    /// Wraps bits.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Reasoning is not in the row.
    package static let reasoningRemoved = FormatChanges(rawValue: 1)
    /// Several text parts are one text.
    package static let textPartsJoined = FormatChanges(rawValue: 2)
    /// That a tool failed is not in the row.
    package static let toolErrorFlagRemoved = FormatChanges(rawValue: 4)
    /// The tools that were offered are not in the row.
    package static let toolsRemoved = FormatChanges(rawValue: 8)
    /// Calls have other ids.
    package static let callIDsRewritten = FormatChanges(rawValue: 16)
    /// Calls have no ids; results follow in their order.
    package static let callIDsRemoved = FormatChanges(rawValue: 32)
    /// A tool's text is a member of an object.
    package static let toolResultWrapped = FormatChanges(rawValue: 64)
    /// The schema of the answer is not in the row.
    package static let responseSchemaRemoved = FormatChanges(rawValue: 128)
    /// Weights are not in the row.
    package static let weightsRemoved = FormatChanges(rawValue: 256)
    /// Worse answers are not in the row.
    package static let rejectedRemoved = FormatChanges(rawValue: 512)
    /// The reference is not in the row.
    package static let referenceRemoved = FormatChanges(rawValue: 1_024)
    /// The answer that was given is not in the row.
    package static let answerRemoved = FormatChanges(rawValue: 2_048)
    /// The answer that was given stands as the right one.
    package static let answerAsIdeal = FormatChanges(rawValue: 4_096)
    /// Signs of a template language are written so that they mean themselves.
    package static let templateSignsEscaped = FormatChanges(rawValue: 8_192)

    /// Every change and its name in the manifest, sorted by name.
    package static let named: [(name: String, change: FormatChanges)] = [
        ("answer_as_ideal", .answerAsIdeal), ("answer_removed", .answerRemoved), ("call_ids_removed", .callIDsRemoved),
        ("call_ids_rewritten", .callIDsRewritten), ("reasoning_removed", .reasoningRemoved),
        ("reference_removed", .referenceRemoved), ("rejected_removed", .rejectedRemoved),
        ("response_schema_removed", .responseSchemaRemoved), ("template_signs_escaped", .templateSignsEscaped),
        ("text_parts_joined", .textPartsJoined), ("tool_error_flag_removed", .toolErrorFlagRemoved),
        ("tool_result_wrapped", .toolResultWrapped), ("tools_removed", .toolsRemoved), ("weights_removed", .weightsRemoved),
    ]
}
