// SPDX-License-Identifier: Apache-2.0
import Foundation
import Instrumenting
import Platform
import TestSupport
import Testing

@Suite struct ProjectTests {
    private let files = PosixFileSystem()

    @Test func findsTheProjects() {
        #expect(Project.all.count >= 7)
    }

    @Test(arguments: Project.all)
    func plansWhatIsExpectedAndWritesNothing(project: Project) throws {
        let before = try Snapshot(project.tree)
        let plan = try TreePlan(path: project.tree, options: project.options, files: files)
        #expect(plan.diff == project.expectedDiff)
        #expect(plan.words == project.expectedWords)
        #expect(try Snapshot(project.tree) == before)
    }

    @Test(arguments: Project.all)
    func findsNothingMoreAfterApplying(project: Project) throws {
        let scratch = try Scratch()
        let copy = try project.copy(in: scratch)
        let before = try Snapshot(copy)
        let plan = try TreePlan(path: copy, options: project.options, files: files)
        #expect(plan.apply(files).isEmpty)
        let after = try Snapshot(copy)
        #expect(after.modes == before.modes)
        #expect(after.bytes.keys == before.bytes.keys)
        #expect(Set(after.bytes.filter { before.bytes[$0.key] != $0.value }.keys) == Set(plan.changes.map(\.path)))
        let again = try TreePlan(path: copy, options: project.options, files: files)
        #expect(again.changes.isEmpty, "\(again.diff)")
        #expect(again.notes.isEmpty)
        #expect(again.undecided.map(\.message) == plan.undecided.map(\.message))
    }

    @Test(arguments: Project.all)
    func diffIsTakenByPatchWithTheSameResult(project: Project) throws {
        let scratch = try Scratch()
        let copy = try project.copy(in: scratch)
        let plan = try TreePlan(path: copy, options: project.options, files: files)
        try Data(plan.changes.flatMap(\.diff)).write(to: URL(fileURLWithPath: scratch.at("diff")))
        guard let dry = try runProgram(["patch", "-p1", "--dry-run", "--binary", "-i", scratch.at("diff")], directory: copy)
        else {
            return
        }
        #expect(dry.code == 0, "\(dry.output)")
        let real = try runProgram(["patch", "-p1", "--binary", "-i", scratch.at("diff")], directory: copy)
        #expect(real?.code == 0 && real?.output.contains("fuzz") == false && real?.output.contains("offset") == false)
        for change in plan.changes {
            #expect(FileManager.default.contents(atPath: copy + "/" + change.path).map { [UInt8]($0) } == change.changed)
        }
    }

    @Test(arguments: Project.all)
    func editedFilesStillParse(project: Project) throws {
        let scratch = try Scratch()
        let copy = try project.copy(in: scratch)
        let plan = try TreePlan(path: copy, options: project.options, files: files)
        #expect(plan.apply(files).isEmpty)
        for change in plan.changes {
            let path = copy + "/" + change.path
            var command: [String]?
            if path.hasSuffix(".py") { command = ["python3", "-c", "import ast,sys; ast.parse(open(sys.argv[1]).read())", path] }
            if path.hasSuffix(".sh") { command = ["bash", "-n", path] }
            if path.hasSuffix(".mjs") || path.hasSuffix(".js") { command = ["node", "--check", path] }
            guard let command, let ended = try runProgram(command) else { continue }
            #expect(ended.code == 0, "\(change.path): \(ended.output)")
        }
    }

    @Test(arguments: Project.all)
    func cutsOfTheProjectsNeverTrapAndStayApplicable(project: Project) throws {
        var random = SplitMix64(seed: UInt64(project.name.utf8.count))
        let names = FileManager.default.enumerator(atPath: project.tree)?.compactMap { $0 as? String } ?? []
        for name in names {
            guard let data = FileManager.default.contents(atPath: project.tree + "/" + name) else { continue }
            let bytes = [UInt8](data)
            for round in 0..<18 where !bytes.isEmpty {
                let first = round % 3 == 0 ? Int.random(in: 0...bytes.count, using: &random) : 0
                var cut = Array(bytes[first..<Int.random(in: first...bytes.count, using: &random)])
                if round % 2 == 1, !cut.isEmpty {
                    for _ in 0..<4 {
                        cut[Int.random(in: cut.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                    }
                }
                let file = name.split(separator: "/").last.map(String.init) ?? name
                let plan = TreePlan(text: cut, name: file, options: project.options)
                for change in plan.changes {
                    let again = TreePlan(text: change.changed, name: file, options: project.options)
                    // What was written is not edited again, even in a file that is cut off.
                    #expect(again.changes.isEmpty, "\(again.diff)")
                    #expect(!change.diff.isEmpty)
                }
            }
        }
    }
}
