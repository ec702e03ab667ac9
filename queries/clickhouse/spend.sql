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
        usage_input_total AS input, usage_output_total AS output, cost_total_nanousd AS cost,
        cost_reported_nanousd AS reported, usage_source
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
    by_value, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    sum(cost) AS cost_total_nanousd, sum(reported) AS cost_reported_nanousd,
    count(CASE WHEN cost IS NULL AND usage_source <> 'absent' THEN 1 END) AS unpriced
FROM selected
GROUP BY by_value
ORDER BY cost_total_nanousd DESC NULLS LAST, exchanges DESC, by_value NULLS FIRST;
