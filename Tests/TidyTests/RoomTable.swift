// SPDX-License-Identifier: Apache-2.0

/// The import table of `notebooks-docs/architecture.md`: which room may import which.
struct RoomTable {
    /// One row.
    struct Room {
        /// The rooms of this package it may import.
        let ours: Set<String>
        /// The modules from outside it may import.
        let outside: Set<String>
        /// Whether it may import every room, as the program does.
        let mayImportAll: Bool
    }

    /// The rows by target name.
    private(set) var rooms: [String: Room] = [:]

    static let path = "notebooks-docs/architecture.md"
    private static let heading = "| Target |"

    /// Reads the first table whose head row begins with `| Target |` and has the columns target, purpose, ours, outside.
    init(markdown: String) {
        var isInside = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(Self.heading) {
                isInside = true
                continue
            }
            guard isInside else { continue }
            guard line.hasPrefix("|") else { break }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().map { $0.trimmed }
            guard cells.count >= 4, !cells[0].hasPrefix("-") else { continue }
            let ours = cells[2]
            let room = Room(
                ours: Self.names(ours), outside: Self.names(cells[3]), mayImportAll: ours == "all below")
            for name in Self.names(cells[0]) { rooms[name] = room }
        }
    }

    private static func names(_ cell: String) -> Set<String> {
        guard cell != "-", cell != "all below" else { return [] }
        return Set(cell.matches(of: /[A-Za-z][A-Za-z0-9_-]*/).map { String($0.output) })
    }

    /// Whether the room may import the module.
    func allows(_ room: String, importing module: String) -> Bool {
        guard let row = rooms[room] else { return false }
        if row.ours.contains(module) || row.outside.contains(module) { return true }
        return row.mayImportAll && rooms[module] != nil
    }
}

/// The targets that Package.swift declares, read as text.
struct Manifest {
    /// One target.
    struct Target {
        enum Kind: String { case room = "target", program = "executableTarget", test = "testTarget", system = "systemLibrary" }
        let name: String
        let kind: Kind
        let path: String
        let dependencies: Set<String>
        let line: Int
    }

    let targets: [Target]

    init(text: String) {
        let source = SourceText(path: "Package.swift", text: text)
        let uncommented = source.raw.indices.map { Self.withoutComment(source.raw[$0]) }
        let joined = uncommented.joined(separator: "\n")
        var products: [String: String] = [:]
        let product = /let\s+(\w+)\s*:\s*Target\.Dependency\s*=\s*\.product\(\s*name:\s*"(\w+)"/
        for match in joined.matches(of: product) { products[String(match.1)] = String(match.2) }
        targets = Self.declarations(joined).map { Self.target($0.kind, $0.body, line: $0.line, products: products) }
    }

    private static func withoutComment(_ line: String) -> String {
        guard let range = line.firstRange(of: /(^|\s)\/\/.*/) else { return line }
        return String(line[..<range.lowerBound])
    }

    private static func declarations(_ text: String) -> [(kind: Target.Kind, body: String, line: Int)] {
        var found: [(Target.Kind, String, Int)] = []
        for match in text.matches(of: /\.(target|executableTarget|testTarget|systemLibrary)\(/) {
            guard let kind = Target.Kind(rawValue: String(match.1)) else { continue }
            var depth = 1
            var end = match.range.upperBound
            while end < text.endIndex, depth > 0 {
                if text[end] == "(" { depth += 1 }
                if text[end] == ")" { depth -= 1 }
                end = text.index(after: end)
            }
            let line = text[..<match.range.lowerBound].count { $0 == "\n" } + 1
            let body = String(text[match.range.upperBound..<end])
            if body.trimmed.hasPrefix("name:") { found.append((kind, body, line)) }
        }
        return found
    }

    private static func target(_ kind: Target.Kind, _ body: String, line: Int, products: [String: String]) -> Target {
        let name = body.firstMatch(of: /name:\s*"([\w-]+)"/).map { String($0.1) } ?? ""
        let isTest = kind == .test
        let path =
            body.firstMatch(of: /\bpath:\s*"([^"]+)"/.wordBoundaryKind(.simple)).map { String($0.1) }
            ?? (isTest ? "Tests/" : "Sources/") + name
        var dependencies: Set<String> = []
        if let start = body.firstRange(of: /dependencies:\s*\[/) {
            var list = body[start.upperBound...]
            var depth = 1
            for index in list.indices {
                if list[index] == "[" { depth += 1 }
                if list[index] == "]" { depth -= 1 }
                if depth == 0 {
                    list = list[..<index]
                    break
                }
            }
            dependencies = entries(String(list), products: products)
        }
        return Target(
            name: name, kind: kind, path: path.hasSuffix("/") ? String(path.dropLast()) : path, dependencies: dependencies,
            line: line)
    }

    private static func entries(_ list: String, products: [String: String]) -> Set<String> {
        var names: Set<String> = []
        let plain = list.replacing(/\.(product|target|byName)\(\s*name:\s*"(\w+)"[^)]*\)/) { match in
            names.insert(String(match.2))
            return ""
        }
        for match in plain.matches(of: /"(\w+)"/) { names.insert(String(match.1)) }
        for match in plain.replacing(/"\w+"/, with: "").matches(of: /\w+/) {
            let word = String(match.output)
            names.insert(products[word] ?? word)
        }
        return names
    }
}

extension StringProtocol {
    /// The text without white space at either end.
    var trimmed: String {
        var view = self[...]
        while let first = view.first, first.isWhitespace { view = view.dropFirst() }
        while let last = view.last, last.isWhitespace { view = view.dropLast() }
        return String(view)
    }
}
