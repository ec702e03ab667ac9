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
        CASE coalesce(:by, 'model')
            WHEN 'model' THEN coalesce(model_responded, model_requested)
            WHEN 'task' THEN task
            WHEN 'environment' THEN environment
            WHEN 'key' THEN key_id
            WHEN 'provider' THEN provider
            WHEN 'status' THEN CAST(status AS TEXT)
            WHEN 'day' THEN strftime('%Y-%m-%d', started_at_us / 1000000, 'unixepoch')
            WHEN 'hour' THEN strftime('%Y-%m-%d %H:00', started_at_us / 1000000, 'unixepoch')
            ELSE (SELECT held.value FROM json_each(facts.metadata) AS held WHERE held.key = substr(:by, 6))
        END AS by_value,
        usage_input_total AS input, usage_input_uncached AS uncached, usage_input_cached AS cached,
        usage_cache_write_total AS written, cost_input_nanousd AS input_cost, cost_input_cached_nanousd AS cached_cost,
        cost_cache_write_nanousd AS written_cost
    FROM facts
    WHERE (:since_us IS NULL OR started_at_us >= :since_us)
        AND (:until_us IS NULL OR started_at_us < :until_us)
        AND (:model IS NULL OR :model IN (model_requested, model_responded))
        AND (:provider IS NULL OR provider = :provider)
        AND (:task IS NULL OR task = :task)
        AND (:environment IS NULL OR environment = :environment)
        AND (:api IS NULL OR api = :api)
        AND (:status IS NULL OR status = :status)
        AND (:outcome IS NULL OR outcome = :outcome)
        AND (:key IS NULL OR key_id = :key)
        AND (:metadata IS NULL OR NOT EXISTS (
            SELECT 1 FROM json_each(:metadata) AS wanted
            WHERE NOT EXISTS (
                SELECT 1 FROM json_each(facts.metadata) AS held
                WHERE held.key = wanted.key AND held.value = wanted.value)))
), known AS (
    SELECT
        by_value, input, cached, written, cached_cost, written_cost,
        CASE
            WHEN uncached > 0
                THEN (cached + coalesce(written, 0)) * input_cost / uncached - cached_cost - coalesce(written_cost, 0)
        END AS saved
    FROM selected
    WHERE input IS NOT NULL AND cached IS NOT NULL
)
SELECT
    by_value, count(*) AS exchanges, count(CASE WHEN cached > 0 THEN 1 END) AS hits,
    sum(input) AS input_total_tokens, sum(cached) AS input_cached_tokens, sum(written) AS cache_write_tokens,
    CASE WHEN sum(input) > 0 THEN 1000000 * sum(cached) / sum(input) END AS hit_share_ppm,
    sum(cached_cost) AS cost_input_cached_nanousd, sum(written_cost) AS cost_cache_write_nanousd, sum(saved) AS saved_nanousd
FROM known
GROUP BY by_value
ORDER BY input_cached_tokens DESC, exchanges DESC, by_value NULLS FIRST;
