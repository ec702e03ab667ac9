// SPDX-License-Identifier: Apache-2.0

/// Import lines against the table of rooms, and the table against Package.swift.
enum ImportRules {
    /// One import line.
    struct Line: Equatable {
        let module: String
        let line: Int
    }

    /// Modules of the toolchain that need no declared dependency; a room still needs the table's leave for them.
    static let toolchain: Set<String> = [
        "Foundation", "Glibc", "Synchronization", "Testing", "Dispatch", "Swift", "RegexBuilder",
    ]

    /// The import lines of a file.
    static func imports(_ source: SourceText) -> [Line] {
        let pattern =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|internal|fileprivate|private|public)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?([A-Za-z_]\w*)/
        return source.codeIndex.lines(holding: ["import "]).compactMap { index in
            source.code[index].firstMatch(of: pattern).map { Line(module: String($0.1), line: index + 1) }
        }
    }

    /// Imports of shipped files that the table does not allow.
    static func forbidden(_ source: SourceText, room: String, table: RoomTable) -> [Finding] {
        imports(source).filter { $0.module != room && !table.allows(room, importing: $0.module) }.map {
            Finding(
                path: source.path, line: $0.line,
                message: "\(room) may not import \($0.module): the table in \(RoomTable.path) does not list it."
                    + " Move the code to a room that may, or change the table with a decision record.")
        }
    }

    /// Imports of a target's files that Package.swift does not declare for it.
    static func undeclared(_ source: SourceText, target: Manifest.Target) -> [Finding] {
        imports(source).filter {
            $0.module != target.name && !toolchain.contains($0.module) && !target.dependencies.contains($0.module)
        }.map {
            Finding(
                path: source.path, line: $0.line,
                message: "\($0.module) is imported but not declared as a dependency of \(target.name) in Package.swift.")
        }
    }

    /// Declared dependencies that no file of the target imports.
    ///
    /// A program may be declared without an import, so that a test finds it built.
    static func unused(_ target: Manifest.Target, imported: Set<String>, manifest: Manifest) -> [Finding] {
        let programs = Set(manifest.targets.filter { $0.kind == .program }.map(\.name))
        return target.dependencies.subtracting(imported).subtracting(programs).sorted().map {
            Finding(
                path: "Package.swift", line: target.line,
                message: "\(target.name) declares \($0) but no file imports it: delete the dependency.")
        }
    }

    /// Differences between the table and the declared targets.
    ///
    /// - Parameters:
    ///   - isWhole: Whether every room is expected to be present.
    static func mismatches(_ manifest: Manifest, table: RoomTable, isWhole: Bool) -> [Finding] {
        var found: [Finding] = []
        let rooms = manifest.targets.filter { $0.kind != .test && !$0.path.hasPrefix("Tests/") }
        for target in rooms {
            guard let row = table.rooms[target.name] else {
                found.append(
                    Finding(
                        path: "Package.swift", line: target.line,
                        message: "target \(target.name) has no row in the table of \(RoomTable.path): add it."))
                continue
            }
            for name in target.dependencies.sorted() where !table.allows(target.name, importing: name) {
                found.append(
                    Finding(
                        path: "Package.swift", line: target.line,
                        message: "\(target.name) declares \(name), which the table of \(RoomTable.path) does not allow."))
            }
            for name in row.ours.union(row.outside).subtracting(target.dependencies).subtracting(toolchain).sorted()
            where isWhole {
                found.append(
                    Finding(
                        path: RoomTable.path, line: 0,
                        message: "the row of \(target.name) lists \(name), which Package.swift does not declare: delete it there."
                    ))
            }
        }
        let names = Set(rooms.map(\.name))
        for name in table.rooms.keys.sorted() where isWhole && !names.contains(name) {
            found.append(
                Finding(path: RoomTable.path, line: 0, message: "the table lists \(name), but Package.swift has no such target."))
        }
        return found
    }
}
