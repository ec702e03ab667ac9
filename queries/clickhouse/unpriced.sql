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
WITH selected AS (
    SELECT
        provider, coalesce(model_responded, model_requested) AS model, started_at_us, usage_input_total AS input,
        usage_output_total AS output, cost_total_nanousd AS cost, usage_source
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
    provider, model, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    min(started_at_us) AS first_started_at_us, max(started_at_us) AS last_started_at_us
FROM selected
WHERE cost IS NULL AND usage_source <> 'absent'
GROUP BY provider, model
ORDER BY exchanges DESC, provider, model NULLS FIRST;
