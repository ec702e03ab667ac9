// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Stored notebooks are sources: no outputs, no counts, cells that keep their names.
enum NotebookRules {
    /// What is wrong with a stored notebook.
    static func stored(path: String, text: String) -> [Finding] {
        guard let notebook = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            let cells = notebook["cells"] as? [[String: Any]]
        else { return [Finding(path: path, line: 0, message: "not a notebook: no JSON object with cells.")] }
        var faults: [String] = []
        if notebook["nbformat"] as? Int != 4 || notebook["nbformat_minor"] as? Int != 5 { faults.append("not in nbformat 4.5.") }
        if !text.hasSuffix("}\n") { faults.append("no newline at the end.") }
        let metadata = (notebook["metadata"] as? [String: Any])?.keys.filter { !["kernelspec", "language_info"].contains($0) }
        for name in (metadata ?? []).sorted() { faults.append("metadata `\(name)` of one person's tools.") }
        var seen: Set<String> = []
        for cell in cells { faults += Self.faults(of: cell, seen: &seen) }
        return faults.map { Finding(path: path, line: 0, message: $0) }
    }

    private static func faults(of cell: [String: Any], seen: inout Set<String>) -> [String] {
        let id = cell["id"] as? String ?? ""
        var faults: [String] = []
        if id.wholeMatch(of: /[a-z][a-z-]{1,63}/) == nil { faults.append("the cell `\(id)` has no name of letters and hyphens.") }
        if !seen.insert(id).inserted { faults.append("two cells are named `\(id)`.") }
        guard cell["cell_type"] as? String == "code" else { return faults }
        if (cell["outputs"] as? [Any])?.isEmpty != true { faults.append("the cell `\(id)` holds outputs: clear them.") }
        if !(cell["execution_count"] is NSNull) { faults.append("the cell `\(id)` holds an execution count: clear it.") }
        return faults
    }
}
