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
        environment, task, key_id, provider, model_requested, started_at_us, id,
        CASE WHEN status IN (408, 409, 429) OR status >= 500 OR outcome IN ('upstream_failed', 'timed_out') THEN 1 ELSE 0 END AS is_retryable,
        CASE WHEN outcome = 'completed' AND status < 400 THEN 1 ELSE 0 END AS is_good
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
), ranked AS (
    SELECT
        *,
        count(wait_us) OVER (PARTITION BY by_value) AS wait_count,
        row_number() OVER (PARTITION BY by_value ORDER BY wait_us NULLS LAST) AS wait_place
    FROM judged
)
SELECT
    by_value, count(*) AS exchanges, count(CASE WHEN is_retryable = 1 THEN 1 END) AS retryable, count(wait_us) AS repeated,
    count(CASE WHEN wait_us IS NOT NULL AND is_next_good = 1 THEN 1 END) AS recovered,
    max(CASE WHEN wait_place = (coalesce(:p1, 500) * wait_count + 999) / 1000 THEN wait_us END) AS wait_p1_us,
    max(CASE WHEN wait_place = (coalesce(:p2, 750) * wait_count + 999) / 1000 THEN wait_us END) AS wait_p2_us,
    max(CASE WHEN wait_place = (coalesce(:p3, 900) * wait_count + 999) / 1000 THEN wait_us END) AS wait_p3_us,
    max(CASE WHEN wait_place = (coalesce(:p4, 990) * wait_count + 999) / 1000 THEN wait_us END) AS wait_p4_us
FROM ranked
GROUP BY by_value
ORDER BY retryable DESC, exchanges DESC, by_value NULLS FIRST;
