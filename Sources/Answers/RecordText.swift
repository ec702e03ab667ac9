// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Records as a person reads them; nothing in a record can steer a terminal.
package enum RecordText {
    /// One exchange in one line: when, task, provider, model, status, duration, bytes, id.
    ///
    /// - Parameters:
    ///   - record: the exchange.
    ///   - reading: what its bodies say.
    /// - Returns: the line, without a newline.
    package static func line(_ record: ExchangeRecord, reading: ExchangeReading) -> String {
        let head = record.head
        let status = head.status.map(String.init) ?? "-"
        let bytes = HumanUnits.bytes(record.requestBody.wireByteCount &+ record.responseBody.wireByteCount)
        let cells: [(text: String, width: Int, isNumber: Bool)] = [
            (CalendarTime.text(us: head.startedAtUs), 20, false),
            (TerminalCell.shown(head.attribution.task), 16, false),
            (head.provider.isEmpty ? "-" : TerminalCell.shown(head.provider), 10, false),
            ((reading.modelResponded ?? reading.modelRequested).map(TerminalCell.shown) ?? "-", 24, false),
            (status, 3, true),
            (head.endedUs.map { HumanUnits.duration(us: $0) } ?? "-", 8, true),
            (bytes, 8, true),
            (head.id.description, 36, false),
        ]
        let words = cells.map { cell in
            let gap = String(repeating: " ", count: max(0, cell.width - cell.text.count))
            return cell.isNumber ? gap + cell.text : cell.text + gap
        }
        let outcome = head.outcome == .completed ? "" : "  " + head.outcome.rawValue
        return words.joined(separator: "  ") + outcome
    }

    /// A whole exchange: its head, its headers, then its bodies as text.
    ///
    /// - Parameters:
    ///   - record: the exchange.
    ///   - reading: what its bodies say.
    /// - Returns: lines, each with a newline.
    package static func page(_ record: ExchangeRecord, reading: ExchangeReading) -> String {
        var lines = summary(record, reading: reading)
        lines.append("")
        lines.append("request   " + safe("\(record.head.method) \(target(record.head))"))
        lines += headers(record.requestHeaders)
        lines += body(record.requestBody)
        lines.append("")
        lines.append("answer    " + (record.head.status.map(String.init) ?? "none"))
        lines += headers(record.responseHeaders)
        lines += body(record.responseBody)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func summary(_ record: ExchangeRecord, reading: ExchangeReading) -> [String] {
        let head = record.head
        let own = head.attribution
        var pairs: [(String, String?)] = [
            ("exchange", head.id.description), ("started", CalendarTime.text(us: head.startedAtUs)), ("node", head.node),
            ("task", own.task), ("environment", own.environment),
            (
                "metadata",
                own.metadata.isEmpty ? nil : own.metadata.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
            ), ("key", head.keyID), ("provider", head.provider.isEmpty ? nil : head.provider), ("api", head.api?.rawValue),
            ("model", reading.modelResponded ?? reading.modelRequested), ("upstream", head.upstreamURL),
            ("outcome", head.outcome.rawValue), ("error", error(head, reading)), ("times", times(head, reading)),
            ("tokens", tokens(reading.usage)), ("finish", reading.finishReason),
        ]
        if record.attempts.count > 1 { pairs.append(("attempts", "\(record.attempts.count)")) }
        return pairs.compactMap { name, value in
            value.map { name + String(repeating: " ", count: max(1, 12 - name.count)) + safe($0) }
        }
    }

    private static func error(_ head: ExchangeHead, _ reading: ExchangeReading) -> String? {
        let words = [head.errorSource?.rawValue, head.errorCode, reading.providerError].compactMap { $0 }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    private static func times(_ head: ExchangeHead, _ reading: ExchangeReading) -> String? {
        let known: [(String, Int64?)] = [
            ("request here", head.requestReceivedUs), ("sent on", head.upstreamSentUs), ("answer begins", head.firstByteUs),
            ("first output", reading.ttftUs), ("answer ends", head.lastByteUs), ("done", head.endedUs),
        ]
        let words = known.compactMap { name, us in us.map { "\(name) \(HumanUnits.duration(us: $0))" } }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    private static func tokens(_ usage: TokenUsage) -> String? {
        let known: [(String, Int64?)] = [
            ("input", usage.inputTotal), ("cached", usage.inputCached), ("output", usage.outputTotal),
            ("reasoning", usage.outputReasoning),
        ]
        let words = known.compactMap { name, count in count.map { "\(name) \(HumanUnits.grouped($0))" } }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    private static func target(_ head: ExchangeHead) -> String { head.query.isEmpty ? head.path : "\(head.path)?\(head.query)" }

    private static func headers(_ pairs: [HeaderPair]) -> [String] { pairs.map { "  " + safe("\($0.name): \($0.value)") } }

    private static func body(_ body: RecordedBody) -> [String] {
        var note = "\(HumanUnits.bytes(body.wireByteCount)) on the wire"
        if let coding = body.contentCoding { note += ", \(coding) undone" }
        if body.kept != .full { note += ", kept: \(body.kept.rawValue)" }
        guard let content = body.content, !content.isEmpty else { return body.wireByteCount > 0 ? ["", "  (\(note))"] : [] }
        if body.encoding != "utf8" { return ["", "  (\(content.count) bytes that are no text; \(note))"] }
        return ["", safe(String(decoding: content, as: UTF8.self), keepingLines: true), "  (\(note))"]
    }

    /// Text without what could steer a terminal.
    static func safe(_ text: String, keepingLines: Bool = false) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if keepingLines, scalar == "\n" || scalar == "\t" {
                out.append(scalar)
                continue
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
                out.append("\u{FFFD}")
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
