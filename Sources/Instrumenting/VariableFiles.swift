// SPDX-License-Identifier: Apache-2.0

/// Edits of addresses inside the values of environment variables, whatever the file around them.
struct VariableEditor {
    let bytes: [UInt8]
    let options: InstrumentOptions
    let isContainer: Bool
    var findings = FileFindings()
    /// The variables that were given a value.
    private(set) var scope = EnvironmentScope()

    init(_ bytes: [UInt8], _ options: InstrumentOptions, isContainer: Bool) {
        self.bytes = bytes
        self.options = options
        self.isContainer = isContainer
    }

    /// Judges one assignment.
    ///
    /// - Parameters:
    ///   - variable: its name.
    ///   - value: where its value is, quotes included.
    ///   - line: the line, from 1.
    mutating func judge(_ variable: String, _ value: Range<Int>, line: Int) {
        let plain = VariableEditor.address(in: bytes, value)
        let text = String(decoding: bytes[plain], as: UTF8.self)
        if !text.isEmpty { scope.variables.insert(variable) }
        if AddressVerdict(text, options) == .elsewhere { scope.foreign.insert(variable) }
        switch VariableVerdict(variable: variable, value: text, isContainer: isContainer, options: options) {
        case .nothing, .weir: return
        case .replace(let url): findings.edits.append(SourceEdit(plain, url))
        case .undecided(let reason): findings.undecided.append((line, reason))
        }
    }

    /// The address in a value: without quotes; of `${NAME:-address}` the address.
    static func address(in bytes: [UInt8], _ value: Range<Int>) -> Range<Int> {
        var range = value
        let quotes: [UInt8] = [UInt8(ascii: "\""), UInt8(ascii: "'")]
        if range.count >= 2, quotes.contains(bytes[range.lowerBound]), bytes[range.upperBound - 1] == bytes[range.lowerBound] {
            range = range.lowerBound + 1..<range.upperBound - 1
        }
        guard range.count > 3, bytes[range.lowerBound] == UInt8(ascii: "$"), bytes[range.lowerBound + 1] == UInt8(ascii: "{"),
            bytes[range.upperBound - 1] == UInt8(ascii: "}"), let dash = bytes[range].firstIndex(of: UInt8(ascii: "-"))
        else { return range }
        return dash + 1..<range.upperBound - 1
    }
}

/// A file by its lines, ends excluded.
struct LineRanges: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var at = 0
    private var number = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next line: its number from 1 and its bytes without line end.
    mutating func next() -> (number: Int, range: Range<Int>)? {
        guard at < bytes.count else { return nil }
        let start = at
        while at < bytes.count, bytes[at] != 0x0A { at += 1 }
        let end = at > start && bytes[at - 1] == 0x0D ? at - 1 : at
        at += 1
        number += 1
        return (number, start..<end)
    }
}

/// `.env` files: one `NAME=value` a line, perhaps after `export`, perhaps quoted.
enum DotEnvFile {
    static func read(_ bytes: [UInt8], _ editor: inout VariableEditor) {
        for (number, line) in LineRanges(bytes) {
            guard let (name, value) = assignment(bytes, line) else { continue }
            editor.judge(name, value, line: number)
        }
    }

    /// The name and the value of a line.
    static func assignment(_ bytes: [UInt8], _ line: Range<Int>) -> (name: String, value: Range<Int>)? {
        var at = skipBlanks(bytes, line.lowerBound, line.upperBound)
        if bytes[at..<line.upperBound].starts(with: "export ".utf8) { at = skipBlanks(bytes, at + 7, line.upperBound) }
        let start = at
        while at < line.upperBound, Ascii.isWord(bytes[at]) { at += 1 }
        let name = start..<at
        at = skipBlanks(bytes, at, line.upperBound)
        guard !name.isEmpty, at < line.upperBound, bytes[at] == UInt8(ascii: "=") else { return nil }
        let value = value(bytes, skipBlanks(bytes, at + 1, line.upperBound)..<line.upperBound)
        return (String(decoding: bytes[name], as: UTF8.self), value)
    }

    static func skipBlanks(_ bytes: [UInt8], _ from: Int, _ end: Int) -> Int {
        var at = from
        while at < end, Ascii.isBlank(bytes[at]) { at += 1 }
        return at
    }

    /// A scalar at the beginning of a range: quoted, or up to a comment or the end, blanks trimmed.
    static func value(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int> {
        guard let first = bytes[range].first else { return range }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'"),
            let close = bytes[(range.lowerBound + 1)..<range.upperBound].firstIndex(of: first)
        {
            return range.lowerBound..<close + 1
        }
        var end = range.lowerBound
        while end < range.upperBound {
            if bytes[end] == UInt8(ascii: "#"), end > range.lowerBound, Ascii.isBlank(bytes[end - 1]) { break }
            end += 1
        }
        while end > range.lowerBound, Ascii.isBlank(bytes[end - 1]) { end -= 1 }
        return range.lowerBound..<end
    }
}

/// Environment blocks of YAML: mappings, `NAME=value` items, and `name:` with `value:` of Kubernetes.
struct YAMLFile {
    private let bytes: [UInt8]
    /// Lines indented deeper than this belong to a block of text.
    private var blockIndent: Int?
    /// The variable that the next `value:` is for.
    private var pending: String?

    static func read(_ bytes: [UInt8], _ editor: inout VariableEditor) {
        var file = YAMLFile(bytes: bytes)
        for (number, line) in LineRanges(bytes) { file.read(number, line, &editor) }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func read(_ number: Int, _ line: Range<Int>, _ editor: inout VariableEditor) {
        var at = line.lowerBound
        while at < line.upperBound, bytes[at] == 0x20 { at += 1 }
        let indent = at - line.lowerBound
        guard at < line.upperBound, bytes[at] != UInt8(ascii: "#") else { return }
        if let blockIndent, indent > blockIndent { return nameInBlock(number, at..<line.upperBound, &editor) }
        blockIndent = nil
        var isItem = false
        while at + 1 < line.upperBound, bytes[at] == UInt8(ascii: "-"), bytes[at + 1] == 0x20 {
            isItem = true
            at = DotEnvFile.skipBlanks(bytes, at + 1, line.upperBound)
        }
        let value = DotEnvFile.value(bytes, at..<line.upperBound)
        if isItem, readItem(value, number, &editor) { return }
        readPair(number, at..<line.upperBound, indent, &editor)
    }

    /// `- NAME=value`, quoted or not.
    private func readItem(_ item: Range<Int>, _ number: Int, _ editor: inout VariableEditor) -> Bool {
        let inner = VariableEditor.address(in: bytes, item)
        var at = inner.lowerBound
        while at < inner.upperBound, Ascii.isWord(bytes[at]) { at += 1 }
        guard at > inner.lowerBound, at < inner.upperBound, bytes[at] == UInt8(ascii: "=") else { return false }
        editor.judge(String(decoding: bytes[inner.lowerBound..<at], as: UTF8.self), at + 1..<inner.upperBound, line: number)
        return true
    }

    private mutating func readPair(_ number: Int, _ range: Range<Int>, _ indent: Int, _ editor: inout VariableEditor) {
        var at = range.lowerBound
        var name = at..<at
        if let quote = bytes[range].first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            guard let close = bytes[(at + 1)..<range.upperBound].firstIndex(of: quote) else { return }
            name = at + 1..<close
            at = close + 1
        } else {
            while at < range.upperBound,
                Ascii.isWord(bytes[at]) || bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: ".")
            {
                at += 1
            }
            name = range.lowerBound..<at
        }
        guard !name.isEmpty, at < range.upperBound, bytes[at] == UInt8(ascii: ":"),
            at + 1 == range.upperBound || Ascii.isBlank(bytes[at + 1])
        else { return }
        let value = DotEnvFile.value(bytes, DotEnvFile.skipBlanks(bytes, at + 1, range.upperBound)..<range.upperBound)
        let key = String(decoding: bytes[name], as: UTF8.self)
        if let first = bytes[value].first, first == UInt8(ascii: "|") || first == UInt8(ascii: ">") {
            blockIndent = indent
        } else if key == "name" {
            pending = String(decoding: bytes[VariableEditor.address(in: bytes, value)], as: UTF8.self)
        } else if key == "value", let variable = pending {
            pending = nil
            editor.judge(variable, value, line: number)
        } else {
            editor.judge(key, value, line: number)
        }
    }

    /// Text in a block may be a script: it is named, not edited.
    private func nameInBlock(_ number: Int, _ range: Range<Int>, _ editor: inout VariableEditor) {
        let line = String(decoding: bytes[range], as: UTF8.self)
        guard !line.hasPrefix("#"), let start = line.firstRange(of: "https://") else { return }
        let host = line[start.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" }
        guard let known = KnownHost(host.lowercased()) else { return }
        editor.findings.undecided.append(
            (number, "an address of \(known.provider) in a block of text; put \(editor.options.gateway) in its place by hand"))
    }
}

/// `ENV` and `ARG` of a Dockerfile.
enum Dockerfile {
    static func read(_ bytes: [UInt8], _ editor: inout VariableEditor) {
        var isContinued = false
        for (number, line) in LineRanges(bytes) {
            var at = DotEnvFile.skipBlanks(bytes, line.lowerBound, line.upperBound)
            guard at < line.upperBound, bytes[at] != UInt8(ascii: "#") else { continue }
            let isInstruction = ["ENV ", "ARG "].contains { word in
                bytes[at..<line.upperBound].prefix(4).map { $0 & 0xDF | ($0 == 0x20 ? 0x20 : 0) }.elementsEqual(word.utf8)
            }
            let belongs = isInstruction || isContinued
            if isInstruction { at += 4 }
            let last = bytes[line].last { !Ascii.isBlank($0) }
            let continues = last == UInt8(ascii: "\\")
            if belongs { readWords(bytes, at..<line.upperBound, number, &editor, allowsLegacy: isInstruction) }
            isContinued = belongs && continues
        }
    }

    private static func readWords(
        _ bytes: [UInt8], _ range: Range<Int>, _ number: Int, _ editor: inout VariableEditor, allowsLegacy: Bool
    ) {
        let words = words(bytes, range)
        if allowsLegacy, words.count == 2, !bytes[words[0]].contains(UInt8(ascii: "=")) {
            return editor.judge(String(decoding: bytes[words[0]], as: UTF8.self), words[1], line: number)
        }
        for word in words {
            guard let equal = bytes[word].firstIndex(of: UInt8(ascii: "=")) else { continue }
            editor.judge(
                String(decoding: bytes[word.lowerBound..<equal], as: UTF8.self), equal + 1..<word.upperBound, line: number)
        }
    }

    /// The words of a line, quotes kept together.
    private static func words(_ bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var words: [Range<Int>] = []
        var start: Int?
        var quote: UInt8?
        for at in range {
            let byte = bytes[at]
            if quote == nil, Ascii.isBlank(byte) {
                if let begun = start { words.append(begun..<at) }
                start = nil
            } else {
                if byte == quote { quote = nil } else if quote == nil, byte == 0x22 || byte == 0x27 { quote = byte }
                start = start ?? at
            }
        }
        if let start { words.append(start..<range.upperBound) }
        return words
    }
}
