-- Spend: tokens and cost by model, task, environment, key or metadata.
-- Question: Where does the money go?
-- Note: an exchange without a price is NULL, never 0: read the last column before the sum.
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   input_total_tokens tokens: input, cached included
--   output_total_tokens tokens: output, reasoning included
--   cost_total_nanousd nanousd: cost by the price book
--   cost_reported_nanousd nanousd: cost as providers reported it
--   unpriced count: exchanges with tokens but without a price; not in the cost
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
        usage_input_total AS input, usage_output_total AS output, cost_total_nanousd AS cost,
        cost_reported_nanousd AS reported, usage_source
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
    by_value, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    sum(cost) AS cost_total_nanousd, sum(reported) AS cost_reported_nanousd,
    count(CASE WHEN cost IS NULL AND usage_source <> 'absent' THEN 1 END) AS unpriced
FROM selected
GROUP BY by_value
ORDER BY cost_total_nanousd DESC NULLS LAST, exchanges DESC, by_value NULLS FIRST;
