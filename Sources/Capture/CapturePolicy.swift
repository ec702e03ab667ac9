// SPDX-License-Identifier: Apache-2.0
package import Redaction

/// How much of an exchange is recorded; from little to all.
package enum CaptureMode: String, Sendable, CaseIterable, Comparable {
    /// Nothing: the exchange passes and is counted.
    case off
    /// Everything but the bodies, which leave their length and SHA-256.
    case metadata
    /// Everything.
    case full

    private var rank: Int {
        switch self {
        case .off: 0
        case .metadata: 1
        case .full: 2
        }
    }

    /// Whether less is recorded.
    package static func < (left: CaptureMode, right: CaptureMode) -> Bool { left.rank < right.rank }
}

/// What the header `x-inference-capture` may do.
package enum CaptureHeaderUse: String, Sendable, CaseIterable {
    /// Nothing.
    case ignored
    /// Less than the rules say, never more.
    case reduce
    /// It decides, over rules and sampling.
    case any
}

/// What is recorded of the exchanges that a rule speaks of, or of those that none speaks of.
package struct CaptureTerms: Sendable, Equatable {
    /// How much.
    package var mode = CaptureMode.full
    /// Of a million conversations, how many the mode is for; the others are sampled out.
    package var sampleMillionths = CaptureTerms.all
    /// A body longer than this is recorded as its head and its tail.
    package var bodyBytes = Int.max
    /// Personal data that is replaced by pseudonyms; credentials are taken out in any case.
    package var redact: Set<DetectorKind> = []

    /// A sample that leaves nothing out.
    package static let all = 1_000_000

    /// Everything, whole.
    package init() {}
}

/// Terms for some exchanges.
///
/// Each list holds names, or with `*` at the end beginnings of names; an empty list is met by all.
package struct CaptureRule: Sendable, Equatable {
    /// Of environments; an exchange without one meets only an empty list.
    package var environments: [String]
    /// Of tasks; an exchange without one has the task `default`.
    package var tasks: [String]
    /// Of ids of gateway keys.
    package var keys: [String]
    /// What applies then.
    package var terms: CaptureTerms

    /// A rule.
    package init(environments: [String] = [], tasks: [String] = [], keys: [String] = [], terms: CaptureTerms) {
        self.environments = environments
        self.tasks = tasks
        self.keys = keys
        self.terms = terms
    }
}

/// What is recorded, by rules: the first that an exchange meets counts.
package struct CapturePolicy: Sendable, Equatable {
    /// Where no rule is met.
    package var terms = CaptureTerms()
    /// In their order.
    package var rules: [CaptureRule] = []
    /// What the header `x-inference-capture` may do.
    package var header = CaptureHeaderUse.ignored
    /// What is recorded of conversations that are sampled out: `metadata` or `off`.
    package var sampledOut = CaptureMode.metadata

    /// Everything is recorded.
    package init() {}

    /// Whether nothing of an exchange has to be looked at.
    var isUniform: Bool {
        rules.isEmpty && header == .ignored && (terms.mode == .off || terms.sampleMillionths >= CaptureTerms.all)
    }
}
