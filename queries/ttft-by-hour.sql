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
        strftime('%Y-%m-%d %H:00', started_at_us / 1000000, 'unixepoch') AS hour, provider, ttft_us, tokens_per_second
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
        count(ttft_us) OVER (PARTITION BY hour, provider) AS ttft_count,
        row_number() OVER (PARTITION BY hour, provider ORDER BY ttft_us NULLS LAST) AS ttft_place,
        count(tokens_per_second) OVER (PARTITION BY hour, provider) AS tokens_per_second_count,
        row_number() OVER (PARTITION BY hour, provider ORDER BY tokens_per_second NULLS LAST) AS tokens_per_second_place
    FROM selected
)
SELECT
    hour, provider, count(*) AS exchanges, count(ttft_us) AS streams_with_ttft,
    max(CASE WHEN ttft_place = (coalesce(:p1, 500) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p1_us,
    max(CASE WHEN ttft_place = (coalesce(:p2, 750) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p2_us,
    max(CASE WHEN ttft_place = (coalesce(:p3, 900) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p3_us,
    max(CASE WHEN ttft_place = (coalesce(:p4, 990) * ttft_count + 999) / 1000 THEN ttft_us END) AS ttft_p4_us,
    count(tokens_per_second) AS streams_with_speed,
    max(CASE WHEN tokens_per_second_place = (500 * tokens_per_second_count + 999) / 1000 THEN tokens_per_second END) AS tokens_per_second_p50,
    max(CASE WHEN tokens_per_second_place = (100 * tokens_per_second_count + 999) / 1000 THEN tokens_per_second END) AS tokens_per_second_p10
FROM ranked
GROUP BY hour, provider
ORDER BY hour, provider;
