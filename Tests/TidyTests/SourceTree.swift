// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The files of the package, read from disk once per test run.
struct SourceTree {
    /// The folder that holds Package.swift.
    let root: URL
    /// Every text file that belongs to the project, by its path from the root, sorted.
    let paths: [String]
    /// The Swift files under Sources, Tests and queries.
    let swift: [SourceText]

    /// The tree this test was compiled from.
    static let current = SourceTree(root: packageRoot(file: #filePath))

    private static let folders = ["Sources", "Tests", "queries", "notebooks-docs", ".ci"]
    private static let topFiles = [
        "Package.swift", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", ".gitignore", ".swift-format",
    ]
    private static let textEndings = [
        "swift", "md", "sql", "sh", "py", "h", "c", "modulemap", "txt", "swift-format", "yaml", "json", "ipynb",
    ]

    init(root: URL) {
        self.root = root
        let files = FileManager.default
        var found = Self.topFiles.filter { files.fileExists(atPath: root.appendingPathComponent($0).path) }
        for folder in Self.folders {
            let base = root.appendingPathComponent(folder).path
            for name in files.enumerator(atPath: base)?.compactMap({ $0 as? String }) ?? [] where Self.isText(name) {
                found.append(folder + "/" + name)
            }
        }
        paths = found.sorted()
        swift = paths.filter { $0.hasSuffix(".swift") && $0 != "Package.swift" }
            .map { SourceText(path: $0, text: Self.read(root: root, $0)) }
    }

    private static func isText(_ name: String) -> Bool {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        guard !name.contains("__pycache__"), !name.contains(".venv/") else { return false }
        guard let dot = last.lastIndex(of: ".") else { return last == "run" }
        return textEndings.contains(String(last[last.index(after: dot)...]))
    }

    private static func packageRoot(file: String) -> URL {
        URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    private static func read(root: URL, _ path: String) -> String {
        let data = FileManager.default.contents(atPath: root.appendingPathComponent(path).path) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    /// The text of one file, empty where there is none.
    func text(_ path: String) -> String { Self.read(root: root, path) }

    /// Whether a file or folder lies at the path.
    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    /// The Swift files under Sources and queries, which ship.
    var shipped: [SourceText] { swift.filter { !$0.path.hasPrefix("Tests/") } }

    /// Whether the program target is here: from then on a table row without a target is an error too.
    var isWhole: Bool { exists("Sources/weir") }

    /// The pages a person reads: README and everything under notebooks-docs.
    var pages: [String] { paths.filter { $0.hasSuffix(".md") && ($0 == "README.md" || $0.hasPrefix("notebooks-docs/")) } }
}

/// One broken rule at one place, in the words a person needs to mend it.
struct Finding: CustomStringConvertible, Equatable {
    let path: String
    let line: Int
    let message: String

    var description: String { line > 0 ? "\(path):\(line): \(message)" : "\(path): \(message)" }
}

/// The findings as one comment for a failed expectation, at most forty of them.
func listing(_ findings: [Finding]) -> String {
    let shown = findings.prefix(40).map(\.description).joined(separator: "\n")
    return "\(findings.count) broken:\n" + shown
}
