// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One report that is fetched: where it is asked for, and what for.
package struct ExportRequest: Equatable, Sendable {
    /// Below the base address, with a slash.
    package let path: String
    /// What the answer is.
    package let format: ExportFormat
    /// Names and values, not encoded yet.
    package let query: [(name: String, value: String)]

    /// Requests are equal where they ask for the same.
    package static func == (a: ExportRequest, b: ExportRequest) -> Bool { a.target(page: nil) == b.target(page: nil) }

    /// The path with its query.
    ///
    /// - Parameter page: the page to ask for; nil for the first.
    /// - Returns: what is put behind the base address.
    package func target(page: String?) -> String {
        let all = query + (page.map { [(name: "page", value: $0)] } ?? [])
        guard !all.isEmpty else { return path }
        return path + "?"
            + all.map { "\(ExportRequest.encoded($0.name))=\(ExportRequest.encoded($0.value))" }.joined(separator: "&")
    }

    /// Percent-encoding of all but the unreserved characters (RFC 3986 section 2.3).
    private static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }
}

/// Which reports of a provider are fetched for a comparison.
package enum ExportRequests {
    /// The reports that together hold tokens and costs of some days, each by day and model.
    ///
    /// - Parameters:
    ///   - provider: whose.
    ///   - days: the first and the last day, days since 1970-01-01.
    ///   - byKey: divided by API key, too, as far as the provider can.
    ///   - byProject: divided by project or workspace, too.
    /// - Returns: the requests in the order in which they are sent.
    package static func list(
        _ provider: ExportProvider, days: ClosedRange<Int64>, byKey: Bool, byProject: Bool
    ) -> [ExportRequest] {
        switch provider {
        case .openai: openAI(days, byKey, byProject)
        case .anthropic: anthropic(days, byKey, byProject)
        // The endpoint gives the last thirty whole days and takes no period.
        case .openrouter: [ExportRequest(path: "/activity", format: .openRouterActivity, query: [])]
        }
    }

    private static func openAI(_ days: ClosedRange<Int64>, _ byKey: Bool, _ byProject: Bool) -> [ExportRequest] {
        let more = (byKey ? ["api_key_id"] : []) + (byProject ? ["project_id"] : [])
        func request(_ report: String, _ groups: [String], limit: Int) -> ExportRequest {
            let period = [
                ("start_time", String(days.lowerBound * 86_400)), ("end_time", String((days.upperBound + 1) * 86_400)),
                ("bucket_width", "1d"), ("limit", String(limit)),
            ]
            return ExportRequest(
                path: "/organization/\(report)", format: report == "costs" ? .openAICosts : .openAIUsage,
                query: period + (groups + more).map { ("group_by", $0) })
        }
        let others = ["embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions"]
        return [request("usage/completions", ["model", "batch"], limit: 31)]
            + others.map { request("usage/\($0)", ["model"], limit: 31) } + [request("costs", ["line_item"], limit: 180)]
    }

    private static func anthropic(_ days: ClosedRange<Int64>, _ byKey: Bool, _ byProject: Bool) -> [ExportRequest] {
        func request(_ report: String, _ groups: [String]) -> ExportRequest {
            let period = [
                ("starting_at", ExportDay.text(days.lowerBound) + "T00:00:00Z"),
                ("ending_at", ExportDay.text(days.upperBound + 1) + "T00:00:00Z"), ("bucket_width", "1d"), ("limit", "31"),
            ]
            return ExportRequest(
                path: "/organizations/\(report)", format: report == "cost_report" ? .anthropicCosts : .anthropicUsage,
                query: period + groups.map { ("group_by[]", $0) })
        }
        let workspace = byProject ? ["workspace_id"] : []
        return [
            request("usage_report/messages", ["model", "service_tier"] + (byKey ? ["api_key_id"] : []) + workspace),
            request("cost_report", ["description"] + workspace),
        ]
    }
}

/// Days as a verb takes them.
package enum ReconcilePeriod {
    /// Refuses a time that no day of a report can hold.
    ///
    /// - Parameters:
    ///   - us: microseconds since the epoch; nil, where no time was asked for, is never refused.
    ///   - flag: what the message calls it.
    /// - Throws: `AnswersError.badTime` before 1970 and after 9999: the days there have no date and may not fit 64 bits.
    package static func check(_ us: Int64?, flag: String) throws(AnswersError) {
        guard let us, us < 0 || us >= (ReconcileLimits.epochSeconds + 1) * 1_000_000 else { return }
        throw AnswersError(code: .badTime, message: "\(flag) must lie in the years 1970 to 9999")
    }

    /// The days of a period that begins and ends somewhere within days: all that it touches.
    ///
    /// - Parameters:
    ///   - sinceUs: microseconds since the epoch.
    ///   - untilUs: exclusive.
    /// - Returns: whole days.
    package static func days(sinceUs: Int64, untilUs: Int64) -> ClosedRange<Int64> {
        let first = ExportDay.of(us: sinceUs)
        return first...max(first, ExportDay.of(us: untilUs - 1))
    }

    /// The day of an instant, days since 1970-01-01.
    package static func day(us: Int64) -> Int64 { ExportDay.of(us: us) }

    /// The first microsecond of a day.
    package static func startUs(_ day: Int64) -> Int64 { day * CalendarTime.dayUs }

    /// A day as `2026-11-22`.
    package static func text(_ day: Int64) -> String { ExportDay.text(day) }
}
