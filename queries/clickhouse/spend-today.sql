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
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'model') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'model') = 'task', task,
            coalesce({by:Nullable(String)}, 'model') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'model') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'model') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'model') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'model') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'model') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        started_at_us, cost_total_nanousd AS cost
    FROM facts
    WHERE ({since_us:Nullable(Int64)} IS NULL OR started_at_us >= {since_us:Nullable(Int64)})
        AND ({until_us:Nullable(Int64)} IS NULL OR started_at_us < {until_us:Nullable(Int64)})
        AND ({model:Nullable(String)} IS NULL OR {model:Nullable(String)} IN (model_requested, model_responded))
        AND ({provider:Nullable(String)} IS NULL OR provider = {provider:Nullable(String)})
        AND ({task:Nullable(String)} IS NULL OR task = {task:Nullable(String)})
        AND ({environment:Nullable(String)} IS NULL OR environment = {environment:Nullable(String)})
        AND ({api:Nullable(String)} IS NULL OR api = {api:Nullable(String)})
        AND ({status:Nullable(Int64)} IS NULL OR status = {status:Nullable(Int64)})
        AND ({outcome:Nullable(String)} IS NULL OR outcome = {outcome:Nullable(String)})
        AND ({key:Nullable(String)} IS NULL OR key_id = {key:Nullable(String)})
        AND arrayAll(
            wanted -> mapContains(metadata, wanted.1) AND metadata[wanted.1] = wanted.2,
            JSONExtractKeysAndValues(coalesce({metadata:Nullable(String)}, '{}'), 'String'))
), clock AS (
    SELECT coalesce({now_us:Nullable(Int64)}, toUnixTimestamp64Micro(now64(6))) AS now_us
), dated AS (
    SELECT
        by_value, cost, intDivOrNull(now_us, 86400000000) - intDivOrNull(started_at_us, 86400000000) AS days_ago,
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
    by_value, exchanges_today, today AS cost_today_nanousd, intDivOrNull(week, 7) AS cost_mean_nanousd,
    intDivOrNull(week_by_now, 7) AS cost_mean_by_now_nanousd,
    coalesce(today, 0) - coalesce(intDivOrNull(week_by_now, 7), 0) AS cost_difference_nanousd
FROM summed
ORDER BY cost_today_nanousd DESC NULLS LAST, cost_mean_nanousd DESC NULLS LAST, by_value NULLS FIRST;
