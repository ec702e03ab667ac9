-- Model mix over time: each model's share of a UTC day.
-- Question: Which models are used more, which less?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   day text: day in UTC
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   share_ppm ppm: of the day's exchanges, millionths
--   output_total_tokens tokens: output, reasoning included
--   cost_total_nanousd nanousd: cost by the price book
-- Picture: line day exchanges by by_value
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
        strftime(make_timestamp(started_at_us), '%Y-%m-%d') AS day, usage_output_total AS output, cost_total_nanousd AS cost
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
), counted AS (
    SELECT day, by_value, count(*) AS exchanges, sum(output) AS output_total_tokens, sum(cost) AS cost_total_nanousd
    FROM selected
    GROUP BY day, by_value
)
SELECT
    day, by_value, exchanges, 1000000 * exchanges // sum(exchanges) OVER (PARTITION BY day) AS share_ppm,
    output_total_tokens, cost_total_nanousd
FROM counted
ORDER BY day, exchanges DESC, by_value NULLS FIRST;
