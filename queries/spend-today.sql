-- Spend today, against the mean of the last seven UTC days.
-- Question: Does today cost more than usual?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   now_us clock: the present, microseconds since 1970
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges_today count: exchanges since midnight UTC
--   cost_today_nanousd nanousd: their cost
--   cost_mean_nanousd nanousd: a seventh of the cost of the seven days before
--   cost_mean_by_now_nanousd nanousd: the same, each day up to the present time of day
--   cost_difference_nanousd nanousd: today less that
-- Picture: bars cost_today_nanousd
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
        started_at_us, cost_total_nanousd AS cost
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
), clock AS (
    SELECT coalesce(:now_us, CAST(strftime('%s', 'now') AS INTEGER) * 1000000) AS now_us
), dated AS (
    SELECT
        by_value, cost, now_us / 86400000000 - started_at_us / 86400000000 AS days_ago,
        CASE WHEN started_at_us % 86400000000 <= now_us % 86400000000 THEN 1 ELSE 0 END AS is_by_now
    FROM selected
    CROSS JOIN clock
), summed AS (
    SELECT
        by_value, count(CASE WHEN days_ago = 0 AND is_by_now = 1 THEN 1 END) AS exchanges_today,
        sum(CASE WHEN days_ago = 0 AND is_by_now = 1 THEN cost END) AS today,
        sum(CASE WHEN days_ago > 0 THEN cost END) AS week,
        sum(CASE WHEN days_ago > 0 AND is_by_now = 1 THEN cost END) AS week_by_now
    FROM dated
    WHERE days_ago BETWEEN 0 AND 7
    GROUP BY by_value
)
SELECT
    by_value, exchanges_today, today AS cost_today_nanousd, week / 7 AS cost_mean_nanousd,
    week_by_now / 7 AS cost_mean_by_now_nanousd,
    coalesce(today, 0) - coalesce(week_by_now / 7, 0) AS cost_difference_nanousd
FROM summed
ORDER BY cost_today_nanousd DESC NULLS LAST, cost_mean_nanousd DESC NULLS LAST, by_value NULLS FIRST;
