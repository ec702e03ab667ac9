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
        CASE coalesce(:by, 'model')
            WHEN 'model' THEN coalesce(model_responded, model_requested)
            WHEN 'task' THEN task
            WHEN 'environment' THEN environment
            WHEN 'key' THEN key_id
            WHEN 'provider' THEN provider
            WHEN 'status' THEN CAST(status AS TEXT)
            WHEN 'day' THEN strftime('%Y-%m-%d', started_at_us / 1000000, 'unixepoch')
            WHEN 'hour' THEN strftime('%Y-%m-%d %H:00', started_at_us / 1000000, 'unixepoch')
            ELSE (SELECT held.value FROM json_each(facts.metadata) AS held WHERE held.key = substr(:by, 6))
        END AS by_value,
        usage_input_total AS input, usage_output_total AS output, cost_total_nanousd AS cost,
        cost_reported_nanousd AS reported, usage_source
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
    by_value, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    sum(cost) AS cost_total_nanousd, sum(reported) AS cost_reported_nanousd,
    count(CASE WHEN cost IS NULL AND usage_source <> 'absent' THEN 1 END) AS unpriced
FROM selected
GROUP BY by_value
ORDER BY cost_total_nanousd DESC NULLS LAST, exchanges DESC, by_value NULLS FIRST;
