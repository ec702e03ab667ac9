// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import TestSupport
import Testing

@testable import Datasets

/// The rules one by one, their order, and that the funnel adds up.
@Suite struct QualityTests {
    private static let tool = ToolDefinition(
        name: "find", description: "",
        parameters: Array(#"{"type":"object","properties":{"q":{"type":"string"},"n":{"type":"integer"}},"required":["q"]}"#.utf8)
    )

    private static func good(_ text: String = "It is sunny in Cologne today, and it will stay so.") -> QualityCase {
        var head = ExchangeHead(id: TestRecords.id(1), node: "n", startedAtUs: 1, method: "POST", path: "/v1/x")
        head.status = 200
        head.outcome = .completed
        var request = CanonicalRequest()
        request.turns = [CanonicalTurn(role: .user, blocks: [.text("How is the weather?")])]
        request.tools = [tool]
        return QualityCase(
            head: head, request: request, answer: CanonicalAnswer(turn: CanonicalTurn(role: .assistant, blocks: [.text(text)])))
    }

    private static func calling(_ name: String, _ arguments: String) -> QualityCase {
        var exchange = good()
        exchange.answer.turn.blocks = [.toolCall(ToolCall(id: "c", name: name, arguments: arguments))]
        return exchange
    }

    private static func history(_ turns: [CanonicalTurn]) -> QualityCase {
        var exchange = good()
        exchange.request.turns += turns
        return exchange
    }

    private static func changed(_ change: (inout QualityCase) -> Void) -> QualityCase {
        var exchange = good()
        change(&exchange)
        return exchange
    }

    private static func demanding(_ schema: String?, _ text: String) -> QualityCase {
        var exchange = good(text)
        exchange.demandsJSON = true
        exchange.responseSchema = schema.map { Array($0.utf8) }
        return exchange
    }

    private static let call = CanonicalTurn(
        role: .assistant, blocks: [.toolCall(ToolCall(id: "a", name: "find", arguments: "{}"))])
    private static let result = CanonicalTurn(
        role: .tool, blocks: [.toolResult(callID: "a", content: [.text("x")], isError: false)])
    private static let loop = "We begin. " + String(repeating: "and then we go on and on ", count: 60)
    private static let numbered = (1...300).map { "Line \($0) says that \($0 * 7) is next." }.joined(separator: "\n")

    static let cases: [(String, QualityCase, DropReason?)] = [
        ("good", good(), nil),
        ("outcome", changed { $0.head.outcome = .clientClosed }, .outcomeNotCompleted),
        ("status", changed { $0.head.status = 500 }, .statusNotOK),
        ("no status", changed { $0.head.status = nil }, .statusNotOK),
        ("length", changed { $0.finishReason = "length" }, .truncatedAnswer),
        ("MAX_TOKENS", changed { $0.finishReason = "MAX_TOKENS" }, .truncatedAnswer),
        ("safety", changed { $0.finishReason = "SAFETY" }, .contentFiltered),
        ("stop", changed { $0.finishReason = "STOP" }, nil),
        ("refusal", changed { $0.finishReason = "refusal" }, .refusal),
        ("refusal field", changed { $0.isRefusal = true }, .refusal),
        ("other", changed { $0.finishReason = "pause_turn" }, .finishReasonUnaccepted),
        (
            "cut",
            changed {
                $0.head.responseStream = true
                $0.fact = ExchangeFact(head: $0.head, location: PayloadLocation(segment: "s", frame: 0, offset: 0))
            }, .streamCut
        ),
        ("empty", good("  \n "), .emptyAnswer),
        ("calls", calling("find", #"{"q":"x","n":1.0}"#), nil),
        ("not JSON", calling("find", #"{"q":"#), .toolArgumentsNotJSON),
        ("no object", calling("find", "[1]"), .toolArgumentsNotJSON),
        ("unknown tool", calling("lose", #"{"q":"x"}"#), .unknownTool),
        ("schema", calling("find", #"{"n":1}"#), .toolCallViolatesSchema),
        ("schema type", calling("find", #"{"q":"x","n":1.5}"#), .toolCallViolatesSchema),
        ("answered", history([call, result]), nil),
        ("unanswered", history([call]), .unansweredToolCall),
        ("answered late", history([call, CanonicalTurn(role: .user, blocks: [.text("?")]), result]), .unansweredToolCall),
        ("JSON", demanding(nil, " {\"a\":1}\n"), nil),
        ("no JSON", demanding(nil, "Sure: {\"a\":1}"), .structuredOutputNotJSON),
        ("JSON by schema", demanding(#"{"type":"object","required":["a"]}"#, #"{"a":1}"#), nil),
        ("JSON against schema", demanding(#"{"type":"object","required":["b"]}"#, #"{"a":1}"#), .structuredOutputViolatesSchema),
        ("mojibake", good("GrÃ¼ÃŸe aus KÃ¶ln, sagte er â€žheuteâ€œ"), .mojibake),
        ("replacement", good("a \u{FFFD}\u{FFFD}\u{FFFD} b"), .mojibake),
        ("umlauts", good("Grüße aus Köln – „heute“ für Élodie à Paris, 東京 и Москва"), nil),
        ("loop", good(loop), .repetitionLoop),
        ("late loop", good(numbered + loop), .repetitionLoop),
        ("Chinese loop", good(String(repeating: "我们继续前进，", count: 40)), .repetitionLoop),
        ("one character", good("no" + String(repeating: "o", count: 300)), .repetitionLoop),
        ("list", good(numbered), nil),
        ("rule", good("a\n" + String(repeating: "-", count: 300) + "\nb"), nil),
    ]

    @Test(arguments: cases.indices) func namesWhatIsWrong(index: Int) {
        let (name, exchange, wanted) = QualityTests.cases[index]
        let verdict = QualityFilters().verdict(exchange)
        #expect(verdict.drop == wanted, "\(name): \(verdict.reasons)")
        if let wanted {
            var filters = QualityFilters()
            filters[wanted] = .flag
            #expect(filters.verdict(exchange).flags.contains(wanted), "\(name)")
            #expect(!filters.verdict(exchange).reasons.contains(wanted), "\(name)")
            filters[wanted] = .off
            #expect(!(filters.verdict(exchange).flags + filters.verdict(exchange).reasons).contains(wanted), "\(name)")
        }
    }

    @Test func flagsWordsOfRefusalInTheBeginningOnly() {
        let phrase = "I\u{2019}m sorry, but I can't help with that."
        #expect(QualityFilters().verdict(QualityTests.good(phrase)) == QualityVerdict(flags: [.refusalPhrase]))
        #expect(QualityFilters().verdict(QualityTests.good(String(repeating: "word ", count: 41) + phrase)).flags == [])
        var filters = QualityFilters()
        filters[.refusalPhrase] = .drop
        #expect(filters.verdict(QualityTests.good(phrase)).drop == .refusalPhrase)
    }

    @Test func keepsTokensWithinBounds() {
        var filters = QualityFilters()
        filters.answerTokens = 5...10
        #expect(filters.verdict(QualityTests.good("abc")).drop == .answerTooShort)
        #expect(filters.verdict(QualityTests.good(String(repeating: "x1 ", count: 10))).drop == nil)
        #expect(filters.verdict(QualityTests.good(String(repeating: "x1 ", count: 20))).drop == .answerTooLong)
        var exchange = QualityTests.good("abc")
        exchange.fact = ExchangeFact(head: exchange.head, location: PayloadLocation(segment: "s", frame: 0, offset: 0))
        exchange.fact?.reading.usage.outputTotal = 7
        #expect(filters.verdict(exchange).drop == nil)
        filters.promptTokens = 100...1_000
        #expect(filters.verdict(exchange).drop == .promptTooShort)
        exchange.fact?.reading.usage.inputTotal = 1_001
        #expect(filters.verdict(exchange).drop == .promptTooLong)
    }

    /// Filters and readers say the same of every word that either knows.
    @Test(arguments: [
        "stop", "end_turn", "tool_calls", "STOP", "COMPLETE", "eos_token", "length", "MAX_TOKENS", "model_length", "SAFETY",
        "sensitive", "MODEL_ARMOR", "refusal", "pause_turn", "MALFORMED_FUNCTION_CALL", "error", "function_call", "Stop",
    ])
    func wordsMeanWhatReadersTakeThemFor(word: String) {
        let exchange = QualityTests.changed { $0.finishReason = word }
        var wanted: DropReason?
        do throws(DropReason) {
            wanted = try FinishReason.check(word) ? .refusal : nil
        } catch {
            wanted = QualityFilters.order.contains(error) ? error : .finishReasonUnaccepted
        }
        #expect(QualityFilters().verdict(exchange).drop == wanted)
        #expect((wanted == nil) == ["stop", "end_turn", "tool_calls", "STOP", "COMPLETE", "eos_token"].contains(word))
    }

    @Test func asksForCallsOfTheHistoryWhereItShall() {
        let exchange = QualityTests.history([QualityTests.call, QualityTests.result])
        var filters = QualityFilters()
        #expect(filters.verdict(exchange).drop == nil)
        filters.checksHistory = true
        #expect(filters.verdict(exchange).drop == .toolCallViolatesSchema)
    }

    @Test func addsUpAndAsksInOrder() {
        var funnel = QualityFunnel()
        var wanted: [DropReason: Int64] = [:]
        var kept: Int64 = 0
        for (name, exchange, reason) in QualityTests.cases {
            var two = exchange
            // A second fault later in the order changes nothing.
            two.answer.turn.blocks.append(.text(" I cannot help with that."))
            _ = name
            funnel.count(QualityFilters().verdict(exchange))
            if let reason { wanted[reason, default: 0] += 1 } else { kept += 1 }
        }
        #expect(funnel.dropped == wanted && funnel.kept == kept)
        #expect(funnel.seen == funnel.kept + funnel.dropped.values.reduce(0, +))
        #expect(funnel.steps.map(\.reason) == QualityFilters.order.filter { wanted[$0] != nil })
        #expect(Set(QualityFilters.order).count == QualityFilters.order.count)
        var worst = QualityTests.good("")
        worst.head.status = 500
        worst.head.outcome = .timedOut
        worst.finishReason = "length"
        #expect(QualityFilters().verdict(worst).reasons == [.outcomeNotCompleted, .statusNotOK, .truncatedAnswer, .emptyAnswer])
    }

    @Test func countsKeywordsThatAreNotLookedAt() {
        var exchange = QualityTests.calling("find", #"{"q":"x"}"#)
        exchange.request.tools[0].parameters = Array(#"{"type":"object","x-order":1,"unevaluatedProperties":false}"#.utf8)
        var funnel = QualityFunnel()
        funnel.count(QualityFilters().verdict(exchange))
        #expect(funnel.kept == 1 && funnel.ignoredKeywords == ["unevaluatedProperties": 1, "x-order": 1])
    }

    // MARK: Languages

    static let texts: [(String, String)] = [
        (
            "en",
            "The policy of the airline is that you can not change the flight after it has departed, and that is final for all of the passengers with this fare."
        ),
        (
            "de",
            "Die Regel der Fluglinie ist, dass man den Flug nicht mehr ändern kann, nachdem er abgeflogen ist, und das gilt für alle mit diesem Tarif, auch wenn sie früh buchen."
        ),
        (
            "fr",
            "La règle de la compagnie est que vous ne pouvez pas changer le vol dans les heures qui suivent, et que les passagers avec ce tarif sont tous dans le même cas."
        ),
        (
            "es",
            "La regla de la aerolínea es que no se puede cambiar el vuelo por las horas que siguen, y los pasajeros con este billete son todos iguales para el sistema."
        ),
        (
            "it",
            "La regola della compagnia è che il volo non si può cambiare per le ore che seguono, e questo è valido anche per gli altri passeggeri con una tariffa più alta."
        ),
        (
            "pt",
            "A regra da companhia é que o voo não pode ser mudado para as horas que seguem, e os passageiros com uma tarifa mais alta também são iguais para o sistema."
        ),
        (
            "nl",
            "De regel van de maatschappij is dat je de vlucht niet kan wijzigen en dat het voor een ticket met die prijs ook zo is, als je het op tijd wil."
        ),
        ("ja", "航空会社の規則では、出発した後に便を変更することはできません。すべての乗客に同じ規則が適用されます。"),
        ("zh", "航空公司的规定是，航班起飞后不能更改，所有持此票价的乘客都适用同样的规定，请您谅解并重新购票。"),
        ("ko", "항공사의 규정에 따르면 출발한 후에는 항공편을 변경할 수 없으며 모든 승객에게 같은 규칙이 적용됩니다. 감사합니다. 안녕히 가세요 여러분."),
        (
            "cyrillic",
            "Правила авиакомпании таковы, что после вылета рейс изменить нельзя, и это касается всех пассажиров с таким тарифом."
        ),
        ("arabic", "قواعد شركة الطيران هي أنه لا يمكن تغيير الرحلة بعد المغادرة وهذا ينطبق على جميع الركاب"),
    ]

    @Test(arguments: texts.indices) func tellsLanguages(index: Int) {
        let (own, text) = QualityTests.texts[index]
        for (other, _) in QualityTests.texts {
            #expect(TextLanguage.isIn([other], text) == (other == own), "\(own) as \(other)")
        }
        var filters = QualityFilters()
        filters.languages = [own]
        #expect(filters.verdict(QualityTests.good(text)).drop == nil)
        filters.languages = [own == "greek" ? "latin" : "greek"]
        #expect(filters.verdict(QualityTests.good(text)).drop == .languageUnwanted)
    }

    @Test func saysNothingOfShortTexts() {
        var filters = QualityFilters()
        filters.languages = ["de"]
        #expect(filters.verdict(QualityTests.good("OK.")).drop == nil)
        #expect(TextLanguage.isIn(["en"], "foo(bar, baz); qux[17] = zap.zip(zop) + fnord / plugh - xyzzy % frob") == nil)
    }

    // MARK: Duplicates

    @Test func keepsTheSmallestOfDuplicatesInAnyOrder() {
        var random = SplitMix64(seed: 7)
        let texts = ["One answer.", "one  answer.", "ONE answer!", "Another answer"]
        let exchanges = (0..<60).map {
            (TestRecords.id(UInt64($0)), QualityTests.good(texts[Int.random(in: 0..<4, using: &random)]))
        }
        for isLoose in [false, true] {
            var kept: Set<[ExchangeID]> = []
            for _ in 0..<5 {
                var duplicates = QualityDuplicates(isLoose: isLoose)
                let order = exchanges.shuffled(using: &random)
                let keys = order.map { duplicates.note($0.0, $0.1.request, $0.1.answer) }
                let left = zip(order, keys).filter { !duplicates.isDuplicate($0.0.0, key: $0.1) }.map(\.0.0).sorted()
                #expect(duplicates.duplicateCount == Int64(exchanges.count - left.count))
                kept.insert(left)
            }
            // Strict: runs of white space are one anyway.
            #expect(kept.count == 1 && kept.first?.count == (isLoose ? 2 : 4))
        }
    }
}
