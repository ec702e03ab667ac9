-- Gateway overhead: time spent in Weir itself.
-- Question: What does the gateway cost each exchange?
-- Parameters: the filters, and
--   by provider: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   measured count: exchanges whose overhead is known
--   overhead_p1_us us: overhead, percentile :p1
--   overhead_p2_us us: overhead, percentile :p2
--   overhead_p3_us us: overhead, percentile :p3
--   overhead_p4_us us: overhead, percentile :p4
--   overhead_max_us us: the worst
-- Picture: bars overhead_p4_us
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
        overhead_us
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
    by_value, count(*) AS exchanges, count(overhead_us) AS measured,
    list_sort(list(overhead_us) FILTER (WHERE overhead_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(overhead_us) + 999) // 1000] AS overhead_p1_us,
    list_sort(list(overhead_us) FILTER (WHERE overhead_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(overhead_us) + 999) // 1000] AS overhead_p2_us,
    list_sort(list(overhead_us) FILTER (WHERE overhead_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(overhead_us) + 999) // 1000] AS overhead_p3_us,
    list_sort(list(overhead_us) FILTER (WHERE overhead_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(overhead_us) + 999) // 1000] AS overhead_p4_us,
    max(overhead_us) AS overhead_max_us
FROM selected
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
