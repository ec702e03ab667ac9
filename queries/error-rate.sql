-- Error rate: how many of all exchanges went wrong.
-- Question: How reliable is each provider, model or task?
-- Parameters: the filters, and
--   by provider: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   rate_limited count: answered with 429
--   client_errors count: answered with another 4xx
--   server_errors count: answered with 500 or more
--   failed count: ended without the provider's whole answer, by no wish of the caller
--   client_closed count: left by the caller
--   bad count: answered with 400 or more, or failed
--   error_rate_ppm ppm: bad of all, millionths
-- Picture: bars error_rate_ppm
WITH selected AS MATERIALIZED (
    SELECT
        CASE coalesce(:by, 'provider')
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
        status, outcome
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
    by_value, count(*) AS exchanges, count(CASE WHEN status = 429 THEN 1 END) AS rate_limited,
    count(CASE WHEN status BETWEEN 400 AND 499 AND status <> 429 THEN 1 END) AS client_errors, count(CASE WHEN status >= 500 THEN 1 END) AS server_errors,
    count(CASE WHEN outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS failed, count(CASE WHEN outcome = 'client_closed' THEN 1 END) AS client_closed,
    count(CASE WHEN status >= 400 OR outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS bad,
    1000000 * count(CASE WHEN status >= 400 OR outcome NOT IN ('completed', 'client_closed') THEN 1 END) / count(*) AS error_rate_ppm
FROM selected
GROUP BY by_value
ORDER BY error_rate_ppm DESC, exchanges DESC, by_value NULLS FIRST;
