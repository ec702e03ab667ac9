// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore
import Foundation

/// The questions answered a second time: by loops over facts, without SQL.
struct QueryOracle {
    typealias Fact = ExchangeFact

    let facts: [Fact]
    var by: String?
    /// Per mille.
    var ranks = [500, 750, 900, 990]
    var top = 20
    var nowUs: Int64 = 0

    // MARK: Arithmetic

    /// Nearest rank, said with ceiling division of a fraction rather than with added per-mille.
    static func percentile<T: Comparable>(_ values: [T], perMille: Int) -> T? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        var rank = 1
        while rank * 1_000 < perMille * sorted.count { rank += 1 }
        return sorted[rank - 1]
    }

    func percentiles(_ values: [Int64?]) -> [SQLValue] {
        ranks.map { SQLValue(QueryOracle.percentile(values.compactMap { $0 }, perMille: $0)) }
    }

    func sum(_ values: [Int64?]) -> SQLValue {
        let known = values.compactMap { $0 }
        return known.isEmpty ? .null : .integer(known.reduce(0, +))
    }

    func count(_ facts: [Fact], _ isCounted: (Fact) -> Bool = { _ in true }) -> SQLValue {
        .integer(Int64(facts.filter(isCounted).count))
    }

    /// Millionths, cut.
    func share(_ part: Int, of whole: Int) -> SQLValue {
        .integer(Int64((Double(part) / Double(whole) * 1_000_000 + 1e-6).rounded(.down)))
    }

    // MARK: Groups

    static func text(_ us: Int64, _ format: String) -> String {
        let formatter = DateFormatter()
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = format
        return formatter.string(from: Date(timeIntervalSince1970: Double(us / 1_000_000)))
    }

    static func model(_ fact: Fact) -> String? { fact.reading.modelResponded ?? fact.reading.modelRequested }
    static func day(_ fact: Fact) -> String { text(fact.head.startedAtUs, "yyyy-MM-dd") }

    func key(_ usual: String, _ fact: Fact) -> String? {
        let name = by ?? usual
        switch name {
        case "model": return QueryOracle.model(fact)
        case "task": return fact.head.attribution.task
        case "environment": return fact.head.attribution.environment
        case "key": return fact.head.keyID
        case "provider": return fact.head.provider
        case "status": return fact.head.status.map(String.init)
        case "day": return QueryOracle.day(fact)
        case "hour": return QueryOracle.text(fact.head.startedAtUs, "yyyy-MM-dd HH:00")
        default: return fact.head.attribution.metadata.first { "meta." + $0.name == name }?.value
        }
    }

    /// A row for each group: its key, then what is made of it.
    func grouped(_ usual: String, of facts: [Fact]? = nil, row: ([Fact]) -> [SQLValue]) -> [[SQLValue]] {
        Dictionary(grouping: facts ?? self.facts) { key(usual, $0) }.map { [SQLValue($0)] + row($1) }
    }

    /// A row for each group of several keys.
    func rows(of facts: [Fact], by keys: (Fact) -> [String?], row: ([Fact]) -> [SQLValue]) -> [[SQLValue]] {
        Dictionary(grouping: facts, by: keys).map { key, group in key.map { SQLValue($0) } + row(group) }
    }

    // MARK: What is what

    static func isBroken(_ fact: Fact) -> Bool { ![.completed, .clientClosed].contains(fact.head.outcome) }
    static func isUnpriced(_ fact: Fact) -> Bool { fact.cost.totalNanousd == nil && fact.reading.usageSource != .absent }
    static func isTruncation(_ reason: String?) -> Bool {
        guard let word = reason?.lowercased() else { return false }
        return ["length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "incomplete"].contains(word)
    }

    func inputs(_ facts: [Fact]) -> SQLValue { sum(facts.map(\.reading.usage.inputTotal)) }
    func outputs(_ facts: [Fact]) -> SQLValue { sum(facts.map(\.reading.usage.outputTotal)) }
    func costs(_ facts: [Fact]) -> SQLValue { sum(facts.map(\.cost.totalNanousd)) }

    /// Every question's rows, in any order.
    func rows(of query: String) -> [[SQLValue]]? {
        let answers: [String: () -> [[SQLValue]]] = [
            "cache": cache, "cancelled": cancelled, "cost-by-class": costByClass, "dataset-candidates": candidates,
            "error-rate": errorRate, "errors": errors, "finish-reasons": finishReasons, "model-mix": modelMix,
            "overhead": overhead, "payload-sizes": payloadSizes, "peak-throughput": peaks, "projection": projection,
            "reasoning-share": reasoning, "requests": requests, "retries": retries, "service-tiers": tiers, "slowest": slowest,
            "spend": spend, "spend-today": spendToday, "tail-latency": tailLatency, "tokens": tokens, "tools": tools,
            "ttft-by-hour": ttftByHour, "unpriced": unpriced,
        ]
        return answers[query]?()
    }
}

// MARK: Time

extension QueryOracle {
    private func tailLatency() -> [[SQLValue]] {
        grouped("model") { group in
            [count(group)] + percentiles(group.map(\.head.endedUs)) + [count(group) { $0.reading.ttftUs != nil }]
                + percentiles(group.map(\.reading.ttftUs))
        }
    }

    private func ttftByHour() -> [[SQLValue]] {
        rows(of: facts, by: { [QueryOracle.text($0.head.startedAtUs, "yyyy-MM-dd HH:00"), $0.head.provider] }) { group in
            let speeds = group.compactMap(\.reading.tokensPerSecond)
            return [count(group), count(group) { $0.reading.ttftUs != nil }] + percentiles(group.map(\.reading.ttftUs)) + [
                .integer(Int64(speeds.count)), SQLValue(QueryOracle.percentile(speeds, perMille: 500)),
                SQLValue(QueryOracle.percentile(speeds, perMille: 100)),
            ]
        }
    }

    private func slowest() -> [[SQLValue]] {
        let known = facts.filter { $0.head.endedUs != nil }.sorted {
            (-($0.head.endedUs ?? 0), $0.head.id) < (-($1.head.endedUs ?? 0), $1.head.id)
        }
        return known.prefix(top).map { fact in
            [
                .integer(fact.head.startedAtUs), .text(fact.head.id.description), .text(fact.head.provider),
                SQLValue(QueryOracle.model(fact)), .text(fact.head.attribution.task), SQLValue(fact.head.attribution.environment),
                SQLValue(fact.head.status.map(Int64.init)), .text(fact.head.outcome.rawValue), SQLValue(fact.head.endedUs),
                SQLValue(fact.reading.ttftUs), SQLValue(fact.reading.usage.inputTotal), SQLValue(fact.reading.usage.outputTotal),
                .integer(fact.requestBodyBytes), .integer(fact.responseBodyBytes),
            ]
        }
    }

    private func overhead() -> [[SQLValue]] {
        grouped("provider") { group in
            [count(group), count(group) { $0.overheadUs != nil }] + percentiles(group.map(\.overheadUs))
                + [SQLValue(group.compactMap(\.overheadUs).max())]
        }
    }

    private func peaks() -> [[SQLValue]] {
        let seconds = Dictionary(grouping: facts) { $0.head.startedAtUs / 1_000_000 }
        return seconds.sorted { (-$0.value.count, $0.key) < (-$1.value.count, $1.key) }.prefix(top).map { second, group in
            [
                .integer(second * 1_000_000), count(group), inputs(group), outputs(group), sum(group.map(\.requestBodyBytes)),
                sum(group.map(\.responseBodyBytes)),
            ]
        }
    }

    private func payloadSizes() -> [[SQLValue]] {
        grouped("task") { group in
            [count(group)] + percentiles(group.map(\.requestBodyBytes)) + [SQLValue(group.map(\.requestBodyBytes).max())]
                + percentiles(group.map(\.responseBodyBytes)) + [SQLValue(group.map(\.responseBodyBytes).max())]
        }
    }

    private func tiers() -> [[SQLValue]] {
        rows(of: facts, by: { [$0.head.provider, $0.reading.serviceTier] }) { group in
            [count(group), inputs(group), outputs(group), costs(group)] + percentiles(group.map(\.head.endedUs))
                + percentiles(group.map(\.reading.ttftUs))
        }
    }

    private func retries() -> [[SQLValue]] {
        let ordered = facts.sorted { ($0.head.startedAtUs, $0.head.id) < ($1.head.startedAtUs, $1.head.id) }
        var next: [ExchangeID: Fact] = [:]
        var last: [[String?]: Fact] = [:]
        for fact in ordered {
            let head = fact.head
            let caller = [
                head.attribution.environment, head.attribution.task, head.keyID, head.provider, fact.reading.modelRequested,
            ]
            if let before = last[caller] { next[before.head.id] = fact }
            last[caller] = fact
        }
        func isRetryable(_ fact: Fact) -> Bool {
            [.upstreamFailed, .timedOut].contains(fact.head.outcome)
                || fact.head.status.map { [408, 409, 429].contains($0) || $0 >= 500 } ?? false
        }
        func wait(_ fact: Fact) -> Int64? {
            guard isRetryable(fact), let after = next[fact.head.id] else { return nil }
            let us = after.head.startedAtUs - fact.head.startedAtUs
            return us <= 60_000_000 ? us : nil
        }
        return grouped("provider") { group in
            let recovered = group.filter { fact in
                guard wait(fact) != nil, let after = next[fact.head.id], let status = after.head.status else { return false }
                return after.head.outcome == .completed && status < 400
            }
            return [
                count(group), count(group, isRetryable), count(group) { wait($0) != nil }, .integer(Int64(recovered.count)),
            ] + percentiles(group.map(wait))
        }
    }
}

// MARK: Tokens and money

extension QueryOracle {
    private func tokens() -> [[SQLValue]] {
        rows(of: facts, by: { [key("model", $0), QueryOracle.day($0)] }) { group in
            let usage = group.map(\.reading.usage)
            return [
                count(group), sum(usage.map(\.inputTotal)), sum(usage.map(\.inputCached)), sum(usage.map(\.cacheWriteTotal)),
                sum(usage.map(\.outputTotal)), sum(usage.map(\.outputReasoning)),
                count(group) { $0.reading.usageSource == .partial }, count(group) { $0.reading.usageSource == .absent },
            ]
        }
    }

    private func spend() -> [[SQLValue]] {
        grouped("model") { group in
            [
                count(group), inputs(group), outputs(group), costs(group), sum(group.map(\.cost.reportedNanousd)),
                count(group, QueryOracle.isUnpriced),
            ]
        }
    }

    private func costByClass() -> [[SQLValue]] {
        grouped("model") { group in
            [count(group) { $0.cost.totalNanousd != nil }]
                + [
                    \Fact.cost.inputNanousd, \Fact.cost.inputCachedNanousd, \Fact.cost.cacheWriteNanousd,
                    \Fact.cost.outputNanousd, \Fact.cost.reasoningNanousd, \Fact.cost.toolsNanousd, \Fact.cost.totalNanousd,
                ].map { path in sum(group.map { $0[keyPath: path] }) }
        }
    }

    private func cache() -> [[SQLValue]] {
        let known = facts.filter { $0.reading.usage.inputTotal != nil && $0.reading.usage.inputCached != nil }
        func saved(_ fact: Fact) -> Int64? {
            let usage = fact.reading.usage
            guard let uncached = usage.inputUncached, uncached > 0, let cached = usage.inputCached,
                let inputCost = fact.cost.inputNanousd, let cachedCost = fact.cost.inputCachedNanousd
            else { return nil }
            let full = (cached + (usage.cacheWriteTotal ?? 0)) * inputCost / uncached
            return full - cachedCost - (fact.cost.cacheWriteNanousd ?? 0)
        }
        return grouped("model", of: known) { group in
            let whole = group.compactMap(\.reading.usage.inputTotal).reduce(0, +)
            let part = group.compactMap(\.reading.usage.inputCached).reduce(0, +)
            return [
                count(group), count(group) { ($0.reading.usage.inputCached ?? 0) > 0 }, .integer(whole), .integer(part),
                sum(group.map(\.reading.usage.cacheWriteTotal)), whole > 0 ? .integer(part * 1_000_000 / whole) : .null,
                sum(group.map(\.cost.inputCachedNanousd)), sum(group.map(\.cost.cacheWriteNanousd)), sum(group.map(saved)),
            ]
        }
    }

    private func unpriced() -> [[SQLValue]] {
        rows(of: facts.filter(QueryOracle.isUnpriced), by: { [$0.head.provider, QueryOracle.model($0)] }) { group in
            [
                count(group), inputs(group), outputs(group), SQLValue(group.map(\.head.startedAtUs).min()),
                SQLValue(group.map(\.head.startedAtUs).max()),
            ]
        }
    }

    private func modelMix() -> [[SQLValue]] {
        let days = Dictionary(grouping: facts, by: QueryOracle.day)
        return rows(of: facts, by: { [QueryOracle.day($0), key("model", $0)] }) { group in
            [count(group), share(group.count, of: days[QueryOracle.day(group[0])]?.count ?? 1), outputs(group), costs(group)]
        }
    }

    private func spendToday() -> [[SQLValue]] {
        let dayUs: Int64 = 86_400_000_000
        let midnight = nowUs / dayUs * dayUs
        let recent = facts.filter { $0.head.startedAtUs >= midnight - 7 * dayUs && $0.head.startedAtUs < midnight + dayUs }
        func isByNow(_ fact: Fact) -> Bool { fact.head.startedAtUs % dayUs <= nowUs - midnight }
        return grouped("model", of: recent) { group in
            let today = group.filter { $0.head.startedAtUs >= midnight && $0.head.startedAtUs <= nowUs }
            let week = group.filter { $0.head.startedAtUs < midnight }
            let cost = costs(today)
            let byNow = costs(week.filter(isByNow)).integer.map { $0 / 7 }
            return [
                count(today), cost, SQLValue(costs(week).integer.map { $0 / 7 }), SQLValue(byNow),
                .integer((cost.integer ?? 0) - (byNow ?? 0)),
            ]
        }
    }

    private func projection() -> [[SQLValue]] {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "UTC") ?? .gmt
        let now = Date(timeIntervalSince1970: Double(nowUs / 1_000_000))
        guard let month = calendar.dateInterval(of: .month, for: now) else { return [] }
        let fromUs = Int64(month.start.timeIntervalSince1970) * 1_000_000
        let elapsed = max(1, nowUs / 1_000_000 - fromUs / 1_000_000)
        let whole = Int64(month.duration)
        let past = facts.filter { $0.head.startedAtUs >= fromUs && $0.head.startedAtUs <= nowUs }
        return grouped("provider", of: past) { group in
            let spent = costs(group)
            return [
                count(group), spent, SQLValue(spent.integer.map { $0 * whole / elapsed }), count(group, QueryOracle.isUnpriced),
            ]
        }
    }
}

// MARK: Ends and contents

extension QueryOracle {
    private func errors() -> [[SQLValue]] {
        let bad = facts.filter {
            $0.head.outcome != .completed || ($0.head.status ?? 0) >= 400 || $0.reading.providerError != nil
        }
        func keys(_ fact: Fact) -> [String?] {
            [
                fact.head.provider, fact.head.status.map(String.init), fact.head.outcome.rawValue,
                fact.head.errorSource?.rawValue, fact.head.errorCode, fact.reading.providerError,
            ]
        }
        return Dictionary(grouping: bad, by: keys).map { key, group in
            var row = key.map { SQLValue($0) }
            row[1] = SQLValue(group[0].head.status.map(Int64.init))
            return row + [count(group), SQLValue(group.map(\.head.startedAtUs).max())]
        }
    }

    private func errorRate() -> [[SQLValue]] {
        grouped("provider") { group in
            func status(_ isMeant: (Int) -> Bool) -> SQLValue { count(group) { $0.head.status.map(isMeant) ?? false } }
            let bad = group.filter { ($0.head.status ?? 0) >= 400 || QueryOracle.isBroken($0) }.count
            return [
                count(group), status { $0 == 429 }, status { $0 >= 400 && $0 < 500 && $0 != 429 }, status { $0 >= 500 },
                count(group, QueryOracle.isBroken), count(group) { $0.head.outcome == .clientClosed }, .integer(Int64(bad)),
                share(bad, of: group.count),
            ]
        }
    }

    private func finishReasons() -> [[SQLValue]] {
        let groups = Dictionary(grouping: facts) { key("model", $0) }
        return rows(of: facts, by: { [key("model", $0), $0.reading.finishReason] }) { group in
            let isCut = QueryOracle.isTruncation(group[0].reading.finishReason)
            let whole = groups[key("model", group[0])]?.count ?? 1
            return [.integer(isCut ? 1 : 0), count(group), share(group.count, of: whole), outputs(group)]
        }
    }

    private func cancelled() -> [[SQLValue]] {
        grouped("task") { group in
            let left = group.filter { $0.head.outcome == .clientClosed }
            let streams = left.filter(\.head.responseStream)
            return [
                count(group), count(left), share(left.count, of: group.count), count(streams),
                count(streams) { $0.reading.ttftUs == nil }, outputs(left), costs(left), count(left, QueryOracle.isUnpriced),
            ] + percentiles(left.map(\.head.endedUs))
        }
    }

    private func candidates() -> [[SQLValue]] {
        func isCandidate(_ fact: Fact) -> Bool {
            guard let status = fact.head.status, fact.head.outcome == .completed, (200...299).contains(status) else {
                return false
            }
            return fact.reading.providerError == nil && fact.head.api != nil && fact.requestBody.kept == .full
                && fact.responseBody.kept == .full && (fact.reading.usage.outputTotal ?? 0) > 0
                && !QueryOracle.isTruncation(fact.reading.finishReason)
        }
        return grouped("task") { group in
            let good = group.filter(isCandidate)
            return [
                count(group), count(good), share(good.count, of: group.count), count(good) { ($0.reading.toolCalls ?? 0) > 0 },
                inputs(good), outputs(good), SQLValue(good.map(\.head.startedAtUs).min()),
                SQLValue(good.map(\.head.startedAtUs).max()),
            ]
        }
    }

    private func requests() -> [[SQLValue]] {
        rows(of: facts, by: { [$0.head.attribution.task, $0.head.attribution.environment] }) { group in
            [
                count(group), count(group) { $0.head.outcome == .completed }, count(group) { $0.head.outcome == .clientClosed },
                count(group, QueryOracle.isBroken), count(group) { ($0.head.status ?? 0) >= 400 },
                count(group) { $0.head.responseStream }, sum(group.map(\.requestBodyBytes)), sum(group.map(\.responseBodyBytes)),
            ]
        }
    }

    private func tools() -> [[SQLValue]] {
        grouped("model", of: facts.filter { $0.reading.toolCalls != nil }) { group in
            let calls = group.compactMap(\.reading.toolCalls)
            return [
                count(group), .integer(Int64(calls.filter { $0 > 0 }.count)),
                share(calls.filter { $0 > 0 }.count, of: group.count), sum(calls), SQLValue(calls.max()),
                sum(group.map(\.reading.usage.toolUsePrompt)), sum(group.map(\.cost.toolsNanousd)),
            ]
        }
    }

    private func reasoning() -> [[SQLValue]] {
        let known = facts.filter { $0.reading.usage.outputTotal != nil && $0.reading.usage.outputReasoning != nil }
        return grouped("model", of: known) { group in
            let whole = group.compactMap(\.reading.usage.outputTotal).reduce(0, +)
            let part = group.compactMap(\.reading.usage.outputReasoning).reduce(0, +)
            return [
                count(group), .integer(whole), .integer(part), whole > 0 ? .integer(part * 1_000_000 / whole) : .null,
                sum(group.map(\.cost.reasoningNanousd)),
            ] + percentiles(group.map(\.reading.firstVisibleUs))
        }
    }
}
