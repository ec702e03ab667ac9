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
        CASE coalesce(getvariable('by'), 'provider')
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
        started_at_us, cost_total_nanousd AS cost, usage_source
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
), present AS (
    SELECT coalesce(getvariable('now_us'), epoch_us(get_current_timestamp())) AS now_us
), clock AS (
    SELECT
        now_us, CAST(epoch(date_trunc('month', make_timestamp(now_us))) AS BIGINT) AS from_s,
        CAST(epoch(date_trunc('month', make_timestamp(now_us)) + INTERVAL 1 MONTH) AS BIGINT) AS until_s
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
        CASE WHEN now_us // 1000000 > from_s THEN now_us // 1000000 - from_s ELSE 1 END AS elapsed_s
    FROM summed
    CROSS JOIN clock
)
SELECT
    by_value, exchanges, spent AS cost_month_to_date_nanousd,
    spent // elapsed_s * month_s + spent % elapsed_s * month_s // elapsed_s AS cost_projected_nanousd, unpriced
FROM timed
ORDER BY cost_month_to_date_nanousd DESC NULLS LAST, exchanges DESC, by_value NULLS FIRST;
