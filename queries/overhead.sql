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
        CASE coalesce(:by, 'provider')
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
        overhead_us
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
        count(overhead_us) OVER (PARTITION BY by_value) AS overhead_count,
        row_number() OVER (PARTITION BY by_value ORDER BY overhead_us NULLS LAST) AS overhead_place
    FROM selected
)
SELECT
    by_value, count(*) AS exchanges, count(overhead_us) AS measured,
    max(CASE WHEN overhead_place = (coalesce(:p1, 500) * overhead_count + 999) / 1000 THEN overhead_us END) AS overhead_p1_us,
    max(CASE WHEN overhead_place = (coalesce(:p2, 750) * overhead_count + 999) / 1000 THEN overhead_us END) AS overhead_p2_us,
    max(CASE WHEN overhead_place = (coalesce(:p3, 900) * overhead_count + 999) / 1000 THEN overhead_us END) AS overhead_p3_us,
    max(CASE WHEN overhead_place = (coalesce(:p4, 990) * overhead_count + 999) / 1000 THEN overhead_us END) AS overhead_p4_us,
    max(overhead_us) AS overhead_max_us
FROM ranked
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
