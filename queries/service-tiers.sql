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
        count(duration_us) OVER (PARTITION BY provider, service_tier) AS duration_count,
        row_number() OVER (PARTITION BY provider, service_tier ORDER BY duration_us NULLS LAST) AS duration_place,
        count(ttft_us) OVER (PARTITION BY provider, service_tier) AS ttft_count,
        row_number() OVER (PARTITION BY provider, service_tier ORDER BY ttft_us NULLS LAST) AS ttft_place
    FROM selected
)
SELECT
    provider, service_tier, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    sum(cost) AS cost_total_nanousd,
    max(CASE WHEN duration_place = (coalesce(:p1, 500) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p1_us,
    max(CASE WHEN duration_place = (coalesce(:p2, 750) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p2_us,
    max(CASE WHEN duration_place = (coalesce(:p3, 900) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p3_us,
    max(CASE WHEN duration_place = (coalesce(:p4, 990) * duration_count + 999) / 1000 THEN duration_us END) AS duration_p4_us,
    max(CASE WHEN ttft_place = (coalesce(:p1, 500) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p1_us,
    max(CASE WHEN ttft_place = (coalesce(:p2, 750) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p2_us,
    max(CASE WHEN ttft_place = (coalesce(:p3, 900) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p3_us,
    max(CASE WHEN ttft_place = (coalesce(:p4, 990) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p4_us
FROM ranked
GROUP BY provider, service_tier
ORDER BY exchanges DESC, provider, service_tier NULLS FIRST;
