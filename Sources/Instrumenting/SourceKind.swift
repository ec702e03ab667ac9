// SPDX-License-Identifier: Apache-2.0

/// What a file is read as.
enum SourceKind: Equatable {
    case python
    case script
    case shell
    case dotEnv(isExample: Bool)
    case yaml
    case dockerfile
    case notebook

    /// The kind by the name; nil for a file that is not read.
    init?(name: String) {
        let lower = name.lowercased()
        if lower == ".env" || lower.hasPrefix(".env.") || lower.hasSuffix(".env") {
            self = .dotEnv(isExample: ["example", "sample", "template", "dist", "defaults"].contains { lower.contains($0) })
            return
        }
        if lower == "dockerfile" || lower == "containerfile" || lower.hasPrefix("dockerfile.") || lower.hasSuffix(".dockerfile") {
            self = .dockerfile
            return
        }
        guard !lower.hasSuffix(".min.js"), !lower.hasSuffix(".d.ts"), !lower.hasSuffix(".bundle.js") else { return nil }
        switch lower.split(separator: ".", omittingEmptySubsequences: false).last.map(String.init) {
        case "py", "pyw": self = .python
        case "ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs": self = .script
        case "sh", "bash", "zsh", "ksh", "envrc": self = .shell
        case "yml", "yaml": self = .yaml
        case "ipynb": self = .notebook
        default: return nil
        }
    }

    /// The kind of a file without an ending, by its first line.
    init?(firstBytes: ArraySlice<UInt8>) {
        let line = String(decoding: firstBytes.prefix { $0 != 0x0A }, as: UTF8.self)
        guard line.hasPrefix("#!") else { return nil }
        if line.contains("python") {
            self = .python
        } else if line.contains("node") {
            self = .script
        } else if line.contains("sh") {
            self = .shell
        } else {
            return nil
        }
    }

    /// Whether it sets variables that the code around it may read.
    var setsVariables: Bool {
        switch self {
        case .dotEnv(let isExample): !isExample
        case .yaml, .dockerfile: true
        default: false
        }
    }

    /// Whether its variables are for the inside of a container.
    var isContainer: Bool { self == .yaml || self == .dockerfile }

    /// Directories that hold what others wrote, or what is built.
    static let skippedDirectories: Set<String> = [
        ".git", ".hg", ".svn", "node_modules", "bower_components", "jspm_packages", ".venv", "venv", "virtualenv", ".tox", ".nox",
        "site-packages", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".eggs", "dist", "build", "out", "target",
        ".next", ".nuxt", ".svelte-kit", ".turbo", ".vercel", ".output", ".parcel-cache", ".cache", "coverage", ".terraform",
        ".gradle", ".idea", ".vscode", ".build", "vendor", "third_party", ".yarn", ".pnpm-store", ".weir",
    ]
}
