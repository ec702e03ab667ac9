-- The view `facts` of the twins in this folder: the sealed segments' facts, one row per exchange, under the names of the index's own view.
-- Run it first, beside the data directory `weir-data`:
--   cat queries/clickhouse/facts.sql <(echo "SET param_provider = 'openai';") queries/clickhouse/tail-latency.sql | clickhouse local
-- Every parameter must be set for ClickHouse; '\\N' is NULL and filters nothing.
SET param_since_us = '\\N';
SET param_until_us = '\\N';
SET param_model = '\\N';
SET param_provider = '\\N';
SET param_task = '\\N';
SET param_environment = '\\N';
SET param_api = '\\N';
SET param_status = '\\N';
SET param_outcome = '\\N';
SET param_key = '\\N';
SET param_metadata = '\\N';
SET param_by = '\\N';
SET param_now_us = '\\N';
SET param_p1 = '\\N';
SET param_p2 = '\\N';
SET param_p3 = '\\N';
SET param_p4 = '\\N';
SET param_top = '\\N';
SET precise_float_parsing = 1;
CREATE OR REPLACE VIEW facts AS
SELECT
    v, id, node, started_at_us, environment, task, metadata, key_id, trace_id, parent_span_id, client_request_id, provider,
    deployment, api, method, path, query, upstream_url, status, outcome, error_source, error_code, request_received_us,
    upstream_sent_us, first_byte_us, last_byte_us, ended_us, request_body_encoding, response_body_encoding, request_body_bytes,
    response_body_bytes, request_content_coding, response_content_coding, request_body_kept, response_body_kept,
    request_body_sha256, response_body_sha256, toInt64(response_stream) AS response_stream, model_requested, model_responded,
    toInt64(stream_requested) AS stream_requested, toInt64(stream) AS stream, duration_us, ttft_us, first_visible_us,
    overhead_us, tokens_per_second, usage.input_total AS usage_input_total, usage.input_uncached AS usage_input_uncached,
    usage.input_cached AS usage_input_cached, usage.cache_write_total AS usage_cache_write_total,
    usage.cache_write_5m AS usage_cache_write_5m, usage.cache_write_1h AS usage_cache_write_1h,
    usage.output_total AS usage_output_total, usage.output_visible AS usage_output_visible,
    usage.output_reasoning AS usage_output_reasoning, usage.input_audio AS usage_input_audio,
    usage.output_audio AS usage_output_audio, usage.input_image AS usage_input_image, usage.output_image AS usage_output_image,
    usage.tool_use_prompt AS usage_tool_use_prompt, usage_source, finish_reason, tool_calls, service_tier, provider_error,
    cost.input_nanousd AS cost_input_nanousd, cost.input_cached_nanousd AS cost_input_cached_nanousd,
    cost.cache_write_nanousd AS cost_cache_write_nanousd, cost.output_nanousd AS cost_output_nanousd,
    cost.reasoning_nanousd AS cost_reasoning_nanousd, cost.tools_nanousd AS cost_tools_nanousd,
    cost.total_nanousd AS cost_total_nanousd, cost.reported_nanousd AS cost_reported_nanousd, price_version, segment, frame,
    "offset"
FROM file(
    'weir-data/segments/*.facts.ndjson.zst', JSONEachRow,
    'v Int64, id String, node String, started_at_us Int64, environment Nullable(String), task String,
     metadata Map(String, String), key_id Nullable(String), trace_id Nullable(String), parent_span_id Nullable(String),
     client_request_id Nullable(String), provider String, deployment Nullable(String), api Nullable(String), method String,
     path String, query String, upstream_url Nullable(String), status Nullable(Int64), outcome String,
     error_source Nullable(String), error_code Nullable(String), request_received_us Nullable(Int64),
     upstream_sent_us Nullable(Int64), first_byte_us Nullable(Int64), last_byte_us Nullable(Int64), ended_us Nullable(Int64),
     request_body_encoding String, response_body_encoding String, request_body_bytes Int64, response_body_bytes Int64,
     request_content_coding Nullable(String), response_content_coding Nullable(String), request_body_kept String,
     response_body_kept String, request_body_sha256 Nullable(String), response_body_sha256 Nullable(String),
     response_stream Bool, model_requested Nullable(String), model_responded Nullable(String), stream_requested Bool,
     stream Bool, duration_us Nullable(Int64), ttft_us Nullable(Int64), first_visible_us Nullable(Int64),
     overhead_us Nullable(Int64), tokens_per_second Nullable(Float64),
     usage Tuple(input_total Nullable(Int64), input_uncached Nullable(Int64), input_cached Nullable(Int64), cache_write_total Nullable(Int64), cache_write_5m Nullable(Int64), cache_write_1h Nullable(Int64), output_total Nullable(Int64), output_visible Nullable(Int64), output_reasoning Nullable(Int64), input_audio Nullable(Int64), output_audio Nullable(Int64), input_image Nullable(Int64), output_image Nullable(Int64), tool_use_prompt Nullable(Int64)),
     usage_source String, finish_reason Nullable(String), tool_calls Nullable(Int64), service_tier Nullable(String),
     provider_error Nullable(String),
     cost Tuple(input_nanousd Nullable(Int64), input_cached_nanousd Nullable(Int64), cache_write_nanousd Nullable(Int64), output_nanousd Nullable(Int64), reasoning_nanousd Nullable(Int64), tools_nanousd Nullable(Int64), total_nanousd Nullable(Int64), reported_nanousd Nullable(Int64)),
     price_version Nullable(String), segment String, frame Int64, offset Int64');
