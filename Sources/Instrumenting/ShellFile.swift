// SPDX-License-Identifier: Apache-2.0

/// Shell scripts: assignments of base URLs, and `curl` commands that call a provider.
struct ShellFile {
    private let bytes: [UInt8]
    private var cursor: ByteCursor
    private var line = 1
    /// The words of the command that is being read.
    private var words: [(range: Range<Int>, line: Int)] = []
    /// The ends of here-documents that begin after this line.
    private var hereEnds: [(word: String, stripsTabs: Bool)] = []

    static func read(_ bytes: [UInt8], _ editor: inout VariableEditor) {
        var file = ShellFile(bytes)
        file.commands(&editor, nesting: 0, closing: nil)
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        cursor = ByteCursor(bytes)
    }

    // MARK: Words

    /// Reads commands up to an unquoted closing byte, or the end.
    private mutating func commands(_ editor: inout VariableEditor, nesting: Int, closing: UInt8?) {
        let outer = words
        words = []
        while let byte = cursor.current {
            if byte == closing {
                cursor.at += 1
                break
            }
            switch byte {
            case 0x0A:
                finish(&editor)
                cursor.at += 1
                line += 1
                skipHereDocuments()
            case UInt8(ascii: ";"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "("), UInt8(ascii: ")"):
                finish(&editor)
                cursor.at += 1
            case UInt8(ascii: "#"):
                cursor.skip { $0 != 0x0A }
            case UInt8(ascii: "\\") where cursor.peek(1) == 0x0A || (cursor.peek(1) == 0x0D && cursor.peek(2) == 0x0A):
                cursor.at += cursor.peek(1) == 0x0A ? 2 : 3
                line += 1
            case _ where byte <= 0x20:
                cursor.at += 1
            case UInt8(ascii: "<") where cursor.peek(1) == byte && cursor.peek(2) != byte:
                readHereMark()
            default:
                word(&editor, nesting: nesting, closing: closing)
            }
        }
        finish(&editor)
        words = outer
    }

    private mutating func word(_ editor: inout VariableEditor, nesting: Int, closing: UInt8?) {
        let start = cursor.at
        let startLine = line
        loop: while let byte = cursor.current, byte > 0x20, byte != closing {
            switch byte {
            case UInt8(ascii: ";"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "("), UInt8(ascii: ")"):
                break loop
            case UInt8(ascii: "\\"):
                if cursor.peek(1) == 0x0A || cursor.peek(1) == 0x0D { break loop }
                cursor.at = min(bytes.count, cursor.at + 2)
            case UInt8(ascii: "'"):
                cursor.at += 1
                while let inner = cursor.current, inner != byte { step(inner) }
                cursor.at = min(bytes.count, cursor.at + 1)
            case UInt8(ascii: "\""):
                doubleQuoted(&editor, nesting: nesting)
            case UInt8(ascii: "$"):
                dollar(&editor, nesting: nesting)
            default:
                cursor.at += 1
            }
        }
        if cursor.at == start { cursor.at += 1 }
        words.append((start..<cursor.at, startLine))
    }

    private mutating func step(_ byte: UInt8) {
        if byte == 0x0A { line += 1 }
        cursor.at += 1
    }

    private mutating func doubleQuoted(_ editor: inout VariableEditor, nesting: Int) {
        cursor.at += 1
        while let byte = cursor.current, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") {
                if cursor.peek(1) == 0x0A { line += 1 }
                cursor.at = min(bytes.count, cursor.at + 2)
            } else if byte == UInt8(ascii: "$") {
                dollar(&editor, nesting: nesting)
            } else {
                step(byte)
            }
        }
        cursor.at = min(bytes.count, cursor.at + 1)
    }

    /// `$(command)` is read as commands; `${...}` is gone over.
    private mutating func dollar(_ editor: inout VariableEditor, nesting: Int) {
        cursor.at += 1
        if cursor.current == UInt8(ascii: "("), cursor.peek(1) != UInt8(ascii: "("), nesting < InstrumentLimits.nesting {
            cursor.at += 1
            commands(&editor, nesting: nesting + 1, closing: UInt8(ascii: ")"))
        } else if cursor.current == UInt8(ascii: "{") {
            while let byte = cursor.current, byte != UInt8(ascii: "}"), byte != 0x0A { cursor.at += 1 }
            if cursor.current == UInt8(ascii: "}") { cursor.at += 1 }
        }
    }

    // MARK: Here-documents

    private mutating func readHereMark() {
        cursor.at += 2
        let stripsTabs = cursor.current == UInt8(ascii: "-")
        if stripsTabs { cursor.at += 1 }
        cursor.skip(while: Ascii.isBlank)
        let start = cursor.at
        cursor.skip { Ascii.isWord($0) || $0 == 0x22 || $0 == 0x27 }
        let word = String(decoding: bytes[start..<cursor.at].filter(Ascii.isWord), as: UTF8.self)
        if !word.isEmpty, hereEnds.count < InstrumentLimits.nesting { hereEnds.append((word, stripsTabs)) }
    }

    /// The text of a here-document is no shell.
    private mutating func skipHereDocuments() {
        for end in hereEnds {
            while cursor.at < bytes.count {
                let start = cursor.at
                cursor.skip { $0 != 0x0A }
                var content = bytes[start..<cursor.at]
                cursor.at = min(bytes.count, cursor.at + 1)
                line += 1
                if content.last == 0x0D { content = content.dropLast() }
                if end.stripsTabs { content = content.drop { $0 == 0x09 } }
                if content.elementsEqual(end.word.utf8) { break }
            }
        }
        hereEnds = []
    }

    // MARK: Commands

    private mutating func finish(_ editor: inout VariableEditor) {
        defer { words = [] }
        var rest = words[...]
        let exporters: Set<String> = ["export", "declare", "local", "readonly", "typeset", "env"]
        while let word = rest.first {
            if let equal = assignmentEnd(word.range) {
                let name = String(decoding: bytes[word.range.lowerBound..<equal], as: UTF8.self)
                editor.judge(name, equal + 1..<word.range.upperBound, line: word.line)
            } else if !exporters.contains(text(word.range)), !text(word.range).hasPrefix("-") {
                break
            }
            rest = rest.dropFirst()
        }
        guard let command = rest.first else { return }
        let isCurl = text(command.range) == "curl" || text(command.range).hasSuffix("/curl")
        for word in rest.dropFirst() { lookAtWord(word.range, word.line, isCurl: isCurl, &editor) }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func assignmentEnd(_ range: Range<Int>) -> Int? {
        let end = bytes[range].firstIndex { !Ascii.isWord($0) } ?? range.upperBound
        guard end > range.lowerBound, end < range.upperBound, bytes[end] == UInt8(ascii: "="),
            !Ascii.isDigit(bytes[range.lowerBound])
        else { return nil }
        return end
    }

    /// An address of a provider as an argument.
    private func lookAtWord(_ range: Range<Int>, _ line: Int, isCurl: Bool, _ editor: inout VariableEditor) {
        var start = range.lowerBound
        if start < range.upperBound, bytes[start] == 0x22 || bytes[start] == 0x27 { start += 1 }
        guard bytes[start..<range.upperBound].starts(with: "https://".utf8) else { return }
        var end = start + 8
        while end < range.upperBound,
            Ascii.isWord(bytes[end]) || bytes[end] == UInt8(ascii: ".") || bytes[end] == UInt8(ascii: "-")
        {
            end += 1
        }
        let origin = text(start..<end)
        guard let host = KnownHost(origin.dropFirst(8).lowercased()) else { return }
        if !isCurl {
            editor.findings.undecided.append(
                (line, "an address of \(host.provider) in a command that is not curl; put \(editor.options.gateway) in its place")
            )
            return
        }
        if editor.options.contract == .current {
            editor.findings.undecided.append(
                (
                    line,
                    "curl: put \(editor.options.gateway) in place of \(origin) and move the key into \(HeaderName.providerKey)"
                ))
            return
        }
        var headers = editor.options.attribution
        let path = text(end..<range.upperBound).prefix { !"?\"'$".contains($0) }
        if host.needsURL {
            headers = [(HeaderName.provider, host.provider), (HeaderName.providerURL, origin)] + headers
        } else if KnownHost.inferred(requestPath: String(path)) != host.provider {
            headers.insert((HeaderName.provider, host.provider), at: 0)
        }
        editor.findings.edits.append(SourceEdit(start..<end, editor.options.gateway))
        let added = headers.map { " -H \"\($0.name): \($0.value)\"" }.joined()
        if !added.isEmpty { editor.findings.edits.append(.insert(added, at: range.upperBound)) }
    }
}
