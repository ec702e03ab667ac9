// SPDX-License-Identifier: Apache-2.0
import Datasets
import Platform
import Redaction
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

    private static let everyKey =
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
        quality:
          refusal: flag
          mojibake: off
          languages: [en, DE]
          calls_of_history: true
          prompt_tokens: {min: 10}
          answer_tokens: {min: 2, max: 900}
          duplicates: loose
        redact:
          kinds: [email, secret]
          key_file: keys.txt
          key: 0BADC0DE
        eval: {share: 0.25, max_rows: 50, anchors: 0.5, formats: [inspect, lm-eval.arrow-uniform]}
        train: {max_rows: 1000, per_group: 2, strata: [task, provider], quota: square_root, formats: trl.pairs}
        feedback: {sources: [app, review-queue], bad_below: -0.25, min_score: 3, corrections: ignore}
        pairs: {sources: [feedback, correction], fallback: rejected}
        """

    /// Who and which exchanges, as `everyKey` says it.
    private static var selected: DatasetRecipe {
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
        wanted.selection.metadata = [MetadataPair("team", "blue"), MetadataPair("x", "y=z")]
        wanted.selection.finishReasons = ["stop"]
        wanted.selection.limit = 500
        wanted.selection.inputTokens.minimum = 1
        wanted.selection.inputTokens.maximum = 2_000
        wanted.selection.outputTokens.minimum = 3
        wanted.selection.durationMs.maximum = 4
        wanted.selection.ttftMs.maximum = 5
        wanted.selection.costNanousd.minimum = 6
        return wanted
    }

    @Test func everyKeyIsRead() throws {
        var wanted = Self.selected
        wanted.eval.sharePPM = 250_000
        wanted.eval.maximum = 50
        wanted.eval.anchorPPM = 500_000
        wanted.eval.formats = ["inspect", "lm-eval.arrow-uniform"].compactMap(ExportChoice.init(name:))
        wanted.train.formats = ["trl.pairs"].compactMap(ExportChoice.init(name:))
        wanted.train.maximum = 1_000
        wanted.train.perGroup = 2
        wanted.train.strata = [.task, .provider]
        wanted.train.quota = .squareRoot
        wanted.quality[.refusal] = .flag
        wanted.quality[.mojibake] = .off
        wanted.quality.languages = ["en", "de"]
        wanted.quality.checksHistory = true
        wanted.quality.promptTokens = 10...Int64.max
        wanted.quality.answerTokens = 2...900
        wanted.quality.duplicates = .loose
        wanted.redact.kinds = [.email, .secret]
        wanted.redact.keyFile = "keys.txt"
        wanted.redact.key = "0badc0de"
        wanted.feedback.sources = ["app", "review-queue"]
        wanted.feedback.badBelowMillionths = -250_000
        wanted.feedback.minimumMillionths = 3_000_000
        wanted.feedback.corrections = .ignore
        wanted.pairs.sources = [.feedback, .correction]
        wanted.pairs.isFallbackChosen = false
        #expect(try Self.read(Self.everyKey) == wanted)
    }

    @Test func theKeyFileMayComeFromAVariable() throws {
        let files = MemoryFileSystem()
        let variables = ["WEIR_REDACT_KEY_FILE": "/keys"]
        try files.replaceFile("a.yaml", with: Array("name: x\n".utf8))
        try files.replaceFile("b.yaml", with: Array("name: x\nredact: {key_file: own, kinds: []}\n".utf8))
        let one = try RecipeFile.read(path: "a.yaml", environment: variables, files: files, nowUs: Self.nowUs)
        let two = try RecipeFile.read(path: "b.yaml", environment: variables, files: files, nowUs: Self.nowUs)
        #expect(one.redact.keyFile == "/keys" && two.redact.keyFile == "own" && two.redact.kinds.isEmpty)
        // Where a key lies decides nothing.
        #expect(one.sha256 == DatasetRecipe(name: "x").sha256)
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
        (
            "name: x\ntrain: {formats: [trl, openai_sft]}\n",
            "recipe.yaml:2: train.formats holds `openai_sft`, which is no format; did you mean `openai-sft`?"
        ),
        ("name: x\neval: {formats: [chat]}\n", "which is no format. Known are openai-sft, openai-dpo,"),
        ("name: x\nselect: {limit: 9007199254740992}\n", "'select.limit' must be below 2^53"),
        ("name: ../x\n", "may hold letters"),
        ("name: x\nfeedback: {bad_below: low}\n", "recipe.yaml:2: feedback.bad_below takes a number"),
        ("name: x\nfeedback: {min_score: 1e10}\n", "must lie between -1000000000 and 1000000000"),
        ("name: x\nfeedback: {corrections: maybe}\n", "feedback.corrections must be one of answer, ignore"),
        ("name: x\npairs: {sources: [luck]}\n", "pairs.sources may hold correction, feedback, regeneration, fallback"),
        ("name: x\nselect: {since: 2026-02-01, until: 2026-01-01}\n", "must be later than 'select.since'"),
        ("name: x\nselect:\n  input_tokens: {min: 5, max: 4}\n", "has a minimum above its maximum"),
        ("name: x\nsalt: ${NOBODY}\n", "recipe.yaml:2: salt refers to ${NOBODY}, which is not set"),
        ("name: x\nquality: {mojibake: maybe}\n", "quality.mojibake must be one of off, flag, drop"),
        ("name: x\nquality: {languages: [klingon]}\n", "'quality.languages' does not know 'klingon'"),
        ("name: x\nquality:\n  answer_tokens: {min: 9, max: 3}\n", "recipe.yaml:3: quality.answer_tokens.max is below"),
        ("name: x\nredact: {kinds: [names]}\n", "redact.kinds"), ("name: x\nredact: {key: abc}\n", "eight hex digits"),
        ("name: x\nredact: {email: true}\n", "unknown key redact.email"),
        ("- 1\n", "recipe.yaml:1: the top level must be a mapping"),
    ])
    func whatIsWrongIsNamedWithItsLine(text: String, wanted: String) {
        let error = #expect(throws: VerbFailure.self) { try Self.read(text) }
        #expect(error?.exitCode == 2)
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "name:\n", "name: {a: b}\n", "nam: x\n", "name: ${NOBODY}\n", "name: x\nsalt: [a\n", "- 1\n",
        "name: x\nselect: {status: [ok, ko]}\n",
        "name: x\nselect: {metadata: [a, b]}\n", "select: {}\n", "", "name: x\nledger: a b\n",
    ])
    func oneFaultIsSaidOnce(text: String) {
        let error = #expect(throws: VerbFailure.self) { try Self.read(text) }
        #expect(error?.message.contains("faults") == false, "\(error?.message ?? "")")
        #expect(error?.message.contains("configuration") == false)
    }

    @Test func aFileThatCannotBeReadIsOneFault() {
        let error = #expect(throws: VerbFailure.self) {
            try RecipeFile.read(path: "absent.yaml", environment: [:], files: MemoryFileSystem(), nowUs: Self.nowUs)
        }
        #expect(error?.message.hasPrefix("the recipe absent.yaml cannot be read") == true, "\(error?.message ?? "")")
    }

    @Test func severalFaultsAreOfTheRecipe() {
        let error = #expect(throws: VerbFailure.self) { try Self.read("salt: x\nselct: {}\n") }
        #expect(error?.message.hasPrefix("2 faults in the recipe\n") == true, "\(error?.message ?? "")")
    }

    @Test func theTemplateIsARecipeOfDefaultsAlsoWithItsCommentsTakenAway() throws {
        let text = RecipeTemplate.text(name: "support")
        #expect(try Self.read(text) == DatasetRecipe(name: "support"))
        // A key that has a default, and the sections around such keys, may be uncommented as they stand.
        let sections = Set(["select:", "quality:", "redact:", "eval:", "train:", "feedback:", "pairs:"])
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
