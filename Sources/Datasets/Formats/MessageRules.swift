// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The rules of a list of messages in the manner of OpenAI, as a table; kept apart from what the writers ask for.
struct MessageRules {
    enum Last {
        case assistant, notAssistant, user, any
    }

    var last = Last.assistant
    var calls = MessageWriting.Calls.nested
    var isUniform = false
    var hasImages = false
    var weightKey: String?
    var weightsAreFlags = false
    var systemFirst = false
    var alternates = false
    var hasMistralIDs = false
    /// Ids of calls are of at most 40 characters.
    var hasShortIDs = false
    var hasOpenAINames = false
    var speaksOrCalls = false
    var allowsTools = true
    var needsAssistant = false

    init(_ format: ExportFormat, isUniform: Bool, options: ExportOptions) {
        self.isUniform = isUniform
        switch format {
        case .openaiSFT: (hasOpenAINames, hasImages, weightKey) = (true, true, "weight")
        case .openaiDPO: (hasOpenAINames, last) = (true, .notAssistant)
        case .openaiRFT: (hasOpenAINames, hasImages, last) = (true, true, .user)
        case .mistral:
            (hasOpenAINames, hasMistralIDs, speaksOrCalls) = (true, true, true)
            (systemFirst, alternates, weightKey) = (true, true, "weight")
        case .together: (systemFirst, alternates, weightKey) = (true, true, options.preference ? nil : "weight")
        case .fireworks: (systemFirst, weightKey) = (true, options.preference ? nil : "weight")
        case .trl: calls = .nestedObject
        case .axolotl: (weightKey, weightsAreFlags) = ("train", true)
        case .inspect: (calls, hasImages, last) = (.flat, true, .notAssistant)
        case .openaiEvals: (allowsTools, last) = (false, .notAssistant)
        case .promptfoo, .plain: last = .notAssistant
        case .catalystSource: (hasImages, last) = (true, .notAssistant)
        case .catalystHF: hasImages = true
        case .chat, .vertexGemini, .sharegpt, .bedrockAnthropic, .lmEval: break
        }
        hasShortIDs = format.isOpenAI
        if isUniform { hasImages = false }
        if options.preference, format == .together || format == .fireworks || format == .trl { last = .notAssistant }
        if isUniform, !options.weights { weightKey = nil }
        needsAssistant = last == .assistant
    }
}

/// Checks one list of messages.
struct MessageCheck {
    let rules: MessageRules
    private var roles: [String] = []
    private var waiting: [[UInt8]] = []
    /// Images seen in all.
    private(set) var imageCount = 0

    init(_ rules: MessageRules) { self.rules = rules }

    mutating func check(_ list: JSONNode, _ place: String, _ found: inout LineFindings) {
        guard list.kind == .array else { return found.add(list.isNull ? .valueNull : .valueType, place) }
        guard list.isFilled else { return found.add(.messagesEmpty, place) }
        for (position, message) in list.elements.enumerated() { check(one: message, "\(place)[\(position)]", &found) }
        checkOrder(place, &found)
        if imageCount > FormatLimits.imagesPerRow { found.add(.tooManyImages, place) }
    }

    /// Checks the assistant's message where it stands alone, as an answer does.
    mutating func check(answer message: JSONNode, _ place: String, _ found: inout LineFindings) {
        guard message.text("role") == "assistant" else { return found.add(.responseForm, place) }
        check(one: message, place, &found)
    }

    private mutating func check(one message: JSONNode, _ place: String, _ found: inout LineFindings) {
        let role = message.text("role") ?? ""
        guard found.object(message, required: required(role), optional: optional(role), place) else { return }
        let known = rules.allowsTools ? ["system", "user", "assistant", "tool"] : ["system", "user", "assistant"]
        guard known.contains(role) else { return found.add(.roleUnknown, "\(place).role") }
        roles.append(role)
        checkContent(message, role, place, &found)
        if role == "tool" {
            checkResult(message, place, &found)
        } else {
            if !waiting.isEmpty { found.add(.toolCallUnanswered, place) }
            waiting = []
        }
        let calls = callList(message, place, &found)
        if role == "assistant" { checkCalls(calls, message, place, &found) }
        if rules.speaksOrCalls, role == "assistant", calls?.isFilled != true, message.text("content")?.utf8.isEmpty == true {
            found.add(.contentEmpty, place)
        }
        if role != "assistant", calls?.isFilled == true { found.add(.toolCallForm, "\(place).tool_calls") }
        checkWeight(message, role, place, &found)
    }

    private func required(_ role: String) -> [String] {
        var keys = ["role", "content"]
        if rules.isUniform {
            if rules.allowsTools { keys += ["tool_calls", "tool_call_id"] }
            if let weightKey = rules.weightKey { keys.append(weightKey) }
        } else if role == "tool" {
            keys.append("tool_call_id")
        }
        return keys
    }

    private func optional(_ role: String) -> [String] {
        if rules.isUniform { return [] }
        switch role {
        case "assistant": return (rules.allowsTools ? ["tool_calls"] : []) + (rules.weightKey.map { [$0] } ?? [])
        case "tool": return rules.calls == .flat ? ["function"] : []
        default: return rules.weightKey.map { [$0] } ?? []
        }
    }

    private mutating func checkContent(_ message: JSONNode, _ role: String, _ place: String, _ found: inout LineFindings) {
        guard let content = message.present("content") else { return }
        let inside = "\(place).content"
        if content.string != nil { return }
        guard content.kind == .array, rules.hasImages, !rules.isUniform else { return found.add(.contentNotString, inside) }
        guard role == "user" else {
            let hasImage = content.elements.contains { $0.text("type") != "text" }
            return found.add(hasImage ? .imageMisplaced : .contentNotString, inside)
        }
        guard content.isFilled else { return found.add(.partsEmpty, inside) }
        for (position, part) in content.elements.enumerated() { checkPart(part, "\(inside)[\(position)]", &found) }
    }

    private mutating func checkPart(_ part: JSONNode, _ place: String, _ found: inout LineFindings) {
        switch part.text("type") {
        case "text": if part.text("text") == nil { found.add(.partForm, place) }
        case "image_url" where rules.calls != .flat:
            imageCount += 1
            guard let url = part["image_url"]?.text("url"), ImageLink.isLink(url) else { return found.add(.imageForm, place) }
        case "image" where rules.calls == .flat:
            imageCount += 1
            guard let url = part.text("image"), ImageLink.isLink(url) else { return found.add(.imageForm, place) }
        default: found.add(.partForm, place)
        }
    }

    private mutating func checkResult(_ message: JSONNode, _ place: String, _ found: inout LineFindings) {
        guard let id = found.text(message, "tool_call_id", place) else { return }
        checkID(id, "\(place).tool_call_id", &found)
        guard let position = waiting.firstIndex(of: Array(id.utf8)) else {
            return found.add(.toolResultOrphan, "\(place).tool_call_id")
        }
        waiting.remove(at: position)
    }

    private func checkWeight(_ message: JSONNode, _ role: String, _ place: String, _ found: inout LineFindings) {
        guard let key = rules.weightKey, let weight = message.present(key) else { return }
        let inside = "\(place).\(key)"
        if rules.weightsAreFlags {
            if weight.bool == nil { found.add(.weightForm, inside) }
        } else if weight.int != 0, weight.int != 1 {
            found.add(.weightForm, inside)
        }
        if role != "assistant", !rules.isUniform { found.add(.weightMisplaced, inside) }
    }

    private func checkOrder(_ place: String, _ found: inout LineFindings) {
        let last = roles.last ?? ""
        let end = "\(place)[\(max(roles.count, 1) - 1)]"
        switch rules.last {
        case .assistant: if last != "assistant" { found.add(.lastMessageNotAssistant, end) }
        case .notAssistant: if last == "assistant" { found.add(.lastMessageAssistant, end) }
        case .user: if last != "user" { found.add(.lastMessageNotUser, end) }
        case .any: break
        }
        if rules.needsAssistant, !roles.contains("assistant") { found.add(.noAssistantMessage, place) }
        if rules.last != .any, !roles.contains("user") { found.add(.noUserMessage, place) }
        // Calls of the last message wait for nobody.
        if !waiting.isEmpty, last == "tool" { found.add(.toolCallUnanswered, end) }
        if rules.systemFirst, roles.dropFirst().contains("system") { found.add(.systemNotFirst, place) }
        if rules.alternates, !RoleOrder.alternates(roles) { found.add(.rolesDoNotAlternate, place) }
    }
}

extension MessageCheck {
    /// The calls of a message as a list, whichever way the file holds them.
    private func callList(_ message: JSONNode, _ place: String, _ found: inout LineFindings) -> JSONNode? {
        guard rules.allowsTools, message.present("tool_calls") != nil else { return nil }
        return found.json(message, "tool_calls", asText: rules.isUniform, kind: .array, place)
    }

    private mutating func checkCalls(_ calls: JSONNode?, _ message: JSONNode, _ place: String, _ found: inout LineFindings) {
        guard let calls else { return }
        let inside = "\(place).tool_calls"
        guard calls.isFilled else {
            if !rules.isUniform { found.add(.toolCallForm, inside) }
            return
        }
        if rules.speaksOrCalls, message.filledText("content") != nil { found.add(.contentBesideToolCalls, place) }
        for (position, call) in calls.elements.enumerated() {
            let at = "\(inside)[\(position)]"
            guard let id = call.text("id"), call.text("type") == "function" else {
                found.add(.toolCallForm, at)
                continue
            }
            checkID(id, "\(at).id", &found)
            if waiting.contains(Array(id.utf8)) { found.add(.toolCallIDRepeated, "\(at).id") }
            waiting.append(Array(id.utf8))
            checkFunction(call, at, &found)
        }
    }

    private func checkFunction(_ call: JSONNode, _ place: String, _ found: inout LineFindings) {
        let function = rules.calls == .flat ? call : call.present("function")
        let name = rules.calls == .flat ? call.text("function") : function?.text("name")
        guard let function, let name, function.kind == .object else { return found.add(.toolCallForm, place) }
        if name.utf8.isEmpty || (rules.hasOpenAINames && !ToolName.isOpenAI(name.utf8)) {
            found.add(.toolNameForm, place)
        }
        guard let arguments = function.present("arguments") else { return found.add(.toolCallForm, place) }
        guard rules.calls == .nested else {
            if arguments.kind != .object { found.add(.argumentsNotObject, place) }
            return
        }
        guard let text = arguments.string else { return found.add(.argumentsNotString, place) }
        if JSONDocument.read(text.utf8)?.root.kind != .object { found.add(.argumentsNotObject, place) }
    }

    private func checkID(_ id: String, _ place: String, _ found: inout LineFindings) {
        var isGood = rules.hasMistralIDs ? id.utf8.count == 9 && id.utf8.allSatisfy(ToolName.isAlphanumeric) : !id.utf8.isEmpty
        if rules.hasShortIDs, id.unicodeScalars.count > FormatLimits.callIDScalars { isGood = false }
        if !isGood { found.add(.toolCallIDForm, place) }
    }
}

/// The order of roles where user and assistant take turns.
enum RoleOrder {
    /// System first if at all; then user and assistant in turn, the user first; after a tool speaks the assistant.
    static func alternates(_ roles: [String]) -> Bool {
        var expected = ["user"]
        for role in roles where role != "system" {
            if !expected.contains(role) { return false }
            switch role {
            case "user": expected = ["assistant"]
            case "assistant": expected = ["user", "tool"]
            default: expected = ["assistant", "tool"]
            }
        }
        return true
    }
}
