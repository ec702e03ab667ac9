-- Time to first token and tokens per second by provider and hour.
-- Question: Which provider is slow to begin or slow to write, and at which hours?
-- Parameters: the filters, and
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   hour text: hour in UTC
--   provider text: provider
--   exchanges count: exchanges
--   streams_with_ttft count: streamed answers whose first token is known
--   ttft_p1_us us: time to first token, percentile :p1
--   ttft_p2_us us: time to first token, percentile :p2
--   ttft_p3_us us: time to first token, percentile :p3
--   ttft_p4_us us: time to first token, percentile :p4
--   streams_with_speed count: streamed answers whose speed is known
--   tokens_per_second_p50 tokens/s: the speed that half of the streams reach at most
--   tokens_per_second_p10 tokens/s: the speed that nine of ten streams exceed or reach
-- Picture: line hour ttft_p3_us by provider
WITH selected AS MATERIALIZED (
    SELECT
        strftime(make_timestamp(started_at_us), '%Y-%m-%d %H:00') AS hour, provider, ttft_us, tokens_per_second
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
    hour, provider, count(*) AS exchanges, count(ttft_us) AS streams_with_ttft,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(ttft_us) + 999) // 1000] AS ttft_p1_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(ttft_us) + 999) // 1000] AS ttft_p2_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(ttft_us) + 999) // 1000] AS ttft_p3_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(ttft_us) + 999) // 1000] AS ttft_p4_us,
    count(tokens_per_second) AS streams_with_speed,
    list_sort(list(tokens_per_second) FILTER (WHERE tokens_per_second IS NOT NULL))[(500 * count(tokens_per_second) + 999) // 1000] AS tokens_per_second_p50,
    list_sort(list(tokens_per_second) FILTER (WHERE tokens_per_second IS NOT NULL))[(100 * count(tokens_per_second) + 999) // 1000] AS tokens_per_second_p10
FROM selected
GROUP BY hour, provider
ORDER BY hour, provider;
