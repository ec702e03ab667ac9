-- Service tiers: traffic, cost and latency of each tier as served.
-- Question: Is a dearer tier faster, and is a cheaper one slow?
-- Parameters: the filters, and
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   provider text: provider
--   service_tier text: as the provider served it; NULL where it said none
--   exchanges count: exchanges
--   input_total_tokens tokens: input, cached included
--   output_total_tokens tokens: output, reasoning included
--   cost_total_nanousd nanousd: cost by the price book
--   duration_p1_us us: from the request's head to the end, percentile :p1
--   duration_p2_us us: from the request's head to the end, percentile :p2
--   duration_p3_us us: from the request's head to the end, percentile :p3
--   duration_p4_us us: from the request's head to the end, percentile :p4
--   ttft_p1_us us: time to first token, percentile :p1
--   ttft_p2_us us: time to first token, percentile :p2
--   ttft_p3_us us: time to first token, percentile :p3
--   ttft_p4_us us: time to first token, percentile :p4
-- Picture: bars cost_total_nanousd
WITH selected AS MATERIALIZED (
    SELECT
        provider, service_tier, usage_input_total AS input, usage_output_total AS output, cost_total_nanousd AS cost,
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
    provider, service_tier, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    sum(cost) AS cost_total_nanousd,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(duration_us) + 999) // 1000] AS duration_p1_us,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(duration_us) + 999) // 1000] AS duration_p2_us,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(duration_us) + 999) // 1000] AS duration_p3_us,
    list_sort(list(duration_us) FILTER (WHERE duration_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(duration_us) + 999) // 1000] AS duration_p4_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p1'), 500) * count(ttft_us) + 999) // 1000] AS ttft_p1_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p2'), 750) * count(ttft_us) + 999) // 1000] AS ttft_p2_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p3'), 900) * count(ttft_us) + 999) // 1000] AS ttft_p3_us,
    list_sort(list(ttft_us) FILTER (WHERE ttft_us IS NOT NULL))[(coalesce(getvariable('p4'), 990) * count(ttft_us) + 999) // 1000] AS ttft_p4_us
FROM selected
GROUP BY provider, service_tier
ORDER BY exchanges DESC, provider, service_tier NULLS FIRST;
