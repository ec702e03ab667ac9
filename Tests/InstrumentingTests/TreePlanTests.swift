// SPDX-License-Identifier: Apache-2.0
import Foundation
import Instrumenting
import Platform
import Testing

@Suite struct TreePlanTests {
    private let files = PosixFileSystem()
    private let code = "from openai import OpenAI\nc = OpenAI()\n"

    private func plan(_ scratch: Scratch, excludes: [String] = []) throws -> TreePlan {
        try TreePlan(path: scratch.path, options: try InstrumentOptions(excludes: excludes), files: files)
    }

    @Test func readsNothingOfOthersNorOfLinks() throws {
        let scratch = try Scratch()
        for folder in ["node_modules/p", ".venv/lib", "build", ".git", "dist", "src"] {
            try scratch.write("\(folder)/a.py", code)
        }
        try FileManager.default.createSymbolicLink(atPath: scratch.at("link.py"), withDestinationPath: scratch.at("src/a.py"))
        try FileManager.default.createSymbolicLink(atPath: scratch.at("linked"), withDestinationPath: scratch.at("src"))
        #expect(try plan(scratch).changes.map(\.path) == ["src/a.py"])
        #expect(try plan(scratch, excludes: ["src/**"]).changes.isEmpty)
        #expect(try plan(scratch, excludes: ["src"]).changes.isEmpty)
    }

    @Test func countsLargeAndBinaryFiles() throws {
        let scratch = try Scratch()
        try scratch.write("large.py", code + String(repeating: "#", count: InstrumentLimits.fileBytes))
        try scratch.write("binary.py", code + "\0")
        let plan = try plan(scratch)
        #expect(plan.changes.isEmpty && plan.filesSkipped == 2)
    }

    @Test func keepsTheModeAndLeavesNothingBeside() throws {
        let scratch = try Scratch()
        try scratch.write("a", "#!/usr/bin/env python3\n" + code)
        try FileManager.default.setAttributes([.posixPermissions: 0o754], ofItemAtPath: scratch.at("a"))
        #expect(try plan(scratch).apply(files).isEmpty)
        #expect(try files.facts(of: scratch.at("a"))?.mode == 0o754)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["a"])
        #expect(scratch.read("a").contains("8080"))
    }

    @Test func leavesAFileThatWasChangedMeanwhile() throws {
        let scratch = try Scratch()
        try scratch.write("a.py", code)
        try scratch.write("b.py", code)
        let plan = try plan(scratch)
        try scratch.write("a.py", "mine\n")
        #expect(plan.apply(files).map(\.path) == ["a.py"])
        #expect(scratch.read("a.py") == "mine\n")
        #expect(scratch.read("b.py").contains("8080"))
    }

    @Test func leavesAFileThatMayNotBeWritten() throws {
        let scratch = try Scratch()
        try scratch.write("a.py", code)
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: scratch.at("a.py"))
        #expect(try plan(scratch).apply(files).map(\.path) == ["a.py"])
        #expect(scratch.read("a.py") == code)
    }

    @Test func writesNoLinkThatTookTheFilesPlace() throws {
        let scratch = try Scratch()
        try scratch.write("a.py", code)
        try scratch.write("elsewhere", code)
        let plan = try plan(scratch, excludes: ["elsewhere"])
        try FileManager.default.removeItem(atPath: scratch.at("a.py"))
        try FileManager.default.createSymbolicLink(atPath: scratch.at("a.py"), withDestinationPath: scratch.at("elsewhere"))
        #expect(plan.apply(files).count == 1)
        #expect(scratch.read("elsewhere") == code)
    }

    @Test func aVariableOfTheTreeDecidesInItsOwnFolders() throws {
        let scratch = try Scratch()
        try scratch.write("a/.env", "OPENAI_BASE_URL=https://api.openai.com/v1\n")
        try scratch.write("b/.env.example", "OPENAI_BASE_URL=https://api.openai.com/v1\n")
        for folder in ["a/src", "b/src"] { try scratch.write("\(folder)/m.py", code) }
        #expect(try plan(scratch).changes.map(\.path) == ["a/.env", "b/.env.example", "b/src/m.py"])
    }

    @Test func readsOneFile() throws {
        let scratch = try Scratch()
        try scratch.write("a.py", code)
        let plan = try TreePlan(path: scratch.at("a.py"), options: try InstrumentOptions(), files: files)
        #expect(plan.diff.hasPrefix("--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n"))
    }

    @Test(arguments: [
        "127.0.0.1:8080", "ftp://x", "http://", "http://u@x", "http://x?y", "http://x/v1", "http://x/v1/", "http://x:0",
        "http://x:99999",
        "https://api.openai.com", "http://x y",
    ])
    func refusesGateway(url: String) {
        #expect(throws: InstrumentError.self) { try InstrumentOptions(gateway: url) }
    }

    @Test(arguments: ["", "a b", "a/b", "ä", "..", "a\"b", String(repeating: "a", count: 101)])
    func refusesName(name: String) {
        #expect(throws: InstrumentError.self) { try InstrumentOptions(task: name) }
        #expect(throws: InstrumentError.self) { try InstrumentOptions(environment: name) }
    }

    @Test func refusesAPathThatIsNotThere() throws {
        let scratch = try Scratch()
        #expect(throws: InstrumentError.self) {
            try TreePlan(path: scratch.at("absent"), options: try InstrumentOptions(), files: files)
        }
    }
}
