// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Datasets
import Platform

struct DatasetInitVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a recipe to begin with: every key, its default and what it means.",
        discussion: """
            EXAMPLES:
              weir dataset init support.yaml --name support
              weir dataset init - --name support
            """)

    @Argument(help: ArgumentHelp("Where to write it; - writes to standard output.", valueName: "file")) var path: String
    @Option(help: "The data set's name: letters, digits, dot, underscore, hyphen.") var name: String
    @Flag(help: "Replace a file that is there.") var force = false

    func run() throws {
        do { try DatasetRecipe(name: name).validate() } catch { throw VerbFailure.usage("\(error)") }
        let text = RecipeTemplate.text(name: name)
        guard path != "-" else { return try Terminal.data(text) }
        let files = PosixFileSystem()
        if try files.status(of: path) != nil, !force {
            throw VerbFailure.usage("\(path) is there already; name another file, or replace it with --force")
        }
        let parent = PathText.parent(of: path)
        guard try files.status(of: parent)?.isDirectory == true else {
            throw VerbFailure.usage("there is no directory \(parent): make it, or name another file")
        }
        guard try files.status(of: path)?.isDirectory != true else {
            throw VerbFailure.usage("\(path) is a directory: name a file, such as \(PathText.join(path, "\(name).yaml"))")
        }
        try files.replaceFile(path, with: Array(text.utf8))
        Terminal.say("wrote \(path); see what it takes with `weir dataset preview \(path)`")
    }
}

/// A recipe that says nothing but the defaults.
enum RecipeTemplate {
    static func text(name: String) -> String {
        var lines = ["# What goes into the data set, and how. Lines that begin with # say what holds without them."]
        if let setting = RecipeSchema.table["name"] { lines += ["# \(setting.doc)", "name: \(name)"] }
        var around: [String] = []
        for setting in RecipeSchema.table.settings where setting.path != "name" {
            let parts = setting.path.split(separator: ".").map(String.init)
            for depth in 1..<max(parts.count, 1) where Array(around.prefix(depth)) != Array(parts.prefix(depth)) {
                let indent = String(repeating: "  ", count: depth - 1)
                if depth == 1 { lines.append("") }
                lines.append("\(indent)# \(parts[depth - 1]):")
            }
            around = Array(parts.dropLast())
            let indent = String(repeating: "  ", count: parts.count - 1)
            lines.append("\(indent)# \(setting.doc)")
            lines.append("\(indent)# \(parts[parts.count - 1]): \(setting.fallback ?? "")")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
