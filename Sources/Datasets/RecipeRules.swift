// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// How eval rows are chosen.
package struct EvalRules: Equatable, Sendable {
    /// Parts per million of the groups that go to the eval pool; 100,000 = 10 %.
    package var sharePPM: Int64 = 100_000
    /// At most this many rows; those of earlier versions stay, whatever this says.
    package var maximum: Int64? = 10_000
    /// Rows that are taken whatever their hardness, parts per million.
    package var anchorPPM: Int64 = 200_000
    /// Files beside `eval.jsonl`; their order has no meaning.
    package var formats: [ExportChoice] = []

    /// Every default.
    package init() {}

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("anchors_ppm")
        json.value(anchorPPM)
        ExportChoice.write(formats, to: &json)
        json.key("max_rows")
        json.value(maximum)
        json.key("share_ppm")
        json.value(sharePPM)
        json.endObject()
    }
}

/// What makes a stratum.
package enum StratumPart: String, CaseIterable, Sendable {
    case environment, model, provider, task
}

/// How training rows are chosen.
package struct TrainRules: Equatable, Sendable {
    /// At most this many rows.
    package var maximum: Int64?
    /// At most this many rows of a group.
    package var perGroup: Int64?
    /// What rows are parted by before they are counted out.
    package var strata: Set<StratumPart> = [.environment, .model, .task]
    /// How strata share the rows.
    package var quota = Quota.proportional
    /// Files beside `train.jsonl`; their order has no meaning.
    package var formats: [ExportChoice] = []

    /// Every default.
    package init() {}

    /// The parts of a stratum in the order in which its name holds them.
    var parts: [StratumPart] { StratumPart.allCases.filter(strata.contains) }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        ExportChoice.write(formats, to: &json)
        json.key("max_rows")
        json.value(maximum)
        json.key("per_group")
        json.value(perGroup)
        json.key("quota")
        json.value(quota.rawValue)
        json.key("strata")
        json.beginArray()
        for part in parts { json.value(part.rawValue) }
        json.endArray()
        json.endObject()
    }
}

extension DatasetSelection {
    /// The lists of texts by their keys, sorted.
    var lists: [(key: String, texts: [String])] {
        [
            ("api", apis), ("environment", environments), ("finish_reason", finishReasons), ("key", keys),
            ("metadata", metadata.flatMap { [$0.name, $0.value] }), ("model", models), ("outcome", outcomes),
            ("provider", providers), ("task", tasks),
        ]
    }

    /// The bounds by their keys, sorted.
    var bounds: [(key: String, bounds: CountBounds)] {
        [
            ("cost_nanousd", costNanousd), ("duration_ms", durationMs), ("input_tokens", inputTokens),
            ("output_tokens", outputTokens), ("ttft_ms", ttftMs),
        ]
    }

    /// Writes the selection as one JSON object, keys sorted, every key present; the order of a list has no meaning.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("bounds")
        json.beginObject()
        for (key, bounds) in bounds {
            json.key(key)
            json.beginArray()
            json.value(bounds.minimum)
            json.value(bounds.maximum)
            json.endArray()
        }
        json.endObject()
        json.key("lists")
        json.beginObject()
        for (key, texts) in lists {
            json.key(key)
            json.beginArray()
            let sorted = key == "metadata" ? texts : texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for text in sorted { json.value(text) }
            json.endArray()
        }
        json.endObject()
        for (key, value) in [("limit", limit), ("since_us", sinceUs)] {
            json.key(key)
            json.value(value)
        }
        json.key("statuses")
        json.beginArray()
        for status in statuses.sorted() { json.value(status) }
        json.endArray()
        json.key("until_us")
        json.value(untilUs)
        json.endObject()
    }
}
