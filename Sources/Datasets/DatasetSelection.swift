// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel
package import FactStore

/// Bounds of a count; nil means none.
package struct CountBounds: Equatable, Sendable {
    /// The smallest count that passes.
    package var minimum: Int64?
    /// The largest count that passes.
    package var maximum: Int64?

    /// No bounds.
    package init() {}

    /// Whether there are any.
    var isSet: Bool { minimum != nil || maximum != nil }

    /// Whether a count passes; one that is not known passes only where nothing is asked.
    func admit(_ count: Int64?) -> Bool {
        guard isSet else { return true }
        guard let count else { return false }
        return count >= minimum ?? Int64.min && count <= maximum ?? Int64.max
    }
}

/// A part of a selection, in the order in which exchanges are asked about them.
package enum SelectionFilter: String, CaseIterable, Sendable {
    case environment, task, provider, model, api, status, outcome, key, metadata
    case finishReason = "finish_reason"
    case inputTokens = "input_tokens"
    case outputTokens = "output_tokens"
    case durationMs = "duration_ms"
    case ttftMs = "ttft_ms"
    case costNanousd = "cost_nanousd"
}

/// Which exchanges a data set is made of, by what their facts say; an empty list or nil asks nothing.
package struct DatasetSelection: Equatable, Sendable {
    /// Started at or after, microseconds since the Unix epoch.
    package var sinceUs: Int64?
    /// Started before, microseconds since the Unix epoch.
    package var untilUs: Int64?
    /// Any of these environments.
    package var environments: [String] = []
    /// Any of these tasks.
    package var tasks: [String] = []
    /// Any of these providers.
    package var providers: [String] = []
    /// Any of these models, asked for or answered.
    package var models: [String] = []
    /// Any of these API families.
    package var apis: [String] = []
    /// Any of these statuses.
    package var statuses: [Int64] = []
    /// Any of these outcomes.
    package var outcomes: [String] = []
    /// Any of these key ids.
    package var keys: [String] = []
    /// All of these pairs.
    package var metadata: [MetadataPair] = []
    /// Any of these finish reasons, in the provider's words.
    package var finishReasons: [String] = []
    /// Tokens of the prompt, cached ones included.
    package var inputTokens = CountBounds()
    /// Tokens of the answer, reasoning included.
    package var outputTokens = CountBounds()
    /// From the start to the end, milliseconds.
    package var durationMs = CountBounds()
    /// To the first token, milliseconds.
    package var ttftMs = CountBounds()
    /// What the exchange cost, nano-dollars.
    package var costNanousd = CountBounds()
    /// At most this many exchanges: those whose ids come first by the recipe's keyed hash.
    package var limit: Int64?

    /// Everything.
    package init() {}

    /// What the index itself can be asked: the window, and lists of one.
    package var factFilter: FactFilter {
        var filter = FactFilter()
        filter.sinceUs = sinceUs
        filter.untilUs = untilUs
        filter.environment = environments.only
        filter.task = tasks.only
        filter.provider = providers.only
        filter.model = models.only
        filter.api = apis.only
        filter.key = keys.only
        filter.status = statuses.only.map(Int.init(clamping:))
        filter.metadata = metadata.map { ($0.name, $0.value) }
        return filter
    }

    /// The window alone: what a preview counts from.
    package var windowFilter: FactFilter {
        var filter = FactFilter()
        filter.sinceUs = sinceUs
        filter.untilUs = untilUs
        return filter
    }

    /// The first filter that a fact does not pass, or nil where it passes all.
    package func refusal(of fact: ExchangeFact) -> SelectionFilter? {
        SelectionFilter.allCases.first { !passes($0, fact) }
    }

    private func passes(_ filter: SelectionFilter, _ fact: ExchangeFact) -> Bool {
        let (head, reading) = (fact.head, fact.reading)
        return switch filter {
        case .environment: environments.admit(head.attribution.environment)
        case .task: tasks.admit(head.attribution.task)
        case .provider: providers.admit(head.provider)
        case .model: models.admit(reading.modelRequested) || models.admit(reading.modelResponded)
        case .api: apis.admit(head.api?.rawValue)
        case .status: statuses.isEmpty || head.status.map { statuses.contains(Int64($0)) } ?? false
        case .outcome: outcomes.admit(head.outcome.rawValue)
        case .key: keys.admit(head.keyID)
        case .metadata: metadata.allSatisfy { has($0, head) }
        case .finishReason: finishReasons.admit(reading.finishReason)
        case .inputTokens: inputTokens.admit(reading.usage.inputTotal)
        case .outputTokens: outputTokens.admit(reading.usage.outputTotal)
        case .durationMs: durationMs.admit(head.endedUs.map { $0 / 1_000 })
        case .ttftMs: ttftMs.admit(reading.ttftUs.map { $0 / 1_000 })
        case .costNanousd: costNanousd.admit(fact.cost.totalNanousd)
        }
    }

    private func has(_ pair: MetadataPair, _ head: ExchangeHead) -> Bool {
        head.attribution.metadata.contains {
            $0.name.utf8.elementsEqual(pair.name.utf8) && $0.value.utf8.elementsEqual(pair.value.utf8)
        }
    }
}

extension [String] {
    /// The only element, or nil.
    fileprivate var only: String? { count == 1 ? first : nil }

    /// Whether a text is asked for; every one is where nothing is asked.
    fileprivate func admit(_ text: String?) -> Bool {
        guard !isEmpty else { return true }
        guard let text else { return false }
        return contains { $0.utf8.elementsEqual(text.utf8) }
    }
}

extension [Int64] {
    fileprivate var only: Int64? { count == 1 ? first : nil }
}
