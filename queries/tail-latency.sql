-- Tail latency by model: p50, p75, p90 and p99 of duration and of time to first token.
-- Percentile = nearest rank, in integers: the value at rank (p * n + 999) / 1000, p in per-mille, first = 1.
-- The model is the one that answered, else the one asked for. Time to first token is known for streamed answers only.
WITH selected AS MATERIALIZED (
    SELECT coalesce(model_responded, model_requested) AS model, duration_us, ttft_us
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
), counted AS (
    SELECT model, count(*) AS exchanges, count(ttft_us) AS ttft_count
    FROM selected
    GROUP BY model
), duration_ranked AS (
    SELECT
        model, duration_us AS value, count(*) OVER (PARTITION BY model) AS n,
        row_number() OVER (PARTITION BY model ORDER BY duration_us) AS place
    FROM selected
    WHERE duration_us IS NOT NULL
), duration AS (
    SELECT
        model,
        max(CASE WHEN place = (500 * n + 999) / 1000 THEN value END) AS p50,
        max(CASE WHEN place = (750 * n + 999) / 1000 THEN value END) AS p75,
        max(CASE WHEN place = (900 * n + 999) / 1000 THEN value END) AS p90,
        max(CASE WHEN place = (990 * n + 999) / 1000 THEN value END) AS p99
    FROM duration_ranked
    GROUP BY model
), ttft_ranked AS (
    SELECT
        model, ttft_us AS value, count(*) OVER (PARTITION BY model) AS n,
        row_number() OVER (PARTITION BY model ORDER BY ttft_us) AS place
    FROM selected
    WHERE ttft_us IS NOT NULL
), ttft AS (
    SELECT
        model,
        max(CASE WHEN place = (500 * n + 999) / 1000 THEN value END) AS p50,
        max(CASE WHEN place = (750 * n + 999) / 1000 THEN value END) AS p75,
        max(CASE WHEN place = (900 * n + 999) / 1000 THEN value END) AS p90,
        max(CASE WHEN place = (990 * n + 999) / 1000 THEN value END) AS p99
    FROM ttft_ranked
    GROUP BY model
)
SELECT
    counted.model AS model, exchanges,
    duration.p50 AS duration_p50_us, duration.p75 AS duration_p75_us, duration.p90 AS duration_p90_us, duration.p99 AS duration_p99_us,
    ttft_count AS streams_with_ttft,
    ttft.p50 AS ttft_p50_us, ttft.p75 AS ttft_p75_us, ttft.p90 AS ttft_p90_us, ttft.p99 AS ttft_p99_us
FROM counted
LEFT JOIN duration ON duration.model IS counted.model
LEFT JOIN ttft ON ttft.model IS counted.model
ORDER BY exchanges DESC, model;
