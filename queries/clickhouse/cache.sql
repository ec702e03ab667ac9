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
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'model') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'model') = 'task', task,
            coalesce({by:Nullable(String)}, 'model') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'model') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'model') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'model') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'model') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'model') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        usage_input_total AS input, usage_input_uncached AS uncached, usage_input_cached AS cached,
        usage_cache_write_total AS written, cost_input_nanousd AS input_cost, cost_input_cached_nanousd AS cached_cost,
        cost_cache_write_nanousd AS written_cost
    FROM facts
    WHERE ({since_us:Nullable(Int64)} IS NULL OR started_at_us >= {since_us:Nullable(Int64)})
        AND ({until_us:Nullable(Int64)} IS NULL OR started_at_us < {until_us:Nullable(Int64)})
        AND ({model:Nullable(String)} IS NULL OR {model:Nullable(String)} IN (model_requested, model_responded))
        AND ({provider:Nullable(String)} IS NULL OR provider = {provider:Nullable(String)})
        AND ({task:Nullable(String)} IS NULL OR task = {task:Nullable(String)})
        AND ({environment:Nullable(String)} IS NULL OR environment = {environment:Nullable(String)})
        AND ({api:Nullable(String)} IS NULL OR api = {api:Nullable(String)})
        AND ({status:Nullable(Int64)} IS NULL OR status = {status:Nullable(Int64)})
        AND ({outcome:Nullable(String)} IS NULL OR outcome = {outcome:Nullable(String)})
        AND ({key:Nullable(String)} IS NULL OR key_id = {key:Nullable(String)})
        AND arrayAll(
            wanted -> mapContains(metadata, wanted.1) AND metadata[wanted.1] = wanted.2,
            JSONExtractKeysAndValues(coalesce({metadata:Nullable(String)}, '{}'), 'String'))
), known AS (
    SELECT
        by_value, input, cached, written, cached_cost, written_cost,
        CASE
            WHEN uncached > 0
                THEN intDivOrNull((cached + coalesce(written, 0)) * input_cost, uncached) - cached_cost - coalesce(written_cost, 0)
        END AS saved
    FROM selected
    WHERE input IS NOT NULL AND cached IS NOT NULL
)
SELECT
    by_value, count(*) AS exchanges, count(CASE WHEN cached > 0 THEN 1 END) AS hits,
    sum(input) AS input_total_tokens, sum(cached) AS input_cached_tokens, sum(written) AS cache_write_tokens,
    CASE WHEN sum(input) > 0 THEN intDivOrNull(1000000 * sum(cached), sum(input)) END AS hit_share_ppm,
    sum(cached_cost) AS cost_input_cached_nanousd, sum(written_cost) AS cost_cache_write_nanousd, sum(saved) AS saved_nanousd
FROM known
GROUP BY by_value
ORDER BY input_cached_tokens DESC, exchanges DESC, by_value NULLS FIRST;
