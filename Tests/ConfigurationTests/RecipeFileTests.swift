// SPDX-License-Identifier: Apache-2.0
import Datasets
import Platform
import Testing

@testable import weir

@Suite struct RecipeFileTests {
    private static let nowUs: Int64 = 1_796_000_000_000_000

    private static func read(_ text: String) throws -> DatasetRecipe {
        let files = MemoryFileSystem()
        try files.replaceFile("recipe.yaml", with: Array(text.utf8))
        return try RecipeFile.read(path: "recipe.yaml", environment: ["TEAM": "blue"], files: files, nowUs: nowUs)
    }

    @Test func aNameAloneIsEveryDefault() throws {
        #expect(try Self.read("name: support\n") == DatasetRecipe(name: "support"))
    }

    @Test func everyKeyIsRead() throws {
        let recipe = try Self.read(
            """
            name: support
            salt: pepper
            ledger: team
            strict: true
            group_by: [Session, customer]
            select:
              since: 2026-01-31
              until: 2026-02-01T12:00:00Z
              environment: [prod, staging]
              task: triage
              provider: [openai]
              model: [m-1, m-2]
              api: openai-chat
              status: [200, 201]
              outcome: completed
              key: k
              metadata: ["team=${TEAM}", x=y=z]
              finish_reason: [stop]
              limit: 500
              input_tokens: {min: 1, max: 2000}
              output_tokens: {min: 3}
              duration_ms: {max: 4}
              ttft_ms: {max: 5}
              cost_nanousd: {min: 6}
            eval: {share: 0.25, max_rows: 50, anchors: 0.5}
            train: {max_rows: 1000, per_group: 2, strata: [task, provider], quota: square_root}
            """)
        var wanted = DatasetRecipe(name: "support")
        wanted.salt = "pepper"
        wanted.ledger = "team"
        wanted.isStrict = true
        wanted.groupBy = ["session", "customer"]
        wanted.selection.sinceUs = 1_769_817_600_000_000
        wanted.selection.untilUs = 1_769_947_200_000_000
        wanted.selection.environments = ["prod", "staging"]
        wanted.selection.tasks = ["triage"]
        wanted.selection.providers = ["openai"]
        wanted.selection.models = ["m-1", "m-2"]
        wanted.selection.apis = ["openai-chat"]
        wanted.selection.statuses = [200, 201]
        wanted.selection.outcomes = ["completed"]
        wanted.selection.keys = ["k"]
        wanted.selection.metadata = [SelectionPair("team", "blue"), SelectionPair("x", "y=z")]
        wanted.selection.finishReasons = ["stop"]
        wanted.selection.limit = 500
        wanted.selection.inputTokens.minimum = 1
        wanted.selection.inputTokens.maximum = 2_000
        wanted.selection.outputTokens.minimum = 3
        wanted.selection.durationMs.maximum = 4
        wanted.selection.ttftMs.maximum = 5
        wanted.selection.costNanousd.minimum = 6
        wanted.eval.sharePPM = 250_000
        wanted.eval.maximum = 50
        wanted.eval.anchorPPM = 500_000
        wanted.train.maximum = 1_000
        wanted.train.perGroup = 2
        wanted.train.strata = [.task, .provider]
        wanted.train.quota = .squareRoot
        #expect(recipe == wanted)
    }

    @Test func anAgeCountsFromNow() throws {
        #expect(try Self.read("name: x\nselect: {since: 7d}\n").selection.sinceUs == Self.nowUs - 7 * 86_400_000_000)
    }

    @Test(arguments: [
        ("salt: x\n", "name is missing"), ("name: x\nselct: {}\n", "recipe.yaml:2: unknown key selct; did you mean `select`?"),
        ("name: x\nselect:\n  tsk: a\n", "recipe.yaml:3: unknown key select.tsk; did you mean `select.task`?"),
        ("name: x\nproviders: {}\n", "recipe.yaml:2: unknown key providers"),
        ("name: x\neval: {share: 2}\n", "eval.share must be a share from 0 to 1"),
        ("name: x\nselect: {since: soon}\n", "recipe.yaml:2: select.since is no time"),
        ("name: x\nselect: {status: [ok]}\n", "recipe.yaml:2: select.status takes numbers from 100 to 999"),
        ("name: x\nselect: {metadata: [team]}\n", "recipe.yaml:2: select.metadata takes NAME=VALUE"),
        ("name: x\ntrain: {quota: fair}\n", "train.quota must be one of proportional, square_root, uniform"),
        ("name: ../x\n", "may hold letters"),
        ("name: x\nselect: {since: 2026-02-01, until: 2026-01-01}\n", "must be later than 'select.since'"),
        ("name: x\nselect:\n  input_tokens: {min: 5, max: 4}\n", "has a minimum above its maximum"),
        ("name: x\nsalt: ${NOBODY}\n", "recipe.yaml:2: salt refers to ${NOBODY}, which is not set"),
        ("- 1\n", "recipe.yaml:1: the top level must be a mapping"),
    ])
    func whatIsWrongIsNamedWithItsLine(text: String, wanted: String) {
        let error = #expect(throws: VerbFailure.self) { try Self.read(text) }
        #expect(error?.exitCode == 2)
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test func theTemplateIsARecipeOfDefaultsAlsoWithItsCommentsTakenAway() throws {
        let text = RecipeTemplate.text(name: "support")
        #expect(try Self.read(text) == DatasetRecipe(name: "support"))
        // A key that has a default, and the sections around such keys, may be uncommented as they stand.
        let sections = Set(["select:", "eval:", "train:"])
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            guard let mark = line.firstIndex(of: "#") else { return String(line) }
            let rest = line[line.index(mark, offsetBy: min(2, line.distance(from: mark, to: line.endIndex)))...]
            guard let colon = rest.firstIndex(of: ":"), rest[..<colon].allSatisfy({ $0.isLowercase || $0 == "_" }) else {
                return String(line)
            }
            let value = rest[rest.index(after: colon)...].trimmingPrefix(" ")
            guard !value.isEmpty || sections.contains(String(rest)), rest != "select:" else { return String(line) }
            return String(line[..<mark]) + rest
        }
        #expect(lines.contains("eval:") && lines.contains("  share: 0.1"))
        #expect(try Self.read(lines.joined(separator: "\n")) == DatasetRecipe(name: "support"))
    }

    @Test func everyKeyStandsInTheTemplate() {
        let text = RecipeTemplate.text(name: "x")
        for setting in RecipeSchema.table.settings {
            #expect(text.contains(setting.path.split(separator: ".").last.map { "\($0):" } ?? "?"))
            #expect(text.contains(setting.doc))
        }
    }
}
