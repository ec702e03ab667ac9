-- Prompt caches: share of input read from them, and the money they saved.
-- Question: Do prompt caches pay?
-- Note: the uncached price of an exchange is its own: cost of its uncached input by their number, so an exchange without uncached input counts no saving.
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges that reported their cached input
--   hits count: of them, with any input from a cache
--   input_total_tokens tokens: input, cached included
--   input_cached_tokens tokens: input read from a cache
--   cache_write_tokens tokens: input written to a cache
--   hit_share_ppm ppm: cached input of all input, millionths
--   cost_input_cached_nanousd nanousd: paid for reading
--   cost_cache_write_nanousd nanousd: paid for writing
--   saved_nanousd nanousd: what the same tokens would have cost uncached, less what was paid
-- Picture: bars hit_share_ppm
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
        usage_input_total AS input, usage_input_uncached AS uncached, usage_input_cached AS cached,
        usage_cache_write_total AS written, cost_input_nanousd AS input_cost, cost_input_cached_nanousd AS cached_cost,
        cost_cache_write_nanousd AS written_cost
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
), known AS (
    SELECT
        by_value, input, cached, written, cached_cost, written_cost,
        CASE
            WHEN uncached > 0
                THEN (cached + coalesce(written, 0)) * input_cost // uncached - cached_cost - coalesce(written_cost, 0)
        END AS saved
    FROM selected
    WHERE input IS NOT NULL AND cached IS NOT NULL
)
SELECT
    by_value, count(*) AS exchanges, count(CASE WHEN cached > 0 THEN 1 END) AS hits,
    sum(input) AS input_total_tokens, sum(cached) AS input_cached_tokens, sum(written) AS cache_write_tokens,
    CASE WHEN sum(input) > 0 THEN 1000000 * sum(cached) // sum(input) END AS hit_share_ppm,
    sum(cached_cost) AS cost_input_cached_nanousd, sum(written_cost) AS cost_cache_write_nanousd, sum(saved) AS saved_nanousd
FROM known
GROUP BY by_value
ORDER BY input_cached_tokens DESC, exchanges DESC, by_value NULLS FIRST;
