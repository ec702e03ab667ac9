// SPDX-License-Identifier: Apache-2.0
package import Platform

/// What a run over a tree would change, and what it leaves to a person.
///
/// Task world: the calls block on files. Making a plan writes nothing.
package struct TreePlan: Sendable {
    /// How far a run has come.
    package struct Progress: Sendable {
        /// Entries of directories looked at.
        package let entries: Int
        /// Files read.
        package let filesRead: Int
    }

    /// The files to change, by path.
    package private(set) var changes: [FileChange] = []
    /// Places that could not be decided, by path and line.
    package private(set) var undecided: [Remark] = []
    /// What a person should know about the edits.
    package private(set) var notes: [Remark] = []
    /// Undecided places beyond the limit, not named.
    package private(set) var unnamed = 0
    /// Files read.
    package private(set) var filesRead = 0
    /// Files of a known kind that are larger than the limit, or binary.
    package private(set) var filesSkipped = 0

    /// The directory that paths are relative to.
    private let base: String

    /// Reads a tree, or one file, and plans the edits.
    ///
    /// - Parameters:
    ///   - path: a directory or a file; what it links to is not followed below it.
    ///   - options: where to point clients.
    ///   - files: the file system.
    ///   - progress: told now and then.
    /// - Throws: `badPath`, `treeTooLarge`, or what the file system refuses for the path itself.
    package init(
        path: String, options: InstrumentOptions, files: any SourceTreeFileSystem,
        progress: @escaping (Progress) -> Void = { _ in }
    ) throws {
        guard let status = try files.status(of: path) else {
            throw InstrumentError(code: .badPath, message: "there is nothing at \(path); give a directory or a file")
        }
        base = status.isDirectory ? path : PathText.parent(of: path)
        var walk = TreeWalk(files: files, options: options, progress: progress)
        if status.isDirectory { try walk.run(path) } else { walk.addFile(PathText.name(of: path), base) }
        filesSkipped = walk.skipped
        for remark in walk.remarks { add(remark) }
        plan(walk.sources, options, files, progress, entries: walk.entries)
        undecided.sort { ($0.path, $0.line) < ($1.path, $1.line) }
        notes.sort { ($0.path, $0.line) < ($1.path, $1.line) }
    }

    /// Plans one text by itself, without a file system.
    ///
    /// - Parameters:
    ///   - text: its bytes, of any size.
    ///   - name: a file name, which tells what it is read as.
    ///   - options: where to point clients.
    package init(text: [UInt8], name: String, options: InstrumentOptions) {
        base = "."
        guard let kind = SourceKind(name: name) else { return }
        var scopes: [String: EnvironmentScope] = [:]
        plan(name, kind, text, options, &scopes)
    }

    private mutating func plan(
        _ sources: [TreeWalk.Source], _ options: InstrumentOptions, _ files: any SourceTreeFileSystem,
        _ progress: (Progress) -> Void, entries: Int
    ) {
        // Files that set variables come first: what they set decides what the code around them needs.
        var scopes: [String: EnvironmentScope] = [:]
        for source in sources where source.setsVariables { read(source, options, files, &scopes) }
        for source in sources where !source.setsVariables {
            read(source, options, files, &scopes)
            if filesRead % InstrumentLimits.entriesPerReport == 0 {
                progress(Progress(entries: entries, filesRead: filesRead))
            }
        }
        changes.sort { $0.path < $1.path }
    }

    private mutating func read(
        _ source: TreeWalk.Source, _ options: InstrumentOptions, _ files: any SourceTreeFileSystem,
        _ scopes: inout [String: EnvironmentScope]
    ) {
        let bytes: [UInt8]
        do { bytes = try files.readFile(PathText.join(base, source.path), limit: InstrumentLimits.fileBytes + 1) } catch {
            return add(
                Remark(
                    path: source.path, line: 0, message: "it cannot be read: \(error.operation) failed with errno \(error.errno)")
            )
        }
        guard bytes.count <= InstrumentLimits.fileBytes, !bytes.prefix(InstrumentLimits.sniffedBytes).contains(0) else {
            filesSkipped += 1
            return
        }
        guard let kind = source.knownKind ?? SourceKind(firstBytes: bytes.prefix(200)) else { return }
        plan(source.path, kind, bytes, options, &scopes)
    }

    private mutating func plan(
        _ path: String, _ kind: SourceKind, _ bytes: [UInt8], _ options: InstrumentOptions,
        _ scopes: inout [String: EnvironmentScope]
    ) {
        filesRead += 1
        let folder = TreePlan.folder(path)
        switch kind {
        case .python: take(PythonReader.plan(bytes, options, TreePlan.scope(folder, scopes)), bytes, path)
        case .script: take(ScriptReader.plan(bytes, options, TreePlan.scope(folder, scopes)), bytes, path)
        default:
            var editor = VariableEditor(bytes, options, isContainer: kind.isContainer)
            TreePlan.readVariables(kind, bytes, &editor)
            if kind.setsVariables { scopes[folder, default: EnvironmentScope()].add(editor.scope) }
            take(editor.findings, bytes, path)
        }
    }

    private static func readVariables(_ kind: SourceKind, _ bytes: [UInt8], _ editor: inout VariableEditor) {
        switch kind {
        case .shell: ShellFile.read(bytes, &editor)
        case .dotEnv: DotEnvFile.read(bytes, &editor)
        case .yaml: YAMLFile.read(bytes, &editor)
        case .dockerfile: Dockerfile.read(bytes, &editor)
        case .notebook:
            let text = String(decoding: bytes, as: UTF8.self)
            let packages = ["openai", "anthropic", "groq", "google import genai", "mistralai", "litellm", "langchain_openai"]
            if packages.contains(where: {
                text.contains("import \($0)") || text.contains("from \($0) import")
                    || text.contains("from \($0)") && $0.contains(" ")
            }) {
                editor.findings.undecided.append((0, "a notebook that uses an LLM client; set its base URL in the cell by hand"))
            }
        default: return
        }
    }

    private mutating func take(_ findings: FileFindings, _ bytes: [UInt8], _ path: String) {
        for place in findings.undecided { add(Remark(path: path, line: place.line, message: place.message)) }
        guard !findings.edits.isEmpty else { return }
        guard changes.count < InstrumentLimits.changedFiles,
            let change = FileChange(path: path, original: bytes, edits: findings.edits)
        else { return add(Remark(path: path, line: 0, message: "its edits cannot be made together; edit it by hand")) }
        guard change.changed != bytes else { return }
        for note in findings.notes { notes.append(Remark(path: path, line: note.line, message: note.message)) }
        changes.append(change)
    }

    private mutating func add(_ remark: Remark) {
        if undecided.count < InstrumentLimits.undecided { undecided.append(remark) } else { unnamed += 1 }
    }

    private static func folder(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    /// What the files of a folder and of those above it set.
    private static func scope(_ folder: String, _ scopes: [String: EnvironmentScope]) -> EnvironmentScope {
        var scope = scopes[""] ?? EnvironmentScope()
        var at = folder
        while !at.isEmpty {
            if let inner = scopes[at] { scope.add(inner) }
            at = TreePlan.folder(at)
        }
        return scope
    }

    // MARK: Applying

    /// Writes the changes, each file as a whole, keeping its mode; one that has changed since it was read is left.
    ///
    /// - Parameter files: the file system.
    /// - Returns: the files that could not be written, and why.
    package func apply(_ files: any SourceTreeFileSystem) -> [Remark] {
        var failures: [Remark] = []
        for change in changes {
            let path = PathText.join(base, change.path)
            do {
                guard try files.facts(of: path)?.kind == .file,
                    try files.readFile(path, limit: InstrumentLimits.fileBytes + 1) == change.original
                else {
                    failures.append(
                        Remark(path: change.path, line: 0, message: "it was changed meanwhile and is left; run again"))
                    continue
                }
                try files.replaceKeepingMode(path, with: change.changed)
            } catch {
                failures.append(
                    Remark(
                        path: change.path, line: 0,
                        message: "it cannot be written: \(error.operation) failed with errno \(error.errno)"))
            }
        }
        return failures
    }
}
