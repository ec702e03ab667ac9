-- Unpriced traffic: models with tokens but without a price.
-- Question: Which models does the price book not know, and how much traffic is that?
-- Parameters: the filters.
-- Columns:
--   provider text: provider
--   model text: the model that answered, else the one asked for
--   exchanges count: exchanges with tokens but without a price
--   input_total_tokens tokens: input, cached included
--   output_total_tokens tokens: output, reasoning included
--   first_started_at_us instant: the first one's start
--   last_started_at_us instant: the last one's start
-- Picture: bars exchanges
WITH selected AS MATERIALIZED (
    SELECT
        provider, coalesce(model_responded, model_requested) AS model, started_at_us, usage_input_total AS input,
        usage_output_total AS output, cost_total_nanousd AS cost, usage_source
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
    provider, model, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    min(started_at_us) AS first_started_at_us, max(started_at_us) AS last_started_at_us
FROM selected
WHERE cost IS NULL AND usage_source <> 'absent'
GROUP BY provider, model
ORDER BY exchanges DESC, provider, model NULLS FIRST;
