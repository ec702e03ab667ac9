-- Retries: exchanges worth another try, and whether the caller came back.
-- Question: How often do callers have to try again, how soon do they, and does it help?
-- Note: the same caller: environment, task, key, provider and model are equal. What a filter leaves out is no next exchange either.
-- Parameters: the filters, and
--   by provider: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   retryable count: answered with 408, 409, 429 or 5xx, or broken on the provider's side
--   repeated count: of them, followed within a minute by the same caller's next exchange
--   recovered count: of those, where the next one went well
--   wait_p1_us us: time to the next try, percentile :p1
--   wait_p2_us us: time to the next try, percentile :p2
--   wait_p3_us us: time to the next try, percentile :p3
--   wait_p4_us us: time to the next try, percentile :p4
-- Picture: bars retryable
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
        environment, task, key_id, provider, model_requested, started_at_us, id,
        CASE WHEN status IN (408, 409, 429) OR status >= 500 OR outcome IN ('upstream_failed', 'timed_out') THEN 1 ELSE 0 END AS is_retryable,
        CASE WHEN outcome = 'completed' AND status < 400 THEN 1 ELSE 0 END AS is_good
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
), followed AS (
    SELECT
        by_value, is_retryable, started_at_us,
        lead(started_at_us) OVER (
            PARTITION BY environment, task, key_id, provider, model_requested ORDER BY started_at_us, id) AS next_at_us,
        lead(is_good) OVER (
            PARTITION BY environment, task, key_id, provider, model_requested ORDER BY started_at_us, id) AS is_next_good
    FROM selected
), judged AS (
    SELECT
        by_value, is_retryable, is_next_good,
        CASE WHEN is_retryable = 1 AND next_at_us - started_at_us <= 60000000 THEN next_at_us - started_at_us END AS wait_us
    FROM followed
)
SELECT
    by_value, count(*) AS exchanges, count(CASE WHEN is_retryable = 1 THEN 1 END) AS retryable, count(wait_us) AS repeated,
    count(CASE WHEN wait_us IS NOT NULL AND is_next_good = 1 THEN 1 END) AS recovered,
    list_sort(list(wait_us) FILTER (WHERE wait_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(wait_us) + 999) // 1000] AS wait_p1_us,
    list_sort(list(wait_us) FILTER (WHERE wait_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(wait_us) + 999) // 1000] AS wait_p2_us,
    list_sort(list(wait_us) FILTER (WHERE wait_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(wait_us) + 999) // 1000] AS wait_p3_us,
    list_sort(list(wait_us) FILTER (WHERE wait_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(wait_us) + 999) // 1000] AS wait_p4_us
FROM judged
GROUP BY by_value
ORDER BY retryable DESC, exchanges DESC, by_value NULLS FIRST;
