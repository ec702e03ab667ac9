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
        CASE coalesce(getvariable('by'), 'model')
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
        duration_us, ttft_us
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
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(duration_us) + 999) // 1000] AS duration_p1_us,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(duration_us) + 999) // 1000] AS duration_p2_us,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(duration_us) + 999) // 1000] AS duration_p3_us,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(duration_us) + 999) // 1000] AS duration_p4_us,
    count(ttft_us) AS streams_with_ttft,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(ttft_us) + 999) // 1000] AS ttft_p1_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(ttft_us) + 999) // 1000] AS ttft_p2_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(ttft_us) + 999) // 1000] AS ttft_p3_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(ttft_us) + 999) // 1000] AS ttft_p4_us
FROM selected
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
