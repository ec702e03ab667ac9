// SPDX-License-Identifier: Apache-2.0

/// Why a record gives no row: a closed list, so that the funnel adds up.
///
/// Thrown by the readers, counted by the build.
package enum DropReason: String, Error, CaseIterable, Sendable {
    // Not a finished exchange.
    case payloadUnreadable = "payload_unreadable"
    /// Its batch is encrypted with a key that is not in the key file.
    case keyMissing = "key_missing"
    case duplicateRecord = "duplicate_record"
    case outcomeNotCompleted = "outcome_not_completed"
    case statusNotOK = "status_not_ok"
    case apiNotSupported = "api_not_supported"
    /// Embeddings and the like.
    case notAConversation = "not_a_conversation"
    case bodyNotKept = "body_not_kept"
    case bodyTooLarge = "body_too_large"
    case conversationTooLong = "conversation_too_long"
    // The request.
    case requestNotJSON = "request_not_json"
    case requestMalformed = "request_malformed"
    /// The provider keeps part of the history (`previous_response_id`, `conversation`, item references).
    case incompleteHistory = "incomplete_history"
    /// The request continues a response that was not recorded, or that continues itself.
    case historyMissing = "history_missing"
    /// The prompt begins with a text that the provider keeps (Gemini's `cachedContent`).
    case cachedPrefix = "cached_prefix"
    /// The prompt is one text and not a list of messages.
    case textCompletion = "text_completion"
    /// The provider keeps the prompt (`prompt`).
    case promptTemplate = "prompt_template"
    case legacyFunctions = "legacy_functions"
    case builtinToolOffered = "builtin_tool_offered"
    case builtinToolItem = "builtin_tool_item"
    case unknownRole = "unknown_role"
    case namedParticipant = "named_participant"
    /// The last message is the assistant's, and providers differ in whether the answer continues it.
    case ambiguousPrefill = "ambiguous_prefill"
    case noUserTurn = "no_user_turn"
    case orphanToolResult = "orphan_tool_result"
    case unansweredToolCall = "unanswered_tool_call"
    // The answer.
    case answerMissing = "answer_missing"
    case answerNotJSON = "answer_not_json"
    case answerMalformed = "answer_malformed"
    case inBandError = "in_band_error"
    case streamCut = "stream_cut"
    case finishReasonMissing = "finish_reason_missing"
    case finishReasonUnaccepted = "finish_reason_unaccepted"
    case truncatedAnswer = "truncated_answer"
    case contentFiltered = "content_filtered"
    case refusal
    /// The provider could not read the model's own call of a tool.
    case malformedToolCall = "malformed_tool_call"
    case emptyAnswer = "empty_answer"
    /// The provider itself cut the history before the model saw it.
    case serverEditedContext = "server_edited_context"
    // What the row's form cannot say.
    case imageContent = "image_content"
    case audioContent = "audio_content"
    case fileContent = "file_content"
    case unknownContent = "unknown_content"
    case textAfterToolCall = "text_after_tool_call"
    case toolArgumentsNotJSON = "tool_arguments_not_json"
    /// Arguments came in pieces with a path each (Vertex), which are no text of the model's.
    case streamedArguments = "streamed_arguments"
    // Choice among good exchanges.
    /// A later request of the same conversation holds all of it.
    case superseded
    /// Another record has the same prompt and the same answer.
    case duplicateConversation = "duplicate_conversation"
    /// Enough rows of its group were taken.
    case overGroupLimit = "over_group_limit"
    case overLimit = "over_limit"
    // Separation.
    /// It is in the eval pool, and one of its views has too few tokens to tell it from others.
    case tooShortForEval = "too_short_for_eval"
    /// It is in the eval pool, and what the gate would have to keep of it is too much for the ledger.
    case tooLongForEval = "too_long_for_eval"
    /// Its group has a row in an eval set: it is trained on no more.
    case groupOfEval = "group_of_eval"
    /// It is in the eval pool, and shares too much with what an earlier build trained on.
    case nearTrained = "near_trained"
    /// Feedback: its answers have only scores below the recipe's bound.
    case lowFeedback = "low_feedback"
    /// The gate: it shares too much with a row that is, or ever was, in an eval set.
    case nearEval = "near_eval"
    // Quality filters (`QualityFilters`).
    /// The text of the answer, or of the last question, is not in a language that the recipe wants.
    case languageUnwanted = "language_unwanted"
    /// Text that was decoded by the wrong character set, or with replacement characters in it.
    case mojibake
    case promptTooShort = "prompt_too_short"
    case promptTooLong = "prompt_too_long"
    case answerTooShort = "answer_too_short"
    case answerTooLong = "answer_too_long"
    /// The answer says the same again and again.
    case repetitionLoop = "repetition_loop"
    /// The answer begins with words of refusal; a flag, unless the recipe says otherwise.
    case refusalPhrase = "refusal_phrase"
    case unknownTool = "unknown_tool"
    case toolCallViolatesSchema = "tool_call_violates_schema"
    case structuredOutputNotJSON = "structured_output_not_json"
    case structuredOutputViolatesSchema = "structured_output_violates_schema"
}
