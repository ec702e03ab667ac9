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
        CASE coalesce(getvariable('by'), 'task')
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
        request_body_bytes, response_body_bytes
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
    by_value, count(*) AS exchanges,
    list_sort(list(request_body_bytes) FILTER (WHERE request_body_bytes IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(request_body_bytes) + 999) // 1000] AS request_p1_bytes,
    list_sort(list(request_body_bytes) FILTER (WHERE request_body_bytes IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(request_body_bytes) + 999) // 1000] AS request_p2_bytes,
    list_sort(list(request_body_bytes) FILTER (WHERE request_body_bytes IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(request_body_bytes) + 999) // 1000] AS request_p3_bytes,
    list_sort(list(request_body_bytes) FILTER (WHERE request_body_bytes IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(request_body_bytes) + 999) // 1000] AS request_p4_bytes,
    max(request_body_bytes) AS request_max_bytes,
    list_sort(list(response_body_bytes) FILTER (WHERE response_body_bytes IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(response_body_bytes) + 999) // 1000] AS response_p1_bytes,
    list_sort(list(response_body_bytes) FILTER (WHERE response_body_bytes IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(response_body_bytes) + 999) // 1000] AS response_p2_bytes,
    list_sort(list(response_body_bytes) FILTER (WHERE response_body_bytes IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(response_body_bytes) + 999) // 1000] AS response_p3_bytes,
    list_sort(list(response_body_bytes) FILTER (WHERE response_body_bytes IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(response_body_bytes) + 999) // 1000] AS response_p4_bytes,
    max(response_body_bytes) AS response_max_bytes
FROM selected
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
