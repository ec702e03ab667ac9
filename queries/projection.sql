-- Month-end projection: this month's cost, carried on at its own pace.
-- Question: What will the month cost?
-- Note: a weekly rhythm is not looked at: early in a month the projection swings.
-- Parameters: the filters, and
--   by provider: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   now_us clock: the present, microseconds since 1970
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges since the month began, UTC
--   cost_month_to_date_nanousd nanousd: their cost
--   cost_projected_nanousd nanousd: that cost by the seconds gone, times the seconds of the month
--   unpriced count: exchanges with tokens but without a price; not in the cost
-- Picture: bars cost_projected_nanousd
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
        started_at_us, cost_total_nanousd AS cost, usage_source
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
), present AS (
    SELECT coalesce(:now_us, CAST(strftime('%s', 'now') AS INTEGER) * 1000000) AS now_us
), clock AS (
    SELECT
        now_us, CAST(strftime('%s', now_us / 1000000, 'unixepoch', 'start of month') AS INTEGER) AS from_s,
        CAST(strftime('%s', now_us / 1000000, 'unixepoch', 'start of month', '+1 month') AS INTEGER) AS until_s
    FROM present
), summed AS (
    SELECT by_value, count(*) AS exchanges, sum(cost) AS spent, count(CASE WHEN cost IS NULL AND usage_source <> 'absent' THEN 1 END) AS unpriced
    FROM selected
    CROSS JOIN clock
    WHERE started_at_us >= from_s * 1000000 AND started_at_us <= now_us
    GROUP BY by_value
), timed AS (
    SELECT
        by_value, exchanges, spent, unpriced, until_s - from_s AS month_s,
        CASE WHEN now_us / 1000000 > from_s THEN now_us / 1000000 - from_s ELSE 1 END AS elapsed_s
    FROM summed
    CROSS JOIN clock
)
SELECT
    by_value, exchanges, spent AS cost_month_to_date_nanousd,
    spent / elapsed_s * month_s + spent % elapsed_s * month_s / elapsed_s AS cost_projected_nanousd, unpriced
FROM timed
ORDER BY cost_month_to_date_nanousd DESC NULLS LAST, exchanges DESC, by_value NULLS FIRST;
