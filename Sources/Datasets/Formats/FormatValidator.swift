// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Checks a file of a format, one line after another.
///
/// Holds the shape of row 1 and a few counts, whatever the size of the file. Judges any file, not only ours.
package struct FormatValidator: Sendable {
    /// What the file claims to be.
    package let format: ExportFormat
    /// How strictly it keeps to one shape.
    package let profile: ExportProfile
    /// Lines seen.
    package private(set) var rows: Int64 = 0
    private var options: ExportOptions
    private var shape = UniformShape()
    private var images: Int64 = 0
    private var isPairs: Bool?

    /// A validator before the first line.
    ///
    /// - Parameters:
    ///   - format: what the file claims to be.
    ///   - profile: how strictly it keeps to one shape.
    ///   - options: `weights` and `toolsInShareGPT` as when it was written; pairs are known by row 1.
    package init(_ format: ExportFormat, profile: ExportProfile, options: ExportOptions = ExportOptions()) {
        self.format = format
        self.profile = profile
        self.options = options
    }

    /// Checks the next line.
    ///
    /// - Parameter line: without its newline.
    /// - Returns: the rules that it breaks, in the order of their places; at most `FormatLimits.violationsPerLine`.
    package mutating func check(_ line: some Collection<UInt8>) -> [FormatViolation] {
        rows += 1
        var found = LineFindings(row: rows)
        guard line.count <= FormatLimits.lineBytes else {
            found.add(.lineTooLong)
            return found.violations
        }
        guard let root = JSONDocument.read(line)?.root else {
            found.add(.lineNotJSON)
            return found.violations
        }
        guard root.kind == .object else {
            found.add(.rowNotObject)
            return found.violations
        }
        learnShape(root, &found)
        var check = RowCheck(format: format, isUniform: profile == .arrowUniform, options: options)
        check.row(root, &found)
        images += Int64(check.imageCount)
        if profile == .arrowUniform { shape.check(root, &found) }
        return found.violations
    }

    /// Checks what only the whole file shows.
    ///
    /// - Returns: the broken rules, with row 0.
    package func finish() -> [FormatViolation] {
        var found = LineFindings(row: 0)
        let bounds = FormatValidator.rowCounts(format, isPairs: isPairs ?? false)
        if rows < bounds.lowerBound { found.add(.tooFewRows) }
        if rows > bounds.upperBound { found.add(.tooManyRows) }
        if format == .openaiSFT, images > FormatLimits.imagesPerFile { found.add(.tooManyImages) }
        return found.violations
    }

    /// Whether the file is of pairs follows from row 1; rows of the other kind break a rule.
    private mutating func learnShape(_ root: JSONNode, _ found: inout LineFindings) {
        guard format == .together || format == .fireworks || format == .trl else { return }
        let isPair = root["preferred_output"] != nil || root["chosen"] != nil
        if let isPairs, isPairs != isPair { found.add(.shapesMixed) }
        if isPairs == nil { isPairs = isPair }
        options.preference = isPair
    }

    /// How many rows a service takes.
    static func rowCounts(_ format: ExportFormat, isPairs: Bool) -> ClosedRange<Int64> {
        switch format {
        case .openaiSFT, .openaiDPO: 10...Int64.max
        case .fireworks: 3...3_000_000
        case .chat: 0...Int64.max
        default: 1...Int64.max
        }
    }
}

/// Checks one row of a format.
struct RowCheck {
    let format: ExportFormat
    let isUniform: Bool
    let options: ExportOptions
    var imageCount = 0

    init(format: ExportFormat, isUniform: Bool, options: ExportOptions) {
        self.format = format
        self.isUniform = isUniform
        self.options = options
    }

    mutating func row(_ root: JSONNode, _ found: inout LineFindings) {
        switch format {
        case .chat, .openaiSFT, .mistral, .axolotl: conversation(root, &found)
        case .together, .fireworks: options.preference ? pair(root, &found) : conversation(root, &found)
        case .trl: options.preference ? promptPair(root, &found) : conversation(root, &found)
        case .openaiDPO: pair(root, &found)
        case .openaiRFT: graded(root, &found)
        case .vertexGemini: gemini(root, &found)
        case .sharegpt: shareGPT(root, &found)
        case .bedrockAnthropic: anthropicText(root, &found)
        case .openaiEvals: openaiEvals(root, &found)
        case .inspect: inspect(root, &found)
        case .promptfoo: promptfoo(root, &found)
        case .lmEval: lmEval(root, &found)
        case .plain: plain(root, &found)
        case .catalystSource: catalystSource(root, &found)
        case .catalystHF: catalystHF(root, &found)
        }
    }

    mutating func messages(
        _ list: JSONNode?, _ place: String, _ found: inout LineFindings, _ adapt: (inout MessageRules) -> Void = { _ in }
    ) {
        guard let list else { return }
        var rules = MessageRules(format, isUniform: isUniform, options: options)
        adapt(&rules)
        var check = MessageCheck(rules)
        check.check(list, place, &found)
        imageCount += check.imageCount
    }

    /// Keys that a row must have beside those that it always has, in a uniform file, or may have in a strict one.
    private func varying(_ keys: [String]) -> (required: [String], optional: [String]) { isUniform ? (keys, []) : ([], keys) }

    private mutating func conversation(_ root: JSONNode, _ found: inout LineFindings) {
        let tools = varying(["tools"])
        let extra = format == .openaiSFT && !isUniform ? ["parallel_tool_calls"] : []
        guard found.object(root, required: ["messages"] + tools.required, optional: tools.optional + extra, "") else { return }
        messages(root["messages"], "messages", &found)
        checkTools(root, "", &found)
        if let flag = root.present("parallel_tool_calls"), flag.kind != .bool { found.add(.valueType, "parallel_tool_calls") }
    }

    private mutating func pair(_ root: JSONNode, _ found: inout LineFindings) {
        let keys = ["input", "preferred_output", "non_preferred_output"]
        guard found.object(root, required: keys, "") else { return }
        if let input = root.present("input") {
            let tools = varying(["tools"])
            let extra = isUniform ? [] : ["parallel_tool_calls"]
            if found.object(input, required: ["messages"] + tools.required, optional: tools.optional + extra, "input") {
                messages(input["messages"], "input.messages", &found)
                checkTools(input, "input", &found)
            }
        }
        outputs(root, "preferred_output", "non_preferred_output", &found)
    }

    private mutating func promptPair(_ root: JSONNode, _ found: inout LineFindings) {
        let tools = varying(["tools"])
        let keys = ["prompt", "chosen", "rejected"] + tools.required
        guard found.object(root, required: keys, optional: tools.optional, "") else { return }
        messages(root["prompt"], "prompt", &found)
        outputs(root, "chosen", "rejected", &found)
        checkTools(root, "", &found)
    }

    private mutating func outputs(_ root: JSONNode, _ first: String, _ second: String, _ found: inout LineFindings) {
        for key in [first, second] {
            guard let list = root.present(key) else { continue }
            guard list.kind == .array, list.elements.reduce(0, { count, _ in count + 1 }) == 1, let message = list.elements.first
            else {
                found.add(.outputNotOneMessage, key)
                continue
            }
            guard message.text("role") == "assistant" else {
                found.add(.outputNotAssistant, "\(key)[0].role")
                continue
            }
            messages(list, key, &found) { ($0.last, $0.alternates) = (.any, false) }
        }
        guard let one = root.present(first), let other = root.present(second) else { return }
        if JSONText.compact(one) == JSONText.compact(other) { found.add(.outputsEqual, second) }
    }

    private mutating func graded(_ root: JSONNode, _ found: inout LineFindings) {
        // What is beside the messages is the grader's: any key, any value but null.
        let others = root.members.compactMap { $0.key.string }.filter { $0 != "messages" && $0 != "tools" }
        let tools = varying(["tools"])
        guard found.object(root, required: ["messages"] + tools.required, optional: tools.optional + others, "") else { return }
        messages(root["messages"], "messages", &found)
        checkTools(root, "", &found)
        if isUniform { _ = found.json(root, "metadata", asText: true, kind: .object, "") }
    }

    private mutating func plain(_ root: JSONNode, _ found: inout LineFindings) {
        let tools = varying(["tools"])
        let keys = ["id", "input", "ideal", "metadata"] + tools.required
        guard found.object(root, required: keys, optional: tools.optional, "") else { return }
        if let input = found.json(root, "input", asText: isUniform, kind: .array, "") {
            messages(input, "input", &found) { $0.isUniform = false }
        }
        for key in ["id", "ideal"] { _ = found.text(root, key, "") }
        checkTools(root, "", &found)
        _ = found.json(root, "metadata", asText: isUniform, kind: .object, "")
    }

    private mutating func catalystHF(_ root: JSONNode, _ found: inout LineFindings) {
        let tools = varying(["tools"])
        guard found.object(root, required: ["messages"] + tools.required, optional: ["id"] + tools.optional, "") else { return }
        messages(root["messages"], "messages", &found)
        _ = found.text(root, "id", "")
        checkTools(root, "", &found)
    }

    private mutating func catalystSource(_ root: JSONNode, _ found: inout LineFindings) {
        guard found.object(root, required: ["request", "response"], nullable: ["response"], "") else { return }
        if let request = found.json(root, "request", asText: isUniform, kind: .object, "") {
            if request.filledText("model") == nil { found.add(.modelMissing, "request.model") }
            if request["messages"] == nil { found.add(.keyMissing, "request.messages") }
            messages(request["messages"], "request.messages", &found) { $0.isUniform = false }
            checkTools(request, "request", asText: false, &found)
        }
        guard var response = root.present("response") else { return }
        if isUniform {
            guard let read = response.string.flatMap({ JSONDocument.read($0.utf8) }) else {
                return found.add(.jsonText, "response")
            }
            response = read.root
            if response.isNull { return }
        }
        guard let choice = response["choices"]?[0], response["choices"]?[1] == nil, let message = choice.present("message") else {
            return found.add(.responseForm, "response")
        }
        var rules = MessageRules(format, isUniform: isUniform, options: options)
        rules.isUniform = false
        var check = MessageCheck(rules)
        check.check(answer: message, "response.choices[0].message", &found)
        imageCount += check.imageCount
    }
}
