// SPDX-License-Identifier: Apache-2.0

/// A rule of a format that a line or a file may break.
package enum FormatRule: String, CaseIterable, Sendable {
    // Lines.
    case lineTooLong = "line-too-long"
    case lineNotJSON = "line-not-json"
    case rowNotObject = "row-not-object"
    case keyRepeated = "key-repeated"
    case keyMissing = "key-missing"
    case keyUnknown = "key-unknown"
    case valueNull = "value-null"
    case valueType = "value-type"
    case jsonText = "json-text"
    // Messages.
    case messagesEmpty = "messages-empty"
    case tooFewMessages = "too-few-messages"
    case roleUnknown = "role-unknown"
    case contentNotString = "content-not-string"
    case contentEmpty = "content-empty"
    case noAssistantMessage = "no-assistant-message"
    case noUserMessage = "no-user-message"
    case firstMessageNotUser = "first-message-not-user"
    case lastMessageNotAssistant = "last-message-not-assistant"
    case lastMessageNotUser = "last-message-not-user"
    case lastMessageAssistant = "last-message-assistant"
    case systemNotFirst = "system-not-first"
    case rolesDoNotAlternate = "roles-do-not-alternate"
    case weightForm = "weight-form"
    case weightMisplaced = "weight-not-on-assistant"
    // Tools.
    case toolForm = "tool-form"
    case toolNameForm = "tool-name-form"
    case toolNameRepeated = "tool-name-repeated"
    case toolSchemaForm = "tool-schema-form"
    case toolsEmpty = "tools-empty"
    case tooManyTools = "too-many-tools"
    case toolCallForm = "tool-call-form"
    case toolCallIDForm = "tool-call-id-form"
    case toolCallIDRepeated = "tool-call-id-repeated"
    case toolCallUnanswered = "tool-call-unanswered"
    case toolResultOrphan = "tool-result-orphan"
    case argumentsNotString = "arguments-not-string"
    case argumentsNotObject = "arguments-not-object"
    case contentBesideToolCalls = "content-beside-tool-calls"
    case parallelCalls = "parallel-calls"
    // Images and parts.
    case partForm = "part-form"
    case partsEmpty = "parts-empty"
    case imageMisplaced = "image-not-in-user-message"
    case imageForm = "image-form"
    case tooManyImages = "too-many-images"
    // Pairs.
    case outputNotOneMessage = "output-not-one-message"
    case outputNotAssistant = "output-not-assistant"
    case outputsEqual = "outputs-equal"
    // Evaluations.
    case templateSign = "template-sign"
    case variableNotText = "variable-not-text"
    case assertForm = "assert-form"
    // Catalyst.
    case modelMissing = "model-missing"
    case responseForm = "response-form"
    // Uniform files.
    case uniformKeys = "uniform-keys"
    case uniformType = "uniform-type"
    case uniformEmptyList = "uniform-empty-list"
    case timestampValue = "timestamp-value"
    case tooDeep = "too-deep"
    // Files.
    case shapesMixed = "shapes-mixed"
    case tooFewRows = "too-few-rows"
    case tooManyRows = "too-many-rows"

    /// What to do.
    package var remedy: String {
        switch self {
        case .lineTooLong: "the line is longer than \(FormatLimits.lineBytes) bytes: leave the row out"
        case .lineNotJSON: "the line is not one JSON text in UTF-8: write one object a line"
        case .rowNotObject: "the row is no JSON object: write {...}"
        case .keyRepeated: "the key stands twice: keep one"
        case .keyMissing: "the key is missing: add it"
        case .keyUnknown: "the format does not know the key: remove it"
        case .valueNull: "null is refused: leave the key out, or write an empty value"
        case .valueType: "the value is of another JSON type than the format wants: see its summary"
        case .jsonText: "the text must hold JSON: write the value as one JSON text"
        case .messagesEmpty: "there is no message: leave the row out"
        case .tooFewMessages: "at least two messages are wanted: leave the row out"
        case .roleUnknown: "the format does not know the role: use one that it names"
        case .contentNotString: "content must be a string here: join the parts, or leave the row out"
        case .contentEmpty: "empty text is refused: leave the row out"
        case .noAssistantMessage: "nothing can be learned without an assistant's message: add the answer"
        case .noUserMessage: "there is no message of the user's: leave the row out"
        case .firstMessageNotUser: "the first message must be the user's: cut what stands before it"
        case .lastMessageNotAssistant: "the last message must be the assistant's: cut what follows it"
        case .lastMessageNotUser: "the last message must be the user's: put the answer into the reference"
        case .lastMessageAssistant: "the prompt must not end with the assistant's message: move it to the outputs"
        case .systemNotFirst: "a system message may only be the first: leave the row out"
        case .rolesDoNotAlternate: "user and assistant must take turns: leave the row out"
        case .weightForm: "a weight is the number 0 or 1 (Axolotl: true or false)"
        case .weightMisplaced: "only the assistant's messages have a weight: remove it"
        case .toolForm: "a tool is {type: function, function: {name, description, parameters: {...}}}"
        case .toolNameForm:
            "a name of a tool is 1 to 64 letters, digits, _ and - (Gemini: . too, a letter or _ first): rename it everywhere"
        case .toolNameRepeated: "two tools have the same name: keep one"
        case .toolSchemaForm: "the schema is none that the service reads (Gemini: write it as parametersJsonSchema)"
        case .toolsEmpty: "an empty list of tools is refused: leave the key out"
        case .tooManyTools: "at most \(FormatLimits.toolsPerRow) tools may be offered: leave the row out"
        case .toolCallForm: "a call is {id, type: function, function: {name, arguments}} (Inspect: function is the name)"
        case .toolCallIDForm:
            "an id is a text that is not empty (OpenAI: of at most 40 characters; Mistral: exactly nine letters and digits)"
        case .toolCallIDRepeated: "two calls of one message have the same id: give each its own"
        case .toolCallUnanswered: "each call before the last message needs its result right after it"
        case .toolResultOrphan: "the result answers no call of the message before it: remove it, or correct the id"
        case .argumentsNotString: "arguments must be a JSON text here: put them into a string"
        case .argumentsNotObject: "arguments must be a JSON object"
        case .contentBesideToolCalls: "a message speaks or calls, never both: leave the row out"
        case .parallelCalls: "one call a turn is all the format can say: leave the row out"
        case .partForm: "the part is of no kind that the format knows"
        case .partsEmpty: "a content without parts is refused: remove it"
        case .imageMisplaced: "images may stand in the user's messages only: leave the row out"
        case .imageForm: "an image is an https link or a data: URL of a JPEG, PNG or WEBP (Gemini: fileUri and mimeType)"
        case .tooManyImages:
            "at most \(FormatLimits.imagesPerRow) images a row and \(FormatLimits.imagesPerFile) a file: leave rows out"
        case .outputNotOneMessage: "an output is a list of exactly one message"
        case .outputNotAssistant: "an output's message must be the assistant's"
        case .outputsEqual: "both outputs are the same and teach nothing: leave the row out"
        case .templateSign: "the text would be rendered as a template or loaded as a file: escape its first sign"
        case .variableNotText: "a variable must be a text, since a list becomes a matrix of tests: write it as a JSON text"
        case .assertForm: "an assertion is {type, value}"
        case .modelMissing: "the request must name its model"
        case .responseForm: "the response is null or a chat completion with one choice, whose message is the assistant's"
        case .uniformKeys: "the keys or their order differ from row 1: write all keys in every row and message"
        case .uniformType: "the JSON type differs from row 1: write what varies as a JSON text"
        case .uniformEmptyList: "an empty list has no type: write it as a JSON text, or leave the row out"
        case .timestampValue: "a column of nothing but times would be read as times: spell it otherwise"
        case .tooDeep: "the row is nested deeper, or has more keys, than a uniform file may"
        case .shapesMixed: "the row has another shape than row 1: write one shape a file"
        case .tooFewRows: "the file has too few rows for the service: add some"
        case .tooManyRows: "the file has too many rows for the service: split it"
        }
    }
}

/// A rule that a line breaks, and where.
package struct FormatViolation: Equatable, Sendable, CustomStringConvertible {
    /// The line's number from 1; 0 for the file as a whole.
    package let row: Int64
    /// The place in the row: `messages[2].tool_calls[0].id`; empty for all of it.
    package let place: String
    /// The broken rule.
    package let rule: FormatRule

    /// Row, place, what to do, and the rule's name.
    package var description: String {
        let whole = row == 0 ? "file" : "row \(row)"
        return "\(whole)\(place.isEmpty ? "" : ", \(place)"): \(rule.remedy) [\(rule.rawValue)]"
    }
}
