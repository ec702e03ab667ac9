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
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'provider') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'provider') = 'task', task,
            coalesce({by:Nullable(String)}, 'provider') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'provider') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'provider') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'provider') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'provider') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'provider') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        started_at_us, cost_total_nanousd AS cost, usage_source
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
), present AS (
    SELECT coalesce({now_us:Nullable(Int64)}, toUnixTimestamp64Micro(now64(6))) AS now_us
), clock AS (
    SELECT
        now_us, toInt64(toUnixTimestamp(toDateTime(toStartOfMonth(fromUnixTimestamp64Micro(now_us, 'UTC')), 'UTC'))) AS from_s,
        toInt64(toUnixTimestamp(toDateTime(addMonths(toStartOfMonth(fromUnixTimestamp64Micro(now_us, 'UTC')), 1), 'UTC'))) AS until_s
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
        CASE WHEN intDivOrNull(now_us, 1000000) > from_s THEN intDivOrNull(now_us, 1000000) - from_s ELSE 1 END AS elapsed_s
    FROM summed
    CROSS JOIN clock
)
SELECT
    by_value, exchanges, spent AS cost_month_to_date_nanousd,
    intDivOrNull(spent, elapsed_s) * month_s + intDivOrNull(spent % elapsed_s * month_s, elapsed_s) AS cost_projected_nanousd, unpriced
FROM timed
ORDER BY cost_month_to_date_nanousd DESC NULLS LAST, exchanges DESC, by_value NULLS FIRST;
