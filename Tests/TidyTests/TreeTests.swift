// SPDX-License-Identifier: Apache-2.0
import Testing

/// The rules of the house, held against the tree as it is.
///
/// `RuleTests` shows for each rule that it can fail.
@Suite struct TreeTests {
    private let tree = SourceTree.current
    private let table = RoomTable(markdown: SourceTree.current.text(RoomTable.path))
    private let manifest = Manifest(text: SourceTree.current.text("Package.swift"))

    private var rooms: [Manifest.Target] { manifest.targets.filter { !$0.path.hasPrefix("Tests/") } }

    private func files(_ target: Manifest.Target) -> [SourceText] {
        tree.swift.filter { $0.path.hasPrefix(target.path + "/") }
    }

    private func expectNone(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
        let isClean = findings.isEmpty
        #expect(isClean, Comment(rawValue: listing(findings)), sourceLocation: sourceLocation)
    }

    @Test func readsTheTreeTheTableAndTheManifest() {
        #expect(tree.swift.contains { $0.path == "Tests/TidyTests/TreeTests.swift" })
        #expect(table.rooms["Gateway"]?.ours.contains("Capture") == true)
        #expect(manifest.targets.contains { $0.name == "TidyTests" && $0.kind == .test })
    }

    @Test func importsAreThoseOfTheTable() {
        expectNone(rooms.flatMap { room in files(room).flatMap { ImportRules.forbidden($0, room: room.name, table: table) } })
    }

    @Test func importsAreDeclaredDependencies() {
        expectNone(manifest.targets.flatMap { target in files(target).flatMap { ImportRules.undeclared($0, target: target) } })
    }

    @Test func declaredDependenciesAreImported() {
        expectNone(
            manifest.targets.filter { tree.exists($0.path) }.flatMap { target in
                let imported = Set(files(target).flatMap { ImportRules.imports($0).map(\.module) })
                return ImportRules.unused(target, imported: imported, manifest: manifest)
            })
    }

    @Test func tableAndManifestAgree() {
        expectNone(ImportRules.mismatches(manifest, table: table, isWhole: tree.isWhole))
    }

    @Test func shippedCodeHoldsNoBannedUse() {
        expectNone(rooms.flatMap { room in files(room).flatMap { UseRules.bannedUses($0, room: room.name) } })
    }

    @Test func commentsHoldNoUnfinishedWork() {
        expectNone(tree.swift.flatMap(UseRules.leftovers))
    }

    @Test func uncheckedSendabilityStaysInBudget() {
        expectNone(
            rooms.flatMap {
                UseRules.uncheckedSendable(files($0), room: $0.name, budget: UseRules.uncheckedBudget)
            })
    }

    @Test func filesAndFunctionsStayShort() {
        expectNone(tree.swift.flatMap(ShapeRules.longFile))
        expectNone(tree.swift.flatMap(ShapeRules.longFunctions))
    }

    @Test func packageDeclarationsAreDocumented() {
        expectNone(tree.shipped.flatMap(ShapeRules.undocumented))
    }

    @Test func filesBearTheLicenceLine() {
        let endings = [".swift", ".sh", ".py", ".h"]
        let files = tree.paths.filter { path in path != "Package.swift" && endings.contains { path.hasSuffix($0) } }
        expectNone(files.flatMap { ShapeRules.missingLicence(path: $0, text: tree.text($0)) })
    }

    @Test func everyRoomHasACard() {
        expectNone(
            rooms.filter { $0.kind != .system && tree.exists($0.path) }.flatMap { room in
                let path = ShapeRules.cardPath(room)
                return ShapeRules.roomCard(target: room, card: tree.exists(path) ? tree.text(path) : nil)
            })
    }

    @Test func namesAreThoseOfTheGlossary() {
        expectNone(tree.swift.flatMap(ShapeRules.bannedTypeNames))
    }

    @Test func nothingPointsIntoOneMachine() {
        expectNone(tree.paths.flatMap { ShapeRules.machinePaths(path: $0, text: tree.text($0)) })
    }

    @Test func storedNotebooksAreClean() {
        let notebooks = tree.paths.filter { $0.hasSuffix(".ipynb") }
        #expect(notebooks.count == 3)
        expectNone(notebooks.flatMap { NotebookRules.stored(path: $0, text: tree.text($0)) })
    }

    @Test(.enabled(if: SourceTree.current.exists("Sources/Gateway"), "the gateway is not in this tree"))
    func pagesAndCodeNameTheSameHeaders() {
        let sources = tree.shipped.filter { $0.room != "FakeProvider" }
        let code = Set(sources.flatMap { $0.literals.flatMap { DocsRules.headerNames($0.text) } })
        let docs = Set(tree.pages.flatMap { DocsRules.headerNames(tree.text($0)) })
        expectNone(DocsRules.headerDifferences(code: code, docs: docs))
    }

    @Test(.enabled(if: SourceTree.current.exists("Sources/Gateway"), "the gateway is not in this tree"))
    func pagesAndCodeNameTheSameFaults() {
        let code = DocsRules.faultCodes(swift: tree.text("Sources/Gateway/FaultCode.swift"))
        let docs = DocsRules.documentedFaultCodes(markdown: tree.text("notebooks-docs/runbooks/errors.md"))
        expectNone(DocsRules.faultDifferences(code: code, docs: docs))
    }

    @Test(.enabled(if: SourceTree.current.isWhole, "the program is not in this tree"))
    func pagesAndProgramNameTheSameVerbs() {
        let program = Set(tree.shipped.filter { $0.room == "weir" }.flatMap(DocsRules.verbs))
        let lines = tree.pages.flatMap { DocsRules.codeLines(markdown: tree.text($0)) }
        expectNone(DocsRules.verbDifferences(program: program, codeLines: lines))
    }

    @Test(.enabled(if: SourceTree.current.exists("queries"), "the queries are not in this tree"))
    func pagesAndFilesNameTheSameQueries() {
        let files = tree.paths.filter { $0.hasPrefix("queries/") && $0.hasSuffix(".sql") }
        // Folders below hold the twins for other engines, under the same names.
        let names = files.map { String($0.dropFirst("queries/".count).dropLast(".sql".count)) }.filter { !$0.contains("/") }
        let lines = tree.pages.flatMap { DocsRules.codeLines(markdown: tree.text($0)) }
        expectNone(DocsRules.queryDifferences(files: Set(names), codeLines: lines))
    }

    @Test func pagesPointToFilesThatExist() {
        expectNone(
            tree.pages.flatMap { page in
                DocsRules.deadReferences(page: page, markdown: tree.text(page)) { isThereOrToCome($0) }
            })
    }

    /// A path is accepted unread while its room is not in the tree yet.
    private func isThereOrToCome(_ path: String) -> Bool {
        if tree.exists(path) { return true }
        guard !tree.isWhole else { return false }
        let parts = path.split(separator: "/").map(String.init)
        let isRoom = parts.first == "Sources" || parts.first == "Tests" || parts.first == "queries"
        if isRoom, parts.count > 1 { return !tree.exists(parts[0] + "/" + parts[1]) }
        return isRoom || path.hasPrefix("notebooks-docs/formats")
    }
}
