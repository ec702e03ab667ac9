// SPDX-License-Identifier: Apache-2.0
import Platform

/// Lists the files of a tree that are worth reading; links are not followed.
struct TreeWalk {
    /// A file by its path relative to the tree.
    struct Source {
        let path: String
        /// The kind by its name; nil where only its first line can tell.
        let knownKind: SourceKind?

        var setsVariables: Bool { knownKind?.setsVariables ?? false }
    }

    let files: any SourceTreeFileSystem
    let options: InstrumentOptions
    let progress: (TreePlan.Progress) -> Void
    private(set) var sources: [Source] = []
    private(set) var skipped = 0
    private(set) var entries = 0
    private(set) var remarks: [Remark] = []

    init(files: any SourceTreeFileSystem, options: InstrumentOptions, progress: @escaping (TreePlan.Progress) -> Void) {
        self.files = files
        self.options = options
        self.progress = progress
    }

    /// Lists a directory and those below it.
    mutating func run(_ root: String) throws {
        var open: [(path: String, depth: Int)] = [("", 0)]
        while let folder = open.popLast() {
            let place = folder.path.isEmpty ? root : PathText.join(root, folder.path)
            let names: [String]
            do { names = try files.list(place) } catch {
                if folder.path.isEmpty { throw error }
                remarks.append(Remark(path: folder.path, line: 0, message: "it cannot be listed: errno \(error.errno)"))
                continue
            }
            for name in names.reversed() {
                entries += 1
                guard entries <= InstrumentLimits.entries else {
                    throw InstrumentError(
                        code: .treeTooLarge,
                        message: "more than \(InstrumentLimits.entries) entries; give a smaller directory or use --exclude")
                }
                if entries % InstrumentLimits.entriesPerReport == 0 {
                    progress(TreePlan.Progress(entries: entries, filesRead: 0))
                }
                look(root, folder, name, &open)
            }
        }
        sources.sort { $0.path < $1.path }
    }

    private mutating func look(
        _ root: String, _ folder: (path: String, depth: Int), _ name: String, _ open: inout [(path: String, depth: Int)]
    ) {
        let path = folder.path.isEmpty ? name : folder.path + "/" + name
        guard !options.excludes.contains(where: { $0.matches(path) }) else { return }
        guard let facts = try? files.facts(of: PathText.join(root, path)) else { return }
        switch facts.kind {
        case .directory:
            guard !SourceKind.skippedDirectories.contains(name), !name.hasSuffix(".egg-info") else { return }
            guard folder.depth < InstrumentLimits.depth else {
                return remarks.append(Remark(path: path, line: 0, message: "it lies too deep and is not read"))
            }
            open.append((path, folder.depth + 1))
        case .file:
            add(name, path, facts.size)
        case .link, .other:
            return
        }
    }

    /// Adds the one file that was asked for.
    mutating func addFile(_ name: String, _ base: String) {
        guard let facts = try? files.facts(of: PathText.join(base, name)), facts.kind == .file else {
            return remarks.append(Remark(path: name, line: 0, message: "it is no ordinary file; give the file itself"))
        }
        add(name, name, facts.size)
    }

    private mutating func add(_ name: String, _ path: String, _ size: Int64) {
        let kind = SourceKind(name: name)
        guard kind != nil || (!name.contains(".") && size > 2) else { return }
        guard size <= Int64(InstrumentLimits.fileBytes) else {
            if kind != nil { skipped += 1 }
            return
        }
        sources.append(Source(path: path, knownKind: kind))
    }
}
