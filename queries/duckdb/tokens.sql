-- Tokens by model and UTC day, as the providers reported them.
-- Question: How many tokens of each class went through, day by day?
-- Note: a class that no exchange of the group reported is NULL (unknown), not 0.
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   day text: day in UTC
--   exchanges count: exchanges
--   input_total_tokens tokens: input, cached included
--   input_cached_tokens tokens: input read from a cache
--   cache_write_tokens tokens: input written to a cache
--   output_total_tokens tokens: output, reasoning included
--   output_reasoning_tokens tokens: hidden reasoning
--   usage_partial count: exchanges that reported a part
--   usage_absent count: exchanges that reported nothing
-- Picture: line day output_total_tokens by by_value
WITH selected AS MATERIALIZED (
    SELECT
        CASE coalesce(getvariable('by'), 'model')
            WHEN 'model' THEN coalesce(model_responded, model_requested)
            WHEN 'task' THEN task
            WHEN 'environment' THEN environment
            WHEN 'key' THEN key_id
            WHEN 'provider' THEN provider
            WHEN 'status' THEN CAST(status AS VARCHAR)
            WHEN 'day' THEN strftime(make_timestamp(started_at_us), '%Y-%m-%d')
            WHEN 'hour' THEN strftime(make_timestamp(started_at_us), '%Y-%m-%d %H:00')
            ELSE metadata[substr(getvariable('by'), 6)]
        END AS by_value,
        strftime(make_timestamp(started_at_us), '%Y-%m-%d') AS day, usage_input_total AS input, usage_input_cached AS cached,
        usage_cache_write_total AS written, usage_output_total AS output, usage_output_reasoning AS reasoning, usage_source
    FROM facts
    WHERE (getvariable('since_us') IS NULL OR started_at_us >= getvariable('since_us'))
        AND (getvariable('until_us') IS NULL OR started_at_us < getvariable('until_us'))
        AND (getvariable('model') IS NULL OR getvariable('model') IN (model_requested, model_responded))
        AND (getvariable('provider') IS NULL OR provider = getvariable('provider'))
        AND (getvariable('task') IS NULL OR task = getvariable('task'))
        AND (getvariable('environment') IS NULL OR environment = getvariable('environment'))
        AND (getvariable('api') IS NULL OR api = getvariable('api'))
        AND (getvariable('status') IS NULL OR status = getvariable('status'))
        AND (getvariable('outcome') IS NULL OR outcome = getvariable('outcome'))
        AND (getvariable('key') IS NULL OR key_id = getvariable('key'))
        AND list_has_all(
            map_entries(metadata),
            map_entries(CAST(CAST(coalesce(getvariable('metadata'), '{}') AS JSON) AS MAP(VARCHAR, VARCHAR))))
)
SELECT
    by_value, day, count(*) AS exchanges,
    sum(input) AS input_total_tokens, sum(cached) AS input_cached_tokens, sum(written) AS cache_write_tokens,
    sum(output) AS output_total_tokens, sum(reasoning) AS output_reasoning_tokens,
    count(CASE WHEN usage_source = 'partial' THEN 1 END) AS usage_partial, count(CASE WHEN usage_source = 'absent' THEN 1 END) AS usage_absent
FROM selected
GROUP BY by_value, day
ORDER BY day, by_value NULLS FIRST;
