// SPDX-License-Identifier: Apache-2.0
import Answers
import Outbound

extension ExportProvider {
    /// Where the reports are, unless told otherwise.
    var standardURL: String {
        switch self {
        case .openai: "https://api.openai.com/v1"
        case .anthropic: "https://api.anthropic.com/v1"
        case .openrouter: "https://openrouter.ai/api/v1"
        }
    }

    /// Environment variables that hold the key for reports, the first one that is set counts.
    var keyVariables: [String] {
        switch self {
        case .openai: ["OPENAI_ADMIN_KEY"]
        case .anthropic: ["ANTHROPIC_ADMIN_KEY", "ANTHROPIC_ADMIN_API_KEY"]
        case .openrouter: ["OPENROUTER_API_KEY"]
        }
    }

    /// What kind of key it must be.
    fileprivate var keyKind: String {
        switch self {
        case .openai, .anthropic: "an admin key of the organisation; keys for models do not do"
        case .openrouter: "a management key; keys for models do not do"
        }
    }

    fileprivate func headers(key: String) -> [OutboundHeader] {
        let credentials =
            switch self {
            case .openai, .openrouter: [OutboundHeader("authorization", "Bearer \(key)")]
            case .anthropic: [OutboundHeader("x-api-key", key), OutboundHeader("anthropic-version", "2023-06-01")]
            }
        return credentials + [
            OutboundHeader("accept", "application/json"), OutboundHeader("user-agent", "weir/\(Program.version)"),
        ]
    }
}

/// A key for reports: read from the environment, sent in one header, and shown nowhere.
struct ReportKey: CustomStringConvertible, CustomReflectable {
    /// The variable it came from.
    let variable: String
    fileprivate let secret: String

    /// The key of a provider.
    ///
    /// - Parameters:
    ///   - provider: whose.
    ///   - environment: where it is looked for.
    /// - Throws: `VerbFailure` where no variable is set.
    init(_ provider: ExportProvider, environment: [String: String]) throws {
        for name in provider.keyVariables {
            guard let value = environment[name]?.split(whereSeparator: \.isWhitespace), !value.isEmpty else { continue }
            guard value.count == 1 else { throw VerbFailure.usage("\(name) holds blanks within: it is no key") }
            variable = name
            secret = String(value[0])
            return
        }
        let names = provider.keyVariables.joined(separator: " or ")
        throw VerbFailure.usage("--fetch needs \(names) in the environment: \(provider.keyKind)")
    }

    var description: String { "•••" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Fetches a provider's reports, page by page.
struct ReconcileFetch {
    let provider: ExportProvider
    /// Without a slash at its end.
    let base: String
    let key: ReportKey
    /// Of each request.
    let timeoutSeconds: Int
    /// Of each report.
    let pagesMax: Int

    /// Fetches all reports for some days.
    ///
    /// - Parameters:
    ///   - days: the first and the last day, days since 1970-01-01.
    ///   - byKey: divided by API key.
    ///   - byProject: divided by project.
    /// - Returns: one export for each report.
    /// - Throws: `VerbFailure` where one cannot be had, `AnswersError` where one cannot be read.
    func exports(days: ClosedRange<Int64>, byKey: Bool, byProject: Bool) async throws -> [ProviderExport] {
        var exports: [ProviderExport] = []
        for request in ExportRequests.list(provider, days: days, byKey: byKey, byProject: byProject) {
            exports.append(try await export(request))
        }
        return exports
    }

    private func export(_ request: ExportRequest) async throws -> ProviderExport {
        let name = OutboundURL.shown(base) + request.path
        var whole = ProviderExport(format: request.format)
        var seen: Set<String> = []
        var page: String?
        for number in 1...pagesMax {
            Terminal.progress("\(name), page \(number)")
            let more = try ExportReading.read(try await body(request.target(page: page), name), name: name, provider: provider)
            whole.join(more)
            guard whole.lines.count <= ReconcileLimits.lines else {
                throw VerbFailure.unfinished("\(name) gives more than \(ReconcileLimits.lines) lines; compare fewer days")
            }
            guard more.hasMore else {
                Terminal.endProgress()
                if whole.lines.isEmpty { whole.format = request.format }
                return whole
            }
            guard let next = more.nextPage, seen.insert(next).inserted else {
                throw VerbFailure.unfinished("\(name) says that there is more, and not where: what came is not whole")
            }
            page = next
        }
        throw VerbFailure.unfinished("\(name) has more than \(pagesMax) pages; compare fewer days, or raise --pages")
    }

    private func body(_ target: String, _ name: String) async throws -> [UInt8] {
        var limits = OutboundLimits()
        limits.totalMilliseconds = timeoutSeconds * 1_000
        limits.bodyBytes = ReconcileLimits.fileBytes
        let answer: OutboundResponse
        do {
            answer = try await OutboundClient().requestOffPool(
                "GET", base + target, headers: provider.headers(key: key.secret), limits: limits)
        } catch let error as OutboundError {
            throw VerbFailure.unfinished("\(name) cannot be fetched: \(error)")
        }
        guard answer.status == 200 else { throw VerbFailure.unfinished(refusal(answer, name)) }
        return answer.body
    }

    /// The provider's own words are not repeated: they may hold the key, or a part of it.
    private func refusal(_ answer: OutboundResponse, _ name: String) -> String {
        switch answer.status {
        case 401, 403: return "\(name) refuses the key in \(key.variable) (\(answer.status)): it must be \(provider.keyKind)"
        case 429:
            let wait = answer.header("retry-after").flatMap { Int($0) }.map { "; try again in \($0) s" } ?? "; try again later"
            return "\(name) is asked too often (429)\(wait)"
        case 404: return "\(name) is not there (404): is --url the base address, with its version?"
        default: return "\(name) answers \(answer.status)"
        }
    }
}
