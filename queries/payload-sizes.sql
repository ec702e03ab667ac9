-- Payload sizes: percentiles of request and answer bytes on the wire.
-- Question: How large are requests and answers?
-- Parameters: the filters, and
--   by task: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   request_p1_bytes bytes: request body, percentile :p1
--   request_p2_bytes bytes: request body, percentile :p2
--   request_p3_bytes bytes: request body, percentile :p3
--   request_p4_bytes bytes: request body, percentile :p4
--   request_max_bytes bytes: the largest request
--   response_p1_bytes bytes: answer body, percentile :p1
--   response_p2_bytes bytes: answer body, percentile :p2
--   response_p3_bytes bytes: answer body, percentile :p3
--   response_p4_bytes bytes: answer body, percentile :p4
--   response_max_bytes bytes: the largest answer
-- Picture: bars request_p4_bytes
WITH selected AS MATERIALIZED (
    SELECT
        CASE coalesce(:by, 'task')
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
        request_body_bytes, response_body_bytes
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
        count(request_body_bytes) OVER (PARTITION BY by_value) AS request_count,
        row_number() OVER (PARTITION BY by_value ORDER BY request_body_bytes NULLS LAST) AS request_place,
        count(response_body_bytes) OVER (PARTITION BY by_value) AS response_count,
        row_number() OVER (PARTITION BY by_value ORDER BY response_body_bytes NULLS LAST) AS response_place
    FROM selected
)
SELECT
    by_value, count(*) AS exchanges,
    max(CASE WHEN request_place = (coalesce(:p1, 500) * request_count + 999) / 1000 THEN request_body_bytes END) AS request_p1_bytes,
    max(CASE WHEN request_place = (coalesce(:p2, 750) * request_count + 999) / 1000 THEN request_body_bytes END) AS request_p2_bytes,
    max(CASE WHEN request_place = (coalesce(:p3, 900) * request_count + 999) / 1000 THEN request_body_bytes END) AS request_p3_bytes,
    max(CASE WHEN request_place = (coalesce(:p4, 990) * request_count + 999) / 1000 THEN request_body_bytes END) AS request_p4_bytes,
    max(request_body_bytes) AS request_max_bytes,
    max(CASE WHEN response_place = (coalesce(:p1, 500) * response_count + 999) / 1000 THEN response_body_bytes END) AS response_p1_bytes,
    max(CASE WHEN response_place = (coalesce(:p2, 750) * response_count + 999) / 1000 THEN response_body_bytes END) AS response_p2_bytes,
    max(CASE WHEN response_place = (coalesce(:p3, 900) * response_count + 999) / 1000 THEN response_body_bytes END) AS response_p3_bytes,
    max(CASE WHEN response_place = (coalesce(:p4, 990) * response_count + 999) / 1000 THEN response_body_bytes END) AS response_p4_bytes,
    max(response_body_bytes) AS response_max_bytes
FROM ranked
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
