// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Makes the text of an answer from the question: always the same for the same question and seed.
struct AnswerText {
    let asked: AskedQuestion
    var random: SeededRandom

    private var firstUser: String { asked.messages.first { $0.role == "user" }?.text ?? "" }

    /// Pieces of text, one per output token, that join to the whole answer; whole sentences, so often a few more than `count`.
    mutating func pieces(count: Int) -> [String] {
        let system = asked.messages.first { $0.role == "system" || $0.role == "developer" }?.text.lowercased() ?? ""
        let subject = system + " " + firstUser.prefix(400).lowercased()
        if asked.wantsJSON || (subject.contains("invoice") && subject.contains("json")) {
            return Self.split(extraction(isTriage: subject.contains("triage")))
        }
        var pieces: [String] = []
        if subject.contains("summar") {
            pieces = Self.split(summary(sentences: max(1, count / 20)))
            if !pieces.isEmpty { return pieces }
        } else if subject.contains("review") {
            pieces = prose(WordBank.review, count: count, names: functionNames())
        } else if subject.contains("triage") || subject.contains("support") {
            pieces = prose(WordBank.triage, count: count, names: [])
        }
        if pieces.isEmpty { pieces = prose(WordBank.general, count: count, names: []) }
        return pieces
    }

    /// Whole sentences from patterns until there are enough pieces.
    private mutating func prose(_ patterns: [String], count: Int, names: [String]) -> [String] {
        var pieces: [String] = []
        var order = patterns
        for i in order.indices.dropLast() { order.swapAt(i, i + random.below(order.count - i)) }
        var next = 0
        while pieces.count < count {
            if next == order.count { next = 0 }
            pieces += Self.split((next == 0 && pieces.isEmpty ? "" : " ") + fill(order[next], names: names))
            next += 1
        }
        return pieces
    }

    private mutating func fill(_ pattern: String, names: [String]) -> String {
        SlotText.fill(pattern) { slot in
            slot == "name" ? random.pick(names, else: "handler") : random.pick(WordBank.slots[slot] ?? [], else: slot)
        }
    }

    /// Sentences picked from the material, as bullet points.
    private mutating func summary(sentences: Int) -> String {
        let paragraphs = firstUser.split(separator: "\n")
        let body = paragraphs.count > 1 ? paragraphs.dropFirst().joined(separator: " ") : firstUser
        let material = body.replacingLineBreaks().split(separator: ".").filter { $0.utf8.count > 30 && $0.utf8.count < 400 }
        guard !material.isEmpty else { return "" }
        var chosen: Set<Int> = []
        for _ in 0..<min(sentences, 8) { chosen.insert(random.below(material.count)) }
        let opening = random.pick(["Summary:", "Key points:", "In short:", "The main points are:"])
        return chosen.sorted().reduce(opening) { $0 + "\n- " + material[$1].trimmedSpaces() + "." }
    }

    /// Words before an opening bracket in the question: names of functions in code.
    private func functionNames() -> [String] {
        var names: [String] = []
        for part in firstUser.split(separator: "(").dropLast().prefix(40) {
            let name = String(part.reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed())
            if name.count > 2, name.count < 40, !["for", "while", "switch", "return", "func"].contains(name) {
                names.append(name)
            }
        }
        return names
    }

    /// A JSON answer: what an invoice (or a ticket) says, as far as its words show it.
    private mutating func extraction(isTriage: Bool) -> String {
        let words = firstUser.replacingLineBreaks().split(separator: " ").map { $0.trimmedPunctuation() }
        var writer = JSONWriter()
        writer.beginObject()
        if isTriage {
            writer.field("category", random.pick(WordBank.slots["team"] ?? []))
            writer.field("priority", random.pick(WordBank.slots["priority"] ?? []))
            writer.field("sentiment", random.pick(["calm", "annoyed", "angry", "friendly"]))
            writer.field("next_step", random.pick(WordBank.slots["step"] ?? []))
        } else {
            let currency = words.first { ["EUR", "USD", "GBP", "CHF", "SEK"].contains($0) }
            writer.field("invoice_number", words.first { $0.hasPrefix("INV-") })
            writer.field("issue_date", words.first { Self.isDate($0) })
            writer.field("currency", currency)
            writer.field("total", Self.total(words))
            writer.field("confidence", Double(70 + random.below(30)) / 100)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func isDate(_ word: String) -> Bool {
        let parts = word.split(separator: "-")
        return word.utf8.count == 10 && parts.count == 3 && parts.allSatisfy { Int($0) != nil }
    }

    /// The amount after the last currency sign that follows the word "total".
    private static func total(_ words: [String]) -> String? {
        guard let at = words.lastIndex(where: { $0.lowercased() == "total" }) else { return nil }
        return words[at...].first { $0.contains { $0.isNumber } && $0.contains(".") }
    }

    /// Splits text into pieces of one word each with the white space before it.
    static func split(_ text: String) -> [String] {
        var pieces: [String] = []
        var current: [UInt8] = []
        var hasWord = false
        for byte in text.utf8 {
            let isSpace = byte == 0x20 || byte == 0x0A
            if isSpace, hasWord {
                pieces.append(String(decoding: current, as: UTF8.self))
                current = []
                hasWord = false
            }
            if !isSpace { hasWord = true }
            current.append(byte)
        }
        if !current.isEmpty { pieces.append(String(decoding: current, as: UTF8.self)) }
        return pieces
    }
}

extension String {
    fileprivate func replacingLineBreaks() -> String {
        String(decoding: utf8.map { $0 == 0x0A || $0 == 0x09 ? 0x20 : $0 }, as: UTF8.self)
    }
}

extension Substring {
    fileprivate func trimmedSpaces() -> Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }

    fileprivate func trimmedPunctuation() -> String {
        var text = drop { ",;:(\"".contains($0) }
        while let last = text.last, ",;:.)\"".contains(last) { text.removeLast() }
        return String(text)
    }
}
