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
    /// Two tools that were offered have the same name.
    case toolNameRepeated = "tool_name_repeated"
    case tooManyTools = "too_many_tools"
    case toolSchemaNotObject = "tool_schema_not_object"
    /// A tool's schema is none of the draft that the service reads.
    case toolSchemaForm = "tool_schema_form"
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
    /// A schema, or the arguments of a call, would be nested deeper in the line than JSON is read.
    case nestedTooDeep = "nested_too_deep"
    /// The line would be longer than `FormatLimits.lineBytes`.
    case lineTooLong = "line_too_long"
    /// The schema of the answer is no JSON object.
    case responseSchemaNotObject = "response_schema_not_object"
}
