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
        formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d') AS day, usage_input_total AS input,
        usage_input_cached AS cached, usage_cache_write_total AS written, usage_output_total AS output,
        usage_output_reasoning AS reasoning, usage_source
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
)
SELECT
    by_value, day, count(*) AS exchanges,
    sum(input) AS input_total_tokens, sum(cached) AS input_cached_tokens, sum(written) AS cache_write_tokens,
    sum(output) AS output_total_tokens, sum(reasoning) AS output_reasoning_tokens,
    count(CASE WHEN usage_source = 'partial' THEN 1 END) AS usage_partial, count(CASE WHEN usage_source = 'absent' THEN 1 END) AS usage_absent
FROM selected
GROUP BY by_value, day
ORDER BY day, by_value NULLS FIRST;
