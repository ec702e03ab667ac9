-- Cost by class: input, cache, output, reasoning, tools.
-- Question: Which kind of token makes the bill?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   priced count: exchanges with a price
--   cost_input_nanousd nanousd: input that no cache held
--   cost_input_cached_nanousd nanousd: input read from a cache
--   cost_cache_write_nanousd nanousd: input written to a cache
--   cost_output_nanousd nanousd: visible output
--   cost_reasoning_nanousd nanousd: hidden reasoning
--   cost_tools_nanousd nanousd: calls of the provider's own tools
--   cost_total_nanousd nanousd: all classes
-- Picture: bars cost_total_nanousd
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
        cost_input_nanousd AS input_cost, cost_input_cached_nanousd AS input_cached_cost,
        cost_cache_write_nanousd AS cache_write_cost, cost_output_nanousd AS output_cost,
        cost_reasoning_nanousd AS reasoning_cost, cost_tools_nanousd AS tools_cost, cost_total_nanousd AS total_cost
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
    by_value, count(total_cost) AS priced,
    sum(input_cost) AS cost_input_nanousd, sum(input_cached_cost) AS cost_input_cached_nanousd, sum(cache_write_cost) AS cost_cache_write_nanousd,
    sum(output_cost) AS cost_output_nanousd, sum(reasoning_cost) AS cost_reasoning_nanousd, sum(tools_cost) AS cost_tools_nanousd, sum(total_cost) AS cost_total_nanousd
FROM selected
GROUP BY by_value
ORDER BY cost_total_nanousd DESC NULLS LAST, priced DESC, by_value NULLS FIRST;
