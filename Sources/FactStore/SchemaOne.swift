// SPDX-License-Identifier: Apache-2.0

/// The tables of version 1, as they were released; only a migration reads them.
enum SchemaOne {
    /// Everything of the version.
    static let all = tables + factTable + factsView

    /// `checkpoint` doubles as the dictionary of segment names; `dimension` is the dictionary of what repeats from row to row.
    private static let tables = """
        CREATE TABLE checkpoint (
            segment_id INTEGER PRIMARY KEY, segment TEXT NOT NULL UNIQUE, "offset" INTEGER NOT NULL
        );
        CREATE TABLE dimension (
            dimension_id INTEGER PRIMARY KEY, tuple TEXT NOT NULL UNIQUE, node TEXT NOT NULL, environment TEXT, task TEXT NOT NULL,
            key_id TEXT, provider TEXT NOT NULL, deployment TEXT, api TEXT, method TEXT NOT NULL, model_requested TEXT, model_responded TEXT
        );
        CREATE TABLE metadata (
            fact_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (fact_id, key)
        ) WITHOUT ROWID;
        CREATE TABLE loss (
            segment_id INTEGER NOT NULL, frame INTEGER NOT NULL, "offset" INTEGER NOT NULL, kind TEXT NOT NULL,
            byte_count INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (segment_id, frame, "offset", kind)
        ) WITHOUT ROWID;
        """

    private static let factTable = """
        CREATE TABLE fact (
            fact_id INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, dimension_id INTEGER NOT NULL, started_at_us INTEGER NOT NULL,
            trace_id TEXT, parent_span_id TEXT, client_request_id TEXT, path TEXT NOT NULL, query TEXT NOT NULL, upstream_url TEXT,
            status INTEGER, outcome TEXT NOT NULL, error_source TEXT, error_code TEXT,
            request_received_us INTEGER, upstream_sent_us INTEGER, first_byte_us INTEGER, last_byte_us INTEGER, ended_us INTEGER,
            request_body_bytes INTEGER NOT NULL, response_body_bytes INTEGER NOT NULL, response_stream INTEGER NOT NULL,
            request_body_encoding TEXT NOT NULL, response_body_encoding TEXT NOT NULL,
            request_content_coding TEXT, response_content_coding TEXT,
            request_body_kept TEXT NOT NULL, response_body_kept TEXT NOT NULL,
            request_body_sha256 TEXT, response_body_sha256 TEXT,
            stream_requested INTEGER NOT NULL, ttft_us INTEGER, first_visible_us INTEGER, overhead_us INTEGER, tokens_per_second REAL,
            usage_input_total INTEGER, usage_input_uncached INTEGER, usage_input_cached INTEGER, usage_cache_write_total INTEGER,
            usage_cache_write_5m INTEGER, usage_cache_write_1h INTEGER, usage_output_total INTEGER, usage_output_visible INTEGER,
            usage_output_reasoning INTEGER, usage_input_audio INTEGER, usage_output_audio INTEGER, usage_input_image INTEGER,
            usage_output_image INTEGER, usage_tool_use_prompt INTEGER,
            usage_source TEXT NOT NULL, finish_reason TEXT, tool_calls INTEGER, service_tier TEXT, provider_error TEXT,
            cost_input_nanousd INTEGER, cost_input_cached_nanousd INTEGER, cost_cache_write_nanousd INTEGER, cost_output_nanousd INTEGER,
            cost_reasoning_nanousd INTEGER, cost_tools_nanousd INTEGER, cost_total_nanousd INTEGER, cost_reported_nanousd INTEGER,
            price_version TEXT, segment_id INTEGER NOT NULL, frame INTEGER NOT NULL, "offset" INTEGER NOT NULL
        );
        CREATE INDEX fact_by_start ON fact (started_at_us, id);
        """

    /// The keys of the fact (`record.md`), in its order; `usage` and `cost` flattened as `usage_...` and `cost_...`.
    private static let factsView = """
        CREATE VIEW facts AS
        SELECT
            1 AS v,
            lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4) || '-'
                || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
            node, started_at_us, environment, task,
            (SELECT json_group_object(key, value) FROM (
                SELECT key, value FROM metadata WHERE metadata.fact_id = fact.fact_id ORDER BY key)) AS metadata,
            key_id, trace_id, parent_span_id, client_request_id, provider, deployment, api, method, path, query, upstream_url,
            status, outcome, error_source, error_code,
            request_received_us, upstream_sent_us, first_byte_us, last_byte_us, ended_us,
            request_body_encoding, response_body_encoding, request_body_bytes, response_body_bytes,
            request_content_coding, response_content_coding, request_body_kept, response_body_kept,
            request_body_sha256, response_body_sha256, response_stream,
            model_requested, model_responded, stream_requested, response_stream AS stream,
            ended_us AS duration_us, ttft_us, first_visible_us, overhead_us, tokens_per_second,
            usage_input_total, usage_input_uncached, usage_input_cached, usage_cache_write_total, usage_cache_write_5m,
            usage_cache_write_1h, usage_output_total, usage_output_visible, usage_output_reasoning, usage_input_audio,
            usage_output_audio, usage_input_image, usage_output_image, usage_tool_use_prompt,
            usage_source, finish_reason, tool_calls, service_tier, provider_error,
            cost_input_nanousd, cost_input_cached_nanousd, cost_cache_write_nanousd, cost_output_nanousd, cost_reasoning_nanousd,
            cost_tools_nanousd, cost_total_nanousd, cost_reported_nanousd,
            price_version, segment, frame, fact."offset" AS "offset"
        FROM fact
        JOIN dimension ON dimension.dimension_id = fact.dimension_id
        JOIN checkpoint ON checkpoint.segment_id = fact.segment_id;
        """
}
