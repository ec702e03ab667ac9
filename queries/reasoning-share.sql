-- Reasoning: its share of the output, its cost, and the wait for the first visible token.
-- Question: How much is thought before anything is said?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges that reported reasoning tokens
--   output_total_tokens tokens: their output
--   output_reasoning_tokens tokens: hidden reasoning in it
--   reasoning_share_ppm ppm: reasoning of all output, millionths
--   cost_reasoning_nanousd nanousd: cost of reasoning
--   first_visible_p1_us us: time to the first visible token, percentile :p1
--   first_visible_p2_us us: time to the first visible token, percentile :p2
--   first_visible_p3_us us: time to the first visible token, percentile :p3
--   first_visible_p4_us us: time to the first visible token, percentile :p4
-- Picture: bars reasoning_share_ppm
WITH selected AS MATERIALIZED (
    SELECT
        CASE coalesce(:by, 'model')
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
        usage_output_total AS output, usage_output_reasoning AS reasoning, first_visible_us, cost_reasoning_nanousd AS cost
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
), reasoned AS (
    SELECT *
    FROM selected
    WHERE output IS NOT NULL AND reasoning IS NOT NULL
), ranked AS (
    SELECT
        *,
        count(first_visible_us) OVER (PARTITION BY by_value) AS first_visible_count,
        row_number() OVER (PARTITION BY by_value ORDER BY first_visible_us NULLS LAST) AS first_visible_place
    FROM reasoned
)
SELECT
    by_value, count(*) AS exchanges, sum(output) AS output_total_tokens, sum(reasoning) AS output_reasoning_tokens,
    CASE WHEN sum(output) > 0 THEN 1000000 * sum(reasoning) / sum(output) END AS reasoning_share_ppm,
    sum(cost) AS cost_reasoning_nanousd,
    max(CASE WHEN first_visible_place = (coalesce(:p1, 500) * first_visible_count + 999) / 1000 THEN first_visible_us END) AS first_visible_p1_us,
    max(CASE WHEN first_visible_place = (coalesce(:p2, 750) * first_visible_count + 999) / 1000 THEN first_visible_us END) AS first_visible_p2_us,
    max(CASE WHEN first_visible_place = (coalesce(:p3, 900) * first_visible_count + 999) / 1000 THEN first_visible_us END) AS first_visible_p3_us,
    max(CASE WHEN first_visible_place = (coalesce(:p4, 990) * first_visible_count + 999) / 1000 THEN first_visible_us END) AS first_visible_p4_us
FROM ranked
GROUP BY by_value
ORDER BY output_reasoning_tokens DESC, exchanges DESC, by_value NULLS FIRST;
