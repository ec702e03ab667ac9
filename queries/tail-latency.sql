-- Tail latency: percentiles of duration and of time to first token.
-- Question: How long do exchanges take, and how long until the first token, in the middle and in the tail?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   duration_p1_us us: from the request's head to the end, percentile :p1
--   duration_p2_us us: from the request's head to the end, percentile :p2
--   duration_p3_us us: from the request's head to the end, percentile :p3
--   duration_p4_us us: from the request's head to the end, percentile :p4
--   streams_with_ttft count: streamed answers whose first token is known
--   ttft_p1_us us: time to first token, percentile :p1
--   ttft_p2_us us: time to first token, percentile :p2
--   ttft_p3_us us: time to first token, percentile :p3
--   ttft_p4_us us: time to first token, percentile :p4
-- Picture: latency
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
        duration_us, ttft_us
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
), ranked AS (
    SELECT
        *,
        count(duration_us) OVER (PARTITION BY by_value) AS duration_count,
        row_number() OVER (PARTITION BY by_value ORDER BY duration_us NULLS LAST) AS duration_place,
        count(ttft_us) OVER (PARTITION BY by_value) AS ttft_count,
        row_number() OVER (PARTITION BY by_value ORDER BY ttft_us NULLS LAST) AS ttft_place
    FROM selected
)
SELECT
    by_value, count(*) AS exchanges,
    max(CASE WHEN duration_place = (coalesce(:p1, 500) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p1_us,
    max(CASE WHEN duration_place = (coalesce(:p2, 750) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p2_us,
    max(CASE WHEN duration_place = (coalesce(:p3, 900) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p3_us,
    max(CASE WHEN duration_place = (coalesce(:p4, 990) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p4_us,
    count(ttft_us) AS streams_with_ttft,
    max(CASE WHEN ttft_place = (coalesce(:p1, 500) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p1_us,
    max(CASE WHEN ttft_place = (coalesce(:p2, 750) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p2_us,
    max(CASE WHEN ttft_place = (coalesce(:p3, 900) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p3_us,
    max(CASE WHEN ttft_place = (coalesce(:p4, 990) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p4_us
FROM ranked
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
