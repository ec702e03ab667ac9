-- Cancelled exchanges: those the caller left, and what they cost.
-- Question: How often do callers leave before the end, how soon, and what is paid for it?
-- Note: a provider seldom reports the usage of a cancelled stream: the sums are lower bounds.
-- Parameters: the filters, and
--   by task: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   cancelled count: left by the caller
--   cancelled_share_ppm ppm: of all, millionths
--   cancelled_streams count: of the cancelled, streamed answers
--   before_first_token count: of those, left before the first token
--   output_total_tokens tokens: output that cancelled exchanges reported
--   cost_total_nanousd nanousd: their cost
--   unpriced count: of the cancelled, with tokens but without a price
--   cancelled_after_p1_us us: time until the caller left, percentile :p1
--   cancelled_after_p2_us us: time until the caller left, percentile :p2
--   cancelled_after_p3_us us: time until the caller left, percentile :p3
--   cancelled_after_p4_us us: time until the caller left, percentile :p4
-- Picture: bars cancelled
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
        outcome, stream, ttft_us, usage_output_total AS output, cost_total_nanousd AS cost, usage_source,
        CASE WHEN outcome = 'client_closed' THEN duration_us END AS cancelled_after_us
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
    by_value, count(*) AS exchanges, count(CASE WHEN outcome = 'client_closed' THEN 1 END) AS cancelled,
    1000000 * count(CASE WHEN outcome = 'client_closed' THEN 1 END) // count(*) AS cancelled_share_ppm,
    count(CASE WHEN outcome = 'client_closed' AND stream = 1 THEN 1 END) AS cancelled_streams,
    count(CASE WHEN outcome = 'client_closed' AND stream = 1 AND ttft_us IS NULL THEN 1 END) AS before_first_token,
    sum(CASE WHEN outcome = 'client_closed' THEN output END) AS output_total_tokens,
    sum(CASE WHEN outcome = 'client_closed' THEN cost END) AS cost_total_nanousd,
    count(CASE WHEN outcome = 'client_closed' AND cost IS NULL AND usage_source <> 'absent' THEN 1 END) AS unpriced,
    list_sort(list(cancelled_after_us) FILTER (WHERE cancelled_after_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(cancelled_after_us) + 999) // 1000] AS cancelled_after_p1_us,
    list_sort(list(cancelled_after_us) FILTER (WHERE cancelled_after_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(cancelled_after_us) + 999) // 1000] AS cancelled_after_p2_us,
    list_sort(list(cancelled_after_us) FILTER (WHERE cancelled_after_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(cancelled_after_us) + 999) // 1000] AS cancelled_after_p3_us,
    list_sort(list(cancelled_after_us) FILTER (WHERE cancelled_after_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(cancelled_after_us) + 999) // 1000] AS cancelled_after_p4_us
FROM selected
GROUP BY by_value
ORDER BY cancelled DESC, exchanges DESC, by_value NULLS FIRST;
