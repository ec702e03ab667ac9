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
        CASE coalesce(getvariable('by'), 'model')
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
        started_at_us, cost_total_nanousd AS cost
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
), clock AS (
    SELECT coalesce(getvariable('now_us'), epoch_us(get_current_timestamp())) AS now_us
), dated AS (
    SELECT
        by_value, cost, now_us // 86400000000 - started_at_us // 86400000000 AS days_ago,
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
    by_value, exchanges_today, today AS cost_today_nanousd, week // 7 AS cost_mean_nanousd,
    week_by_now // 7 AS cost_mean_by_now_nanousd,
    coalesce(today, 0) - coalesce(week_by_now // 7, 0) AS cost_difference_nanousd
FROM summed
ORDER BY cost_today_nanousd DESC NULLS LAST, cost_mean_nanousd DESC NULLS LAST, by_value NULLS FIRST;
