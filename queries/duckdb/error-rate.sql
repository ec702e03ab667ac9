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
        CASE coalesce(getvariable('by'), 'provider')
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
        status, outcome
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
    by_value, count(*) AS exchanges, count(CASE WHEN status = 429 THEN 1 END) AS rate_limited,
    count(CASE WHEN status BETWEEN 400 AND 499 AND status <> 429 THEN 1 END) AS client_errors, count(CASE WHEN status >= 500 THEN 1 END) AS server_errors,
    count(CASE WHEN outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS failed, count(CASE WHEN outcome = 'client_closed' THEN 1 END) AS client_closed,
    count(CASE WHEN status >= 400 OR outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS bad,
    1000000 * count(CASE WHEN status >= 400 OR outcome NOT IN ('completed', 'client_closed') THEN 1 END) // count(*) AS error_rate_ppm
FROM selected
GROUP BY by_value
ORDER BY error_rate_ppm DESC, exchanges DESC, by_value NULLS FIRST;
