// SPDX-License-Identifier: Apache-2.0

/// The tables of version 2: what an exchange has of its own in one narrow row, everything that repeats in dictionaries.
///
/// - `fact.start` is `started_at_us` less `epochUs`; `fact.tail` is the last ten bytes of the id where the first six are the
///   milliseconds of the start, else the whole id. Together they are the key, so that a row needs no other.
/// - `shape.derived` has a letter for each column of `FactColumns.derived`: `n` NULL, `d` follows from other columns by the formula
///   that stands in the view, `x` stands in `fact_more`.
/// - `shape.rate_...` are pico-dollars a token: a cost that is tokens x rate, rounded half to even, is not stored.
/// - `uses` counts the facts that point at a dictionary's entry whose text may be about a person; at 0 the entry goes.
enum SchemaTwo {
    /// 2027-01-01T00:00:00Z: starts from 2022 to 2031 take six bytes instead of eight.
    static let epochUs: Int64 = 1_798_761_600_000_000

    /// Everything of the version but what version 1 has: `checkpoint` and `loss`.
    static let all = dictionaries + facts + columns + rollups + entryView + view

    private static let dictionaries = """
        CREATE TABLE dimension (
            dimension_id INTEGER PRIMARY KEY, tuple TEXT NOT NULL UNIQUE, node TEXT NOT NULL, environment TEXT, task TEXT NOT NULL,
            key_id TEXT, provider TEXT NOT NULL, deployment TEXT, api TEXT, method TEXT NOT NULL,
            model_requested TEXT, model_responded TEXT, status INTEGER, outcome TEXT NOT NULL
        );
        CREATE TABLE shape (
            shape_id INTEGER PRIMARY KEY, tuple TEXT NOT NULL UNIQUE, dimension_id INTEGER NOT NULL,
            error_source TEXT, error_code TEXT, response_stream INTEGER NOT NULL, stream_requested INTEGER NOT NULL,
            request_body_encoding TEXT NOT NULL, response_body_encoding TEXT NOT NULL,
            request_content_coding TEXT, response_content_coding TEXT,
            request_body_kept TEXT NOT NULL, response_body_kept TEXT NOT NULL,
            usage_source TEXT NOT NULL, finish_reason TEXT, service_tier TEXT, provider_error TEXT, price_version TEXT,
            derived TEXT NOT NULL, rate_input INTEGER NOT NULL, rate_input_cached INTEGER NOT NULL,
            rate_cache_write INTEGER NOT NULL, rate_output INTEGER NOT NULL, rate_reasoning INTEGER NOT NULL
        );
        CREATE TABLE route (
            route_id INTEGER PRIMARY KEY, tuple TEXT NOT NULL UNIQUE, path TEXT NOT NULL, query TEXT NOT NULL, upstream_url TEXT,
            uses INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE metadata_set (
            metadata_id INTEGER PRIMARY KEY, object TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE metadata (
            key TEXT NOT NULL, value TEXT NOT NULL, metadata_id INTEGER NOT NULL, PRIMARY KEY (key, value, metadata_id)
        ) WITHOUT ROWID;
        """

    private static let facts = """
        CREATE TABLE fact (
            start INTEGER NOT NULL, tail BLOB NOT NULL, shape_id INTEGER NOT NULL, route_id INTEGER NOT NULL, metadata_id INTEGER,
            segment_id INTEGER NOT NULL, frame INTEGER NOT NULL, "offset" INTEGER NOT NULL,
            request_received_us INTEGER, upstream_sent_us INTEGER, first_byte_us INTEGER, last_byte_us INTEGER, ended_us INTEGER,
            ttft_us INTEGER, overhead_us INTEGER, content_span_us INTEGER,
            request_body_bytes INTEGER NOT NULL, response_body_bytes INTEGER NOT NULL,
            usage_input_total INTEGER, usage_input_cached INTEGER, usage_cache_write_total INTEGER,
            usage_output_total INTEGER, usage_output_reasoning INTEGER, tool_calls INTEGER,
            PRIMARY KEY (start, tail)
        ) WITHOUT ROWID;
        CREATE INDEX fact_by_odd_id ON fact (tail) WHERE length(tail) = 16;
        CREATE TABLE fact_more (
            start INTEGER NOT NULL, tail BLOB NOT NULL, trace_id TEXT, parent_span_id TEXT, client_request_id TEXT,
            request_body_sha256 TEXT, response_body_sha256 TEXT, first_visible_us INTEGER, tokens_per_second REAL,
            usage_input_uncached INTEGER, usage_cache_write_5m INTEGER, usage_cache_write_1h INTEGER, usage_output_visible INTEGER,
            usage_input_audio INTEGER, usage_output_audio INTEGER, usage_input_image INTEGER, usage_output_image INTEGER,
            usage_tool_use_prompt INTEGER,
            cost_input_nanousd INTEGER, cost_input_cached_nanousd INTEGER, cost_cache_write_nanousd INTEGER,
            cost_output_nanousd INTEGER, cost_reasoning_nanousd INTEGER, cost_tools_nanousd INTEGER, cost_total_nanousd INTEGER,
            cost_reported_nanousd INTEGER,
            PRIMARY KEY (start, tail)
        ) WITHOUT ROWID;
        """

    /// A chunk that is there equals the rows from its first start to its last; an hour, or day, whose `exchanges` are not NULL equals
    /// the rows in it (`Coverage`).
    private static let columns = """
        CREATE TABLE chunk (
            chunk_id INTEGER PRIMARY KEY, first_start INTEGER NOT NULL UNIQUE, last_start INTEGER NOT NULL, facts INTEGER NOT NULL
        );
        CREATE TABLE chunk_column (
            chunk_id INTEGER NOT NULL, name TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, width INTEGER NOT NULL,
            packed BLOB NOT NULL, PRIMARY KEY (chunk_id, name)
        );
        """

    private static let rollups =
        ["hour", "day"].map { unit in
            """
            CREATE TABLE rollup_\(unit) (
                \(unit) INTEGER NOT NULL, dimension_id INTEGER NOT NULL, exchanges INTEGER NOT NULL, streams INTEGER NOT NULL,
                unpriced INTEGER NOT NULL, usage_absent INTEGER NOT NULL,
                request_body_bytes INTEGER NOT NULL, response_body_bytes INTEGER NOT NULL,
                \((FactColumns.usageNames + FactColumns.costNames).map { "\($0) INTEGER" }.joined(separator: ", ")),
                duration BLOB, ttft BLOB, PRIMARY KEY (\(unit), dimension_id)
            ) WITHOUT ROWID;
            CREATE TABLE rolled_\(unit) (\(unit) INTEGER PRIMARY KEY, exchanges INTEGER);

            """
        }.joined()

    /// The keys of the fact (`record.md`), in its order; `usage` and `cost` flattened as `usage_...` and `cost_...`.
    private static let view = """
        CREATE VIEW facts AS
        SELECT
            v, id, node, started_at_us, environment, task, metadata, key_id, trace_id, parent_span_id, client_request_id,
            provider, deployment, api, method, path, query, upstream_url, status, outcome, error_source, error_code,
            request_received_us, upstream_sent_us, first_byte_us, last_byte_us, ended_us,
            request_body_encoding, response_body_encoding, request_body_bytes, response_body_bytes,
            request_content_coding, response_content_coding, request_body_kept, response_body_kept,
            request_body_sha256, response_body_sha256, response_stream, model_requested, model_responded, stream_requested,
            response_stream AS stream, ended_us AS duration_us, ttft_us, first_visible_us, overhead_us, tokens_per_second,
            usage_input_total, usage_input_uncached, usage_input_cached, usage_cache_write_total, usage_cache_write_5m,
            usage_cache_write_1h, usage_output_total, usage_output_visible, usage_output_reasoning, usage_input_audio,
            usage_output_audio, usage_input_image, usage_output_image, usage_tool_use_prompt,
            usage_source, finish_reason, tool_calls, service_tier, provider_error,
            cost_input_nanousd, cost_input_cached_nanousd, cost_cache_write_nanousd, cost_output_nanousd, cost_reasoning_nanousd,
            cost_tools_nanousd, cost_total_nanousd, cost_reported_nanousd, price_version, segment, frame, "offset"
        FROM fact_entry;
        """

    /// What the view shows, with the keys of rows and dictionaries: for whoever packs, rolls up, or looks for one row.
    private static let entryView = """
        CREATE VIEW fact_entry AS
        SELECT
            *,
            CASE substr(derived, 17, 1)
                WHEN 'd' THEN coalesce(cost_input_nanousd, 0) + coalesce(cost_input_cached_nanousd, 0)
                    + coalesce(cost_cache_write_nanousd, 0) + coalesce(cost_output_nanousd, 0) + coalesce(cost_reasoning_nanousd, 0)
                WHEN 'x' THEN more_cost_total END AS cost_total_nanousd
        FROM (
            SELECT
                *,
                CASE substr(derived, 11, 1) WHEN 'd' THEN \(rounded("pico_input")) WHEN 'x' THEN more_cost_input END
                    AS cost_input_nanousd,
                CASE substr(derived, 12, 1) WHEN 'd' THEN \(rounded("pico_cached")) WHEN 'x' THEN more_cost_cached END
                    AS cost_input_cached_nanousd,
                CASE substr(derived, 13, 1) WHEN 'd' THEN \(rounded("pico_write")) WHEN 'x' THEN more_cost_write END
                    AS cost_cache_write_nanousd,
                CASE substr(derived, 14, 1) WHEN 'd' THEN \(rounded("pico_output")) WHEN 'x' THEN more_cost_output END
                    AS cost_output_nanousd,
                CASE substr(derived, 15, 1) WHEN 'd' THEN \(rounded("pico_reasoning")) WHEN 'x' THEN more_cost_reasoning END
                    AS cost_reasoning_nanousd
            FROM (
                SELECT
                    *,
                    coalesce(usage_input_uncached, 0) * rate_input AS pico_input,
                    coalesce(usage_input_cached, 0) * rate_input_cached AS pico_cached,
                    coalesce(usage_cache_write_total, 0) * rate_cache_write AS pico_write,
                    coalesce(usage_output_visible, 0) * rate_output AS pico_output,
                    coalesce(usage_output_reasoning, 0) * rate_reasoning AS pico_reasoning
                FROM (\(entries))
            )
        );
        """

    /// Half to even, of a number that is not negative.
    private static func rounded(_ pico: String) -> String {
        "\(pico) / 1000 + (\(pico) % 1000 > 500 OR (\(pico) % 1000 = 500 AND \(pico) / 1000 % 2 = 1))"
    }

    private static let entries = """
        SELECT
            fact.start, fact.tail, shape.shape_id, shape.dimension_id, fact.metadata_id, fact.content_span_us, 1 AS v,
            CASE length(fact.tail)
                WHEN 10 THEN printf('%08x-%04x-', (fact.start + \(epochUs)) / 65536000, (fact.start + \(epochUs)) / 1000 & 65535)
                    || lower(substr(hex(fact.tail), 1, 4) || '-' || substr(hex(fact.tail), 5, 4) || '-' || substr(hex(fact.tail), 9))
                ELSE lower(substr(hex(fact.tail), 1, 8) || '-' || substr(hex(fact.tail), 9, 4) || '-' || substr(hex(fact.tail), 13, 4)
                    || '-' || substr(hex(fact.tail), 17, 4) || '-' || substr(hex(fact.tail), 21)) END AS id,
            fact.start + \(epochUs) AS started_at_us, coalesce(metadata_set.object, '{}') AS metadata,
            dimension.node, dimension.environment, dimension.task, dimension.key_id, dimension.provider, dimension.deployment,
            dimension.api, dimension.method, dimension.model_requested, dimension.model_responded, dimension.status,
            dimension.outcome, route.path, route.query, route.upstream_url, shape.error_source, shape.error_code,
            shape.response_stream, shape.stream_requested, shape.request_body_encoding, shape.response_body_encoding,
            shape.request_content_coding, shape.response_content_coding, shape.request_body_kept, shape.response_body_kept,
            shape.usage_source, shape.finish_reason, shape.service_tier, shape.provider_error, shape.price_version, shape.derived,
            shape.rate_input, shape.rate_input_cached, shape.rate_cache_write, shape.rate_output, shape.rate_reasoning,
            more.trace_id, more.parent_span_id, more.client_request_id, more.request_body_sha256, more.response_body_sha256,
            fact.request_received_us, fact.upstream_sent_us, fact.first_byte_us, fact.last_byte_us, fact.ended_us, fact.ttft_us,
            fact.overhead_us, fact.request_body_bytes, fact.response_body_bytes, fact.usage_input_total, fact.usage_input_cached,
            fact.usage_cache_write_total, fact.usage_output_total, fact.usage_output_reasoning, fact.tool_calls,
            CASE substr(shape.derived, 1, 1)
                WHEN 'd' THEN fact.usage_input_total - coalesce(fact.usage_input_cached, 0)
                    - coalesce(fact.usage_cache_write_total, 0)
                WHEN 'x' THEN more.usage_input_uncached END AS usage_input_uncached,
            CASE substr(shape.derived, 2, 1)
                WHEN 'd' THEN fact.usage_cache_write_total WHEN 'x' THEN more.usage_cache_write_5m END AS usage_cache_write_5m,
            CASE substr(shape.derived, 3, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.usage_cache_write_1h END AS usage_cache_write_1h,
            CASE substr(shape.derived, 4, 1)
                WHEN 'd' THEN fact.usage_output_total - coalesce(fact.usage_output_reasoning, 0)
                WHEN 'x' THEN more.usage_output_visible END AS usage_output_visible,
            CASE substr(shape.derived, 5, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.usage_input_audio END AS usage_input_audio,
            CASE substr(shape.derived, 6, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.usage_output_audio END AS usage_output_audio,
            CASE substr(shape.derived, 7, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.usage_input_image END AS usage_input_image,
            CASE substr(shape.derived, 8, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.usage_output_image END AS usage_output_image,
            CASE substr(shape.derived, 9, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.usage_tool_use_prompt END AS usage_tool_use_prompt,
            CASE substr(shape.derived, 10, 1)
                WHEN 'd' THEN fact.ttft_us WHEN 'x' THEN more.first_visible_us END AS first_visible_us,
            more.cost_input_nanousd AS more_cost_input, more.cost_input_cached_nanousd AS more_cost_cached,
            more.cost_cache_write_nanousd AS more_cost_write, more.cost_output_nanousd AS more_cost_output,
            more.cost_reasoning_nanousd AS more_cost_reasoning, more.cost_total_nanousd AS more_cost_total,
            CASE substr(shape.derived, 16, 1) WHEN 'd' THEN 0 WHEN 'x' THEN more.cost_tools_nanousd END AS cost_tools_nanousd,
            CASE substr(shape.derived, 18, 1) WHEN 'x' THEN more.cost_reported_nanousd END AS cost_reported_nanousd,
            CASE substr(shape.derived, 19, 1)
                WHEN 'd' THEN (fact.usage_output_total - 1) * 1000000.0 / fact.content_span_us
                WHEN 'x' THEN more.tokens_per_second END AS tokens_per_second,
            checkpoint.segment, fact.frame, fact."offset"
        FROM fact
        JOIN shape USING (shape_id)
        JOIN dimension USING (dimension_id)
        JOIN route USING (route_id)
        JOIN checkpoint USING (segment_id)
        LEFT JOIN metadata_set USING (metadata_id)
        LEFT JOIN fact_more AS more ON more.start = fact.start AND more.tail = fact.tail
        """
}
