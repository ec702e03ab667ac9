// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Crypto
import ExchangeModel
import Platform
import Separation

/// What the second pass learns of a record that may become a row: no payload.
struct LeafFacts {
    let candidate: UInt32
    let id: ExchangeID
    /// Where its traits lie in the spill.
    let traits: TraitSpill.Place
    let promptKey: SeparationDigest
    /// The values that make its stratum, joined by ` / `.
    let stratum: String
    let task: String
    /// Tokens of the prompt view.
    let promptTokens: Int64
    let isLongEnoughForEval: Bool
    let isTooLongForEval: Bool
    /// Whether it may be measured with.
    var isFitForEval: Bool { isLongEnoughForEval && !isTooLongForEval }
    var signs = HardnessSigns()
}

/// The second pass: traits of rows to a spill, the rest into memory, about 300 bytes a row.
struct LeafSurvey {
    private let recipe: DatasetRecipe
    private let places: [ExchangeID: UInt32]
    private let groupKeys: [UInt32: [SeparationDigest]]
    private let templates: Set<UInt64>
    private(set) var spill: TraitSpill
    private(set) var leaves: [LeafFacts] = []
    private let near: NearDuplicateSearch
    /// Rows that the search has not been given yet.
    private var waiting: [NearDuplicateSearch.Row] = []
    private var waitingBytes = 0
    private var seen: Set<ExchangeID> = []
    /// Strata and tasks that were met: each text is held once.
    private var names: [SpelledText: String] = [:]

    /// A pass over some records.
    ///
    /// - Parameters:
    ///   - recipe: what strata are made of.
    ///   - rows: the candidates to be read, by their ids.
    ///   - groupKeys: of those that have any.
    ///   - templates: those that many rows have; the others are taken for one, else rows whose system prompts all differ would have no
    ///     boilerplate, and all that share a wording would be compared with each other.
    ///   - directory: where what is spilled goes.
    ///   - files: its file system.
    /// - Throws: `PlatformError` where a file cannot be made.
    init(
        recipe: DatasetRecipe, rows: [ExchangeID: UInt32], groupKeys: [UInt32: [SeparationDigest]], templates: Set<UInt64>,
        directory: String, files: any FileSystem
    ) throws(PlatformError) {
        self.recipe = recipe
        places = rows
        self.groupKeys = groupKeys
        self.templates = templates
        spill = try TraitSpill(in: directory, files: files)
        let shingles = ShingleSpill(
            files: files, path: PathText.join(directory, "shingles.spill"), memory: DatasetLimits.shingleBytes)
        near = NearDuplicateSearch(spill: shingles, threads: DatasetLimits.threads)
    }

    /// Takes a record and what was read of it.
    mutating func take(_ record: ExchangeRecord, _ row: IntakeRow, _ answer: CanonicalAnswer) throws {
        let request = row.request
        guard let candidate = places[record.head.id], seen.insert(record.head.id).inserted else { return }
        let turns = (request.turns + [answer.turn]).map(\.separated)
        let traits = SeparationTraits(turns: turns, groupKeys: groupKeys[candidate] ?? [])
        let place = try spill.append(traits)
        let views = GroupingViews(traits: traits, turns: turns)
        let template = LeafSurvey.template(of: turns)
        waiting.append(NearDuplicateSearch.Row(views: views, template: templates.contains(template) ? template : 0))
        waitingBytes += 8 * (views.prompt.count + views.first.count)
        if waiting.count >= DatasetLimits.nearRows || waitingBytes >= DatasetLimits.handBytes { try hand() }
        var leaf = LeafFacts(
            candidate: candidate, id: record.head.id, traits: place, promptKey: traits.promptKey,
            stratum: name(stratum(of: record.head, model: request.model)), task: name(record.head.attribution.task),
            promptTokens: Int64(traits.tokenCount(.prompt)), isLongEnoughForEval: traits.isLongEnoughForEval,
            isTooLongForEval: place.count > ControlStoreLimits.separationBytes)
        leaf.signs = LeafSurvey.signs(of: record, request, answer, promptTokens: leaf.promptTokens)
        leaves.append(leaf)
    }

    /// Makes what was spilled readable, and joins the groups of rows that are near duplicates.
    ///
    /// - Parameter grouping: by conversation and by key; becomes the groups of near duplicates too.
    /// - Returns: what was found.
    /// - Throws: `SeparationError`, `PlatformError`.
    mutating func finish(_ grouping: inout Grouping) throws -> NearDuplicateReport {
        try hand()
        try spill.flush()
        var sets = LeastKeySets(keys: leaves.map { SeparationKey(high: $0.id.high, low: $0.id.low) })
        var first: [UInt32: Int] = [:]
        for (row, leaf) in leaves.enumerated() {
            let group = grouping.group(of: leaf.candidate)
            if let other = first[group] { sets.unite(row, other) } else { first[group] = row }
        }
        let report = try near.join(&sets)
        for row in leaves.indices { grouping.unite(leaves[row].candidate, leaves[sets.root(of: row)].candidate) }
        return report
    }

    private mutating func hand() throws {
        try near.add(waiting)
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
    }

    /// What rows of one prompt template have in common: a hash of the system's turns.
    static func template(of turns: [SeparationTurn]) -> UInt64 {
        var hasher = SHA256()
        for turn in turns where turn.role == .system { hasher.update(data: Array(turn.text.utf8) + [0]) }
        return Digest128(hasher.finalize()).high
    }

    private mutating func name(_ text: String) -> String {
        if let known = names[SpelledText(text)] { return known }
        names[SpelledText(text)] = text
        return text
    }

    private func stratum(of head: ExchangeHead, model: String?) -> String {
        recipe.train.parts.map { part in
            switch part {
            case .environment: head.attribution.environment ?? "-"
            case .model: model ?? "-"
            case .provider: head.provider
            case .task: head.attribution.task
            }
        }.joined(separator: " / ")
    }

    /// The signs that one record shows by itself.
    private static func signs(
        of record: ExchangeRecord, _ request: CanonicalRequest, _ answer: CanonicalAnswer, promptTokens: Int64
    ) -> HardnessSigns {
        var signs = HardnessSigns()
        signs[.retries] = Int64(max(0, record.attempts.count - 1))
        signs[.turns] = Int64(request.turns.count { $0.role != .system })
        signs[.toolCalls] = (request.turns + [answer.turn]).reduce(0) { $0 + Int64($1.toolCalls.count) }
        signs[.promptTokens] = promptTokens
        let size = answer.turn.joinedText.utf8.count + answer.turn.toolCalls.reduce(0) { $0 + $1.arguments.utf8.count }
        if let first = record.head.firstByteUs, let end = record.head.endedUs, end > first, size > 0 {
            let (took, isTooLong) = end.subtractingReportingOverflow(first)
            signs[.slowness] = (isTooLong ? Int64.max : took) / Int64(size)
        }
        return signs
    }
}
