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
)
SELECT
    provider, model, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    min(started_at_us) AS first_started_at_us, max(started_at_us) AS last_started_at_us
FROM selected
WHERE cost IS NULL AND usage_source <> 'absent'
GROUP BY provider, model
ORDER BY exchanges DESC, provider, model NULLS FIRST;
