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
        cost_input_nanousd AS input_cost, cost_input_cached_nanousd AS input_cached_cost,
        cost_cache_write_nanousd AS cache_write_cost, cost_output_nanousd AS output_cost,
        cost_reasoning_nanousd AS reasoning_cost, cost_tools_nanousd AS tools_cost, cost_total_nanousd AS total_cost
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
    by_value, count(total_cost) AS priced,
    sum(input_cost) AS cost_input_nanousd, sum(input_cached_cost) AS cost_input_cached_nanousd, sum(cache_write_cost) AS cost_cache_write_nanousd,
    sum(output_cost) AS cost_output_nanousd, sum(reasoning_cost) AS cost_reasoning_nanousd, sum(tools_cost) AS cost_tools_nanousd, sum(total_cost) AS cost_total_nanousd
FROM selected
GROUP BY by_value
ORDER BY cost_total_nanousd DESC NULLS LAST, priced DESC, by_value NULLS FIRST;
