-- The view `facts` of the twins in this folder: the sealed segments' facts, one row per exchange, under the names of the index's own view.
-- Run it first, beside the data directory `weir-data`:
--   duckdb -init queries/duckdb/facts.sql -c "SET VARIABLE provider = 'openai'" -f queries/duckdb/tail-latency.sql
-- A parameter is a variable; one that is not set filters nothing. `by` is a word of SQL: SET VARIABLE "by" = 'task'.
CREATE OR REPLACE VIEW facts AS
SELECT
    v, id, node, started_at_us, environment, task, metadata, key_id, trace_id, parent_span_id, client_request_id, provider,
    deployment, api, method, path, query, upstream_url, status, outcome, error_source, error_code, request_received_us,
    upstream_sent_us, first_byte_us, last_byte_us, ended_us, request_body_encoding, response_body_encoding, request_body_bytes,
    response_body_bytes, request_content_coding, response_content_coding, request_body_kept, response_body_kept,
    request_body_sha256, response_body_sha256, CAST(response_stream AS INTEGER) AS response_stream, model_requested,
    model_responded, CAST(stream_requested AS INTEGER) AS stream_requested, CAST(stream AS INTEGER) AS stream, duration_us,
    ttft_us, first_visible_us, overhead_us, tokens_per_second, usage.input_total AS usage_input_total,
    usage.input_uncached AS usage_input_uncached, usage.input_cached AS usage_input_cached,
    usage.cache_write_total AS usage_cache_write_total, usage.cache_write_5m AS usage_cache_write_5m,
    usage.cache_write_1h AS usage_cache_write_1h, usage.output_total AS usage_output_total,
    usage.output_visible AS usage_output_visible, usage.output_reasoning AS usage_output_reasoning,
    usage.input_audio AS usage_input_audio, usage.output_audio AS usage_output_audio, usage.input_image AS usage_input_image,
    usage.output_image AS usage_output_image, usage.tool_use_prompt AS usage_tool_use_prompt, usage_source, finish_reason,
    tool_calls, service_tier, provider_error, cost.input_nanousd AS cost_input_nanousd,
    cost.input_cached_nanousd AS cost_input_cached_nanousd, cost.cache_write_nanousd AS cost_cache_write_nanousd,
    cost.output_nanousd AS cost_output_nanousd, cost.reasoning_nanousd AS cost_reasoning_nanousd,
    cost.tools_nanousd AS cost_tools_nanousd, cost.total_nanousd AS cost_total_nanousd,
    cost.reported_nanousd AS cost_reported_nanousd, price_version, segment, frame, "offset"
FROM read_json(
    'weir-data/segments/*.facts.ndjson.zst', format = 'newline_delimited', compression = 'zstd',
    columns = {
        v: 'BIGINT', id: 'VARCHAR', node: 'VARCHAR', started_at_us: 'BIGINT', environment: 'VARCHAR', task: 'VARCHAR',
        metadata: 'MAP(VARCHAR, VARCHAR)', key_id: 'VARCHAR', trace_id: 'VARCHAR', parent_span_id: 'VARCHAR',
        client_request_id: 'VARCHAR', provider: 'VARCHAR', deployment: 'VARCHAR', api: 'VARCHAR', method: 'VARCHAR',
        path: 'VARCHAR', query: 'VARCHAR', upstream_url: 'VARCHAR', status: 'BIGINT', outcome: 'VARCHAR',
        error_source: 'VARCHAR', error_code: 'VARCHAR', request_received_us: 'BIGINT', upstream_sent_us: 'BIGINT',
        first_byte_us: 'BIGINT', last_byte_us: 'BIGINT', ended_us: 'BIGINT', request_body_encoding: 'VARCHAR',
        response_body_encoding: 'VARCHAR', request_body_bytes: 'BIGINT', response_body_bytes: 'BIGINT',
        request_content_coding: 'VARCHAR', response_content_coding: 'VARCHAR', request_body_kept: 'VARCHAR',
        response_body_kept: 'VARCHAR', request_body_sha256: 'VARCHAR', response_body_sha256: 'VARCHAR',
        response_stream: 'BOOLEAN', model_requested: 'VARCHAR', model_responded: 'VARCHAR', stream_requested: 'BOOLEAN',
        stream: 'BOOLEAN', duration_us: 'BIGINT', ttft_us: 'BIGINT', first_visible_us: 'BIGINT', overhead_us: 'BIGINT',
        tokens_per_second: 'DOUBLE',
        usage: 'STRUCT(input_total BIGINT, input_uncached BIGINT, input_cached BIGINT, cache_write_total BIGINT, cache_write_5m BIGINT, cache_write_1h BIGINT, output_total BIGINT, output_visible BIGINT, output_reasoning BIGINT, input_audio BIGINT, output_audio BIGINT, input_image BIGINT, output_image BIGINT, tool_use_prompt BIGINT)',
        usage_source: 'VARCHAR', finish_reason: 'VARCHAR', tool_calls: 'BIGINT', service_tier: 'VARCHAR',
        provider_error: 'VARCHAR',
        cost: 'STRUCT(input_nanousd BIGINT, input_cached_nanousd BIGINT, cache_write_nanousd BIGINT, output_nanousd BIGINT, reasoning_nanousd BIGINT, tools_nanousd BIGINT, total_nanousd BIGINT, reported_nanousd BIGINT)',
        price_version: 'VARCHAR', segment: 'VARCHAR', frame: 'BIGINT', "offset": 'BIGINT'
    });
