-- Reasoning: its share of the output, its cost, and the wait for the first visible token.
-- Question: How much is thought before anything is said?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges that reported reasoning tokens
--   output_total_tokens tokens: their output
--   output_reasoning_tokens tokens: hidden reasoning in it
--   reasoning_share_ppm ppm: reasoning of all output, millionths
--   cost_reasoning_nanousd nanousd: cost of reasoning
--   first_visible_p1_us us: time to the first visible token, percentile :p1
--   first_visible_p2_us us: time to the first visible token, percentile :p2
--   first_visible_p3_us us: time to the first visible token, percentile :p3
--   first_visible_p4_us us: time to the first visible token, percentile :p4
-- Picture: bars reasoning_share_ppm
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
        usage_output_total AS output, usage_output_reasoning AS reasoning, first_visible_us, cost_reasoning_nanousd AS cost
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
), reasoned AS (
    SELECT *
    FROM selected
    WHERE output IS NOT NULL AND reasoning IS NOT NULL
)
SELECT
    by_value, count(*) AS exchanges, sum(output) AS output_total_tokens, sum(reasoning) AS output_reasoning_tokens,
    CASE WHEN sum(output) > 0 THEN 1000000 * sum(reasoning) // sum(output) END AS reasoning_share_ppm,
    sum(cost) AS cost_reasoning_nanousd,
    list_sort(list(first_visible_us) FILTER (WHERE first_visible_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(first_visible_us) + 999) // 1000] AS first_visible_p1_us,
    list_sort(list(first_visible_us) FILTER (WHERE first_visible_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(first_visible_us) + 999) // 1000] AS first_visible_p2_us,
    list_sort(list(first_visible_us) FILTER (WHERE first_visible_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(first_visible_us) + 999) // 1000] AS first_visible_p3_us,
    list_sort(list(first_visible_us) FILTER (WHERE first_visible_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(first_visible_us) + 999) // 1000] AS first_visible_p4_us
FROM reasoned
GROUP BY by_value
ORDER BY output_reasoning_tokens DESC, exchanges DESC, by_value NULLS FIRST;
