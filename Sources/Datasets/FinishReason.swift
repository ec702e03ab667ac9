// SPDX-License-Identifier: Apache-2.0

/// The provider's word for why it stopped.
enum FinishReason {
    /// Lets pass only an answer that ended of itself.
    ///
    /// - Parameter word: of any API; where one word means two things in two of them, both mean the same to a row.
    /// - Returns: whether the word says that the model refused.
    /// - Throws: what went wrong instead.
    @discardableResult static func check(_ word: String?) throws(DropReason) -> Bool {
        guard let word, !word.utf8.isEmpty else { throw .finishReasonMissing }
        if ended.contains(word) { return false }
        if word == "refusal" { return true }
        if cut.contains(word) { throw .truncatedAnswer }
        if filtered.contains(word) { throw .contentFiltered }
        if misspoken.contains(word) { throw .malformedToolCall }
        switch word {
        case "function_call": throw .legacyFunctions
        case "error", "ERROR", "TIMEOUT", "insufficient_system_resource", "network_error": throw .inBandError
        default: throw .finishReasonUnaccepted
        }
    }

    private static let ended: Set<String> = [
        "stop", "end_turn", "tool_use", "tool_calls", "completed", "stop_sequence", "eos", "eos_token", "STOP", "COMPLETE",
        "TOOL_CALL", "STOP_SEQUENCE",
    ]
    private static let cut: Set<String> = [
        "length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "model_length", "MAX_TOKENS", "ERROR_LIMIT",
    ]
    private static let filtered: Set<String> = [
        "content_filter", "content_filtered", "guardrail_intervened", "sensitive", "ERROR_TOXIC", "SAFETY", "RECITATION",
        "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR",
    ]
    private static let misspoken: Set<String> = [
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "malformed_tool_use", "malformed_model_output",
    ]
}
