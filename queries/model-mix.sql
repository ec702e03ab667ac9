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
        strftime('%Y-%m-%d', started_at_us / 1000000, 'unixepoch') AS day, usage_output_total AS output,
        cost_total_nanousd AS cost
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
), counted AS (
    SELECT day, by_value, count(*) AS exchanges, sum(output) AS output_total_tokens, sum(cost) AS cost_total_nanousd
    FROM selected
    GROUP BY day, by_value
)
SELECT
    day, by_value, exchanges, 1000000 * exchanges / sum(exchanges) OVER (PARTITION BY day) AS share_ppm,
    output_total_tokens, cost_total_nanousd
FROM counted
ORDER BY day, exchanges DESC, by_value NULLS FIRST;
