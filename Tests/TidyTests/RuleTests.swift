// SPDX-License-Identifier: Apache-2.0
import Testing

/// Each rule can fail: fed a bad snippet it finds something, fed a good one it is silent.
@Suite struct RuleTests {
    private let table = RoomTable(
        markdown: """
            | Target | For | Ours | Outside |
            |---|---|---|---|
            | `CZstd` `CZlib` | C | - | - |
            | `Dialects` | reads | ExchangeModel, ByteCoding | - |
            | `Upstream` | sends | ExchangeModel | NIOCore, Logging |
            | `weir` | verbs | all below | Foundation |

            | `Later` | not of this table | - | - |
            """)

    private func source(_ text: String, path: String = "Sources/Dialects/Probe.swift") -> SourceText {
        SourceText(path: path, text: text)
    }

    private func target(
        _ name: String, kind: Manifest.Target.Kind = .room, needs: Set<String> = []
    ) -> Manifest.Target {
        Manifest.Target(name: name, kind: kind, path: "Sources/" + name, dependencies: needs, line: 1)
    }

    private func manifest(_ targets: String) -> Manifest {
        Manifest(
            text: """
                let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
                let package = Package(name: "p", targets: [
                \(targets)
                ])
                """)
    }

    // MARK: Reading source

    @Test func blanksCommentsAndLiteralText() {
        let text = source(
            #"""
            let a = "print(1)" // print(2)
            /* print(3) /* nested */ print(4) */
            let b = "x \(print(5)) y"
            let c = /print\(6\)/
            let d = 6 / 2 / 1
            """#)
        #expect(text.code.count == text.raw.count)
        let code = text.code.joined(separator: "\n")
        for number in [1, 2, 3, 4, 6] { #expect(!code.contains("print(\(number))")) }
        #expect(code.contains("print(5)"))
        #expect(code.contains("6 / 2 / 1"))
        #expect(text.literals.map(\.text) == ["print(1)", "x  y"])
    }

    @Test func blanksRawAndMultilineLiterals() {
        let quotes = String(repeating: "\"", count: 3)
        let text = source("let a = #\"say \"fatalError\" \\n\"#\nlet b = \(quotes)\n  as! \"x\"\n  \(quotes)\nlet end = 1")
        #expect(!text.code.joined().contains("fatalError"))
        #expect(!text.code.joined().contains("as!"))
        #expect(text.code.last == "let end = 1")
    }

    // MARK: Imports

    @Test func readsEveryFormOfImport() {
        let text = source(
            "import A\npackage import B\n@testable import C\n@preconcurrency package import D\nimport struct E.Part\n// import F\nlet important = 1"
        )
        #expect(ImportRules.imports(text).map(\.module) == ["A", "B", "C", "D", "E"])
    }

    @Test func refusesAnImportTheTableDoesNotList() {
        let bad = ImportRules.forbidden(source("import ByteCoding\npackage import NIOCore"), room: "Dialects", table: table)
        #expect(bad.map(\.line) == [2])
        #expect(ImportRules.forbidden(source("import NIOCore"), room: "Upstream", table: table).isEmpty)
        #expect(ImportRules.forbidden(source("import Dialects\nimport Foundation"), room: "weir", table: table).isEmpty)
        #expect(ImportRules.forbidden(source("import GRDB"), room: "weir", table: table).count == 1)
        #expect(table.rooms["Later"] == nil)
    }

    @Test func refusesFoundationWhereTheTableDoesNotListIt() {
        #expect(ImportRules.forbidden(source("import Foundation"), room: "Dialects", table: table).count == 1)
    }

    @Test func refusesAnImportThatIsNotDeclared() {
        let room = target("Upstream", needs: ["NIOCore"])
        #expect(ImportRules.undeclared(source("import NIOCore\nimport Synchronization"), target: room).isEmpty)
        #expect(ImportRules.undeclared(source("import Logging"), target: room).count == 1)
    }

    @Test func refusesADeclaredDependencyThatNobodyImports() {
        let plan = manifest(
            #"""
            .executableTarget(name: "weir", swiftSettings: strict),
            .testTarget(name: "SystemTests", dependencies: ["weir", nioCore], swiftSettings: strict),
            """#)
        let tests = plan.targets[1]
        #expect(ImportRules.unused(tests, imported: ["NIOCore"], manifest: plan).isEmpty)
        #expect(ImportRules.unused(tests, imported: [], manifest: plan).count == 1)
    }

    @Test func readsTargetsFromTheManifest() {
        let plan = manifest(
            #"""
            // .target(name: "Gone"),
            .target(name: "NamedQueries", path: "queries", resources: [.embedInCode("a.sql")]),
            .target(name: "Upstream", dependencies: ["ExchangeModel", nioCore, .product(name: "Logging", package: "swift-log")]),
            .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
            """#)
        #expect(plan.targets.map(\.name) == ["NamedQueries", "Upstream", "CZstd"])
        #expect(plan.targets.map(\.path) == ["queries", "Sources/Upstream", "Sources/CZstd"])
        #expect(plan.targets[1].dependencies == ["ExchangeModel", "NIOCore", "Logging"])
    }

    @Test func refusesATargetWithoutARow() {
        let plan = manifest(#".target(name: "Surprise"),"#)
        #expect(ImportRules.mismatches(plan, table: table, isWhole: false).count == 1)
    }

    @Test func refusesADependencyTheTableDoesNotAllow() {
        let plan = manifest(#".target(name: "Dialects", dependencies: ["ExchangeModel", nioCore]),"#)
        let found = ImportRules.mismatches(plan, table: table, isWhole: false)
        #expect(found.count == 1 && found[0].message.contains("NIOCore"))
    }

    @Test func refusesATableThatPromisesMoreThanTheWholeTreeHas() {
        let plan = manifest(#".target(name: "Dialects", dependencies: ["ExchangeModel"]),"#)
        #expect(ImportRules.mismatches(plan, table: table, isWhole: false).isEmpty)
        let found = ImportRules.mismatches(plan, table: table, isWhole: true).map(\.message)
        #expect(found.contains { $0.contains("lists ByteCoding") })
        #expect(found.contains { $0.contains("lists Upstream") })
    }

    // MARK: Uses

    @Test(arguments: [
        "print(x)", "  debugPrint(x)", "let now = Date()", "Task.detached { }", "Task { await f() }", "fatalError()",
        "let a = try! f()", "let b = c as! D", "let q = DispatchQueue.main", "let c = d as!E.F", "let v = table[1]!", "f(x!)",
        "var it: Int!",
        "@_exported import A", "public struct A {}",
    ])
    func refusesBannedUse(line: String) {
        #expect(!UseRules.bannedUses(source(line), room: "Dialects").isEmpty)
    }

    @Test(arguments: [
        "sink.print(x)", "blueprint(x)", "let d = Date(timeIntervalSince1970: 0)", "if a != b {}", "if a !== b {}",
        "// fatalError is refused", "let s = \"try! print( as!\"", "let t: Task<Void, Never>", "guard !isDone else { return }",
        "let x = try f()", "package struct A {}",
    ])
    func acceptsWhatOnlyLooksLikeIt(line: String) {
        #expect(UseRules.bannedUses(source(line), room: "Dialects").isEmpty)
    }

    @Test func letsOnlyTheProgramStartTasks() {
        #expect(UseRules.bannedUses(source("Task { await f() }"), room: "weir").isEmpty)
    }

    @Test func refusesUnfinishedWork() {
        let word = "TO" + "DO"
        #expect(UseRules.leftovers(source("let a = 1  // \(word): later")).count == 1)
        #expect(UseRules.leftovers(source("let a = \"\(word)\"")).isEmpty)
    }

    @Test func refusesUncheckedSendabilityOverBudgetOrWithoutItsGuard() {
        let bare = source("final class Box: @unchecked Sendable {}")
        let guarded = source("// Guarded by `lock`.\nfinal class Box: @unchecked Sendable {}")
        #expect(UseRules.uncheckedSendable([bare], room: "Dialects", budget: ["Dialects": 1]).count == 1)
        #expect(UseRules.uncheckedSendable([guarded], room: "Dialects", budget: ["Dialects": 1]).isEmpty)
        #expect(UseRules.uncheckedSendable([guarded], room: "Dialects", budget: [:]).count == 1)
        #expect(UseRules.uncheckedSendable([guarded, guarded], room: "Dialects", budget: ["Dialects": 1]).count == 1)
    }

    // MARK: Shape

    @Test func refusesALongFile() {
        let line = "let a = 1\n"
        #expect(ShapeRules.longFile(source(String(repeating: line, count: ShapeRules.fileLinesMax))).isEmpty)
        #expect(ShapeRules.longFile(source(String(repeating: line, count: ShapeRules.fileLinesMax + 1))).count == 1)
    }

    @Test(arguments: [
        "func f(a: Int = [1].first ?? 0) -> Int {", "package static func f<T>(\n    a: T\n) where T: Sendable {",
        "init?(a: Int) {",
    ])
    func refusesALongFunction(head: String) {
        let heads = head.split(separator: "\n").count
        let fits = String(repeating: "    g(\"}\")\n", count: ShapeRules.functionLinesMax - heads - 1)
        let short = "struct S {\n" + head + "\n" + fits + "}\n}\n"
        let long = "struct S {\n" + head + "\n" + fits + "    g { 1 }\n" + "}\n}\n"
        #expect(ShapeRules.longFunctions(source(short)).isEmpty)
        #expect(ShapeRules.longFunctions(source(long)).count == 1)
    }

    @Test func takesARequirementForNoFunction() {
        let body = String(repeating: "    let a = 1\n", count: ShapeRules.functionLinesMax + 1)
        #expect(ShapeRules.longFunctions(source("protocol P {\n    func f()\n}\nstruct S {\n" + body + "}\n")).isEmpty)
    }

    @Test func refusesAMissingLicenceLine() {
        #expect(ShapeRules.missingLicence(path: "a.swift", text: "import A\n").count == 1)
        #expect(ShapeRules.missingLicence(path: "a.sh", text: "#!/bin/bash\n# \(ShapeRules.licenceLine)\n").isEmpty)
    }

    @Test(arguments: [
        "package struct A {}", "package init(a: Int) {}", "    package private(set) var a = 1", "package static func f() {}",
        "@inlinable package func f() {}", "// A plain comment.\npackage let a = 1", "nonisolated package var a: Int { 1 }",
    ])
    func refusesAPackageDeclarationWithoutDocComment(text: String) {
        #expect(ShapeRules.undocumented(source(text)).count == 1)
    }

    @Test(arguments: [
        "/// A thing.\npackage struct A {}", "/// A thing.\n@frozen\npackage struct A {}",
        "/// A thing.\n@available(\n    *, deprecated\n)\npackage func f() {}", "package import ByteCoding",
        "let a = package.name",
        "struct A {}", "private func f() {}",
    ])
    func acceptsADocumentedDeclaration(text: String) {
        #expect(ShapeRules.undocumented(source(text)).isEmpty)
    }

    @Test func refusesBannedTypeNames() {
        #expect(ShapeRules.bannedTypeNames(source("struct Call {}\nfinal class OpenAIAdapter {}\nenum Vendor {}")).count == 3)
        #expect(ShapeRules.bannedTypeNames(source("struct ToolCall {}\nlet call = Caller()\n// struct Call")).isEmpty)
    }

    @Test func refusesPathsOfOneMachine() {
        let bad = ["/ho" + "me/ada/x", "see /ro" + "ot/x", "(/Us" + "ers/ada)", "/wo" + "rk/main"]
        for text in bad { #expect(ShapeRules.machinePaths(path: "a.md", text: text).count == 1) }
        #expect(ShapeRules.machinePaths(path: "a.md", text: "the /v1/home page, path/work/x, ./root").isEmpty)
    }

    @Test func refusesAMissingOrLongRoomCard() {
        let room = target("Dialects")
        #expect(ShapeRules.roomCard(target: room, card: nil).map(\.path) == ["Sources/Dialects/Dialects.docc/Dialects.md"])
        let line = "A line.\n"
        #expect(ShapeRules.roomCard(target: room, card: String(repeating: line, count: 25)).isEmpty)
        #expect(ShapeRules.roomCard(target: room, card: String(repeating: line, count: 26)).count == 1)
    }

    @Test func refusesNotebooksThatWereRun() {
        func notebook(_ cells: String, minor: Int = 5, metadata: String = "") -> [Finding] {
            let text = "{\"cells\":[\(cells)],\"metadata\":{\(metadata)},\"nbformat\":4,\"nbformat_minor\":\(minor)}\n"
            return NotebookRules.stored(path: "a.ipynb", text: text)
        }
        let words = #"{"cell_type":"markdown","id":"what","metadata":{},"source":["a"]}"#
        let code = #"{"cell_type":"code","id":"how","metadata":{},"source":["a"],"execution_count":null,"outputs":[]}"#
        #expect(notebook(words + "," + code, metadata: #""kernelspec":{},"language_info":{}"#).isEmpty)
        #expect(notebook(words, minor: 4).count == 1)
        #expect(notebook(words, metadata: #""colab":{}"#).count == 1)
        #expect(notebook(words + "," + words).count == 1)
        #expect(notebook(words.replacing("what", with: "3f2a-9")).count == 1)
        #expect(notebook(code.replacing("null", with: "7")).count == 1)
        #expect(notebook(code.replacing("[]}", with: #"[{"output_type":"stream"}]}"#)).count == 1)
        #expect(notebook(code.replacing(#","outputs":[]"#, with: "")).count == 1)
        #expect(NotebookRules.stored(path: "a.ipynb", text: "[]\n").count == 1)
    }

    // MARK: Pages

    @Test func refusesHeadersThatPagesAndCodeDoNotShare() {
        let code = DocsRules.headerNames("x-inference-provider, x-inference-metadata-, x-inference-")
        let docs = DocsRules.headerNames("`x-inference-metadata-chat-id: 1` and `x-weir-exchange-id`")
        #expect(code == ["x-inference-provider", "x-inference-metadata-"])
        #expect(DocsRules.headerDifferences(code: code, docs: docs).count == 2)
        #expect(DocsRules.headerDifferences(code: code, docs: code).isEmpty)
    }

    @Test func readsFaultCodesFromSource() {
        let text = """
            static let unknownRoute = FaultCode("unknown_route", status: 404)
            static let draining = FaultCode(
                name: "draining")
            static let badRequest = Self("bad_request")
            case overloaded = "overloaded"
            let type = "invalid_request_error"
            """
        #expect(DocsRules.faultCodes(swift: text) == ["unknown_route", "draining", "bad_request", "overloaded"])
    }

    @Test func refusesFaultsThatPagesAndCodeDoNotShare() {
        let docs = DocsRules.documentedFaultCodes(
            markdown: "| code | status |\n|---|---|\n| `draining` | 503 |\n\n## Reserved\n| `rate_limited` | 429 |\n")
        #expect(docs.active == ["draining"] && docs.reserved == ["rate_limited"])
        #expect(DocsRules.faultDifferences(code: ["draining"], docs: docs).isEmpty)
        #expect(DocsRules.faultDifferences(code: ["draining", "rate_limited"], docs: docs).isEmpty)
        #expect(DocsRules.faultDifferences(code: ["draining", "overloaded"], docs: docs).count == 1)
        #expect(DocsRules.faultDifferences(code: ["rate_limited"], docs: docs).count == 1)
        #expect(DocsRules.faultDifferences(code: [], docs: docs).count == 1)
    }

    @Test func refusesVerbsThatPagesAndProgramDoNotShare() {
        let named = source(#"CommandConfiguration(commandName: "serve", abstract: "")"#, path: "Sources/weir/Serve.swift")
        let typed = source("struct Demo: AsyncParsableCommand {", path: "Sources/weir/Demo.swift")
        let program = DocsRules.verbs(named).union(DocsRules.verbs(typed))
        #expect(program == ["serve", "demo"])
        let lines = DocsRules.codeLines(markdown: "Type `weir serve` first.\n```\n./weir demo --keep\n```\nweir dance")
        #expect(DocsRules.verbDifferences(program: program, codeLines: lines).isEmpty)
        #expect(DocsRules.verbDifferences(program: program, codeLines: ["weir serve"]).count == 1)
        #expect(DocsRules.verbDifferences(program: program, codeLines: lines + ["weir dance"]).count == 1)
    }

    @Test func refusesQueriesThatPagesAndFilesDoNotShare() {
        let lines = ["weir query tail-latency --json", "$ weir query exchanges", "weir query NAME"]
        #expect(DocsRules.queryDifferences(files: ["tail-latency"], codeLines: lines).isEmpty)
        #expect(DocsRules.queryDifferences(files: ["tail-latency", "errors"], codeLines: lines).count == 1)
        #expect(DocsRules.queryDifferences(files: [], codeLines: lines).count == 1)
    }

    @Test func refusesDeadLinks() {
        let page = "See [a](../formats/a.md#top), `Sources/Gone/X.swift`, `queries/*.sql` and [web](https://example.com)."
        let found = DocsRules.references(page: "notebooks-docs/runbooks/errors.md", markdown: page).map(\.target)
        #expect(found == ["notebooks-docs/formats/a.md", "Sources/Gone/X.swift", "queries"])
        let dead = DocsRules.deadReferences(page: "notebooks-docs/runbooks/errors.md", markdown: page) { $0 == "queries" }
        #expect(dead.count == 2)
    }
}
