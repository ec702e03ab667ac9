// SPDX-License-Identifier: Apache-2.0

/// The pages against the code: headers, fault codes, verbs, links.
enum DocsRules {
    // MARK: Headers

    /// The gateway's own header names in a text; every metadata header counts as the prefix.
    static func headerNames(_ text: String) -> Set<String> {
        let metadata = "x-inference-metadata-"
        guard !LineIndex(Array(text.utf8)).lines(holding: ["x-inference-", "x-weir-"]).isEmpty else { return [] }
        return Set(
            text.matches(of: /\bx-(?:inference|weir)-[a-z-]*[a-z-]/.wordBoundaryKind(.simple)).map { match in
                let name = String(match.output)
                return name.hasPrefix(metadata) ? metadata : name
            }.filter { $0 == metadata || !$0.hasSuffix("-") })
    }

    /// Header names in code that no page explains, and the reverse.
    static func headerDifferences(code: Set<String>, docs: Set<String>) -> [Finding] {
        code.subtracting(docs).sorted().map {
            Finding(path: "notebooks-docs/control-headers.md", line: 0, message: "the code knows \($0), no page explains it.")
        }
            + docs.subtracting(code).sorted().map {
                Finding(path: "Sources", line: 0, message: "a page promises \($0), the code does not know it.")
            }
    }

    // MARK: Fault codes

    /// The codes that `FaultCode.swift` defines: literals given to an initialiser or to an enum case.
    static func faultCodes(swift text: String) -> Set<String> {
        let made = text.matches(of: /(?:FaultCode|Self|\.init)\(\s*(?:\w+:\s*)?"([a-z][a-z0-9_]*)"/).map { String($0.1) }
        let cases = text.matches(of: /\bcase\s+\w+\s*=\s*"([a-z][a-z0-9_]*)"/.wordBoundaryKind(.simple)).map { String($0.1) }
        return Set(made + cases)
    }

    /// The codes of `errors.md`: first cells of table rows, those below a heading with "Reserved" apart.
    static func documentedFaultCodes(markdown: String) -> (active: Set<String>, reserved: Set<String>) {
        var active: Set<String> = []
        var reserved: Set<String> = []
        var isReserved = false
        for line in markdown.split(separator: "\n") {
            if line.hasPrefix("#") { isReserved = line.contains("Reserved") }
            guard let match = line.firstMatch(of: /^\|\s*`([a-z][a-z0-9_]*)`\s*\|/) else { continue }
            if isReserved { reserved.insert(String(match.1)) } else { active.insert(String(match.1)) }
        }
        return (active, reserved)
    }

    /// Codes without a line in the runbook, and lines without a code.
    static func faultDifferences(code: Set<String>, docs: (active: Set<String>, reserved: Set<String>)) -> [Finding] {
        let page = "notebooks-docs/runbooks/errors.md"
        if code.isEmpty {
            return [
                Finding(path: "Sources/Gateway/FaultCode.swift", line: 0, message: "no fault code found: one literal per code.")
            ]
        }
        let unknown = code.subtracting(docs.active).subtracting(docs.reserved).sorted().map {
            Finding(path: page, line: 0, message: "the gateway answers `\($0)`, the page does not say what to do about it.")
        }
        let invented = docs.active.subtracting(code).sorted().map {
            Finding(
                path: page, line: 0,
                message: "`\($0)` is not in Sources/Gateway/FaultCode.swift: delete it or move it to Reserved.")
        }
        return unknown + invented
    }

    // MARK: Verbs

    /// The verbs that a program's file defines: explicit command names, else the names of the command types.
    static func verbs(_ source: SourceText) -> Set<String> {
        let text = source.raw.joined(separator: "\n")
        let named = text.matches(of: /\bcommandName:\s*"([a-z][a-z-]*)"/.wordBoundaryKind(.simple)).map { String($0.1) }
        if !named.isEmpty { return Set(named) }
        let code = source.code.joined(separator: "\n")
        let types = code.matches(of: /\bstruct\s+(\w+)\s*:[^{]*ParsableCommand\b/.wordBoundaryKind(.simple)).map {
            String($0.1).lowercased()
        }
        return Set(types)
    }

    /// Lines of code on a page: fenced blocks and inline spans.
    static func codeLines(markdown: String) -> [String] {
        var lines: [String] = []
        var isFenced = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.trimmed.hasPrefix("```") {
                isFenced.toggle()
            } else if isFenced {
                lines.append(String(line))
            } else {
                lines += line.matches(of: /`([^`]+)`/).map { String($0.1) }
            }
        }
        return lines
    }

    /// The first words after `weir` in a page's code: the verbs it promises.
    static func promisedVerbs(codeLines: [String]) -> Set<String> {
        Set(codeLines.flatMap { $0.matches(of: /(?:^|[\s\/(])weir ([a-z][a-z-]+)/).map { String($0.1) } })
    }

    /// Verbs of the program that no page shows, and verbs shown that the program does not have.
    static func verbDifferences(program: Set<String>, codeLines: [String]) -> [Finding] {
        let shown = codeLines.filter { $0.contains("weir ") }
        let hidden = program.subtracting(["weir"]).sorted().filter { verb in
            !shown.contains { line in line.split(whereSeparator: { !($0.isLetter || $0 == "-") }).contains { $0 == verb } }
        }
        return hidden.map { Finding(path: "README.md", line: 0, message: "no page shows the verb `\($0)`.") }
            + promisedVerbs(codeLines: codeLines).subtracting(program).subtracting(["help"]).sorted().map {
                Finding(path: "Sources/weir", line: 0, message: "a page shows `weir \($0)`, the program has no such verb.")
            }
    }

    // MARK: Queries

    /// The named queries a page's code asks for; `exchanges` is a verb's own, not a file.
    static func promisedQueries(codeLines: [String]) -> Set<String> {
        let names = codeLines.flatMap { $0.matches(of: /(?:^|[\s\/(])weir query ([a-z][a-z0-9-]+)/).map { String($0.1) } }
        return Set(names).subtracting(["exchanges"])
    }

    /// Files of `queries/` that no page shows, and queries shown that have no file.
    static func queryDifferences(files: Set<String>, codeLines: [String]) -> [Finding] {
        let promised = promisedQueries(codeLines: codeLines)
        return files.subtracting(promised).sorted().map {
            Finding(path: "README.md", line: 0, message: "no page shows `weir query \($0)`.")
        }
            + promised.subtracting(files).sorted().map {
                Finding(path: "queries", line: 0, message: "a page shows `weir query \($0)`, there is no \($0).sql.")
            }
    }

    // MARK: Links

    /// One place a page points to.
    struct Reference: Equatable {
        let target: String
        let line: Int
    }

    /// Relative links and file names in code spans that a page names, as paths from the package root.
    static func references(page: String, markdown: String) -> [Reference] {
        let folder = page.split(separator: "/").dropLast().map(String.init)
        var found: [Reference] = []
        for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for match in line.matches(of: /\]\(([^)\s#]+)(?:#[^)]*)?\)/)
            where !match.1.contains("://") && !match.1.hasPrefix("mailto:") {
                found.append(Reference(target: resolve(String(match.1), from: folder), line: index + 1))
            }
            for match in line.matches(of: /`((?:Sources|Tests|queries|notebooks-docs|\.ci)\/[^`\s]*)`/) {
                found.append(Reference(target: resolve(String(match.1), from: []), line: index + 1))
            }
        }
        return found
    }

    private static func resolve(_ target: String, from folder: [String]) -> String {
        var parts = folder
        for part in target.split(separator: "/") {
            if part == ".." {
                parts = parts.dropLast()
            } else if part.contains("*") || part.contains("<") || part.contains("NNNN") {
                break
            } else if part != "." {
                parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }

    /// References that lead nowhere.
    ///
    /// - Parameters:
    ///   - page: The page's path.
    ///   - markdown: The page's text.
    ///   - exists: Whether a path is there, or belongs to a room that is not here yet.
    static func deadReferences(page: String, markdown: String, exists: (String) -> Bool) -> [Finding] {
        references(page: page, markdown: markdown).filter { !exists($0.target) }.map {
            Finding(path: page, line: $0.line, message: "\($0.target) does not exist.")
        }
    }
}
