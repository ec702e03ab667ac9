-- Retries: exchanges worth another try, and whether the caller came back.
-- Question: How often do callers have to try again, how soon do they, and does it help?
-- Note: the same caller: environment, task, key, provider and model are equal. What a filter leaves out is no next exchange either.
-- Parameters: the filters, and
--   by provider: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   retryable count: answered with 408, 409, 429 or 5xx, or broken on the provider's side
--   repeated count: of them, followed within a minute by the same caller's next exchange
--   recovered count: of those, where the next one went well
--   wait_p1_us us: time to the next try, percentile :p1
--   wait_p2_us us: time to the next try, percentile :p2
--   wait_p3_us us: time to the next try, percentile :p3
--   wait_p4_us us: time to the next try, percentile :p4
-- Picture: bars retryable
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
        environment, task, key_id, provider, model_requested, started_at_us, id,
        CASE WHEN status IN (408, 409, 429) OR status >= 500 OR outcome IN ('upstream_failed', 'timed_out') THEN 1 ELSE 0 END AS is_retryable,
        CASE WHEN outcome = 'completed' AND status < 400 THEN 1 ELSE 0 END AS is_good
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
), followed AS (
    SELECT
        by_value, is_retryable, started_at_us,
        lead(toNullable(started_at_us)) OVER (
            PARTITION BY environment, task, key_id, provider, model_requested ORDER BY started_at_us, id) AS next_at_us,
        lead(toNullable(is_good)) OVER (
            PARTITION BY environment, task, key_id, provider, model_requested ORDER BY started_at_us, id) AS is_next_good
    FROM selected
), judged AS (
    SELECT
        by_value, is_retryable, is_next_good,
        CASE WHEN is_retryable = 1 AND next_at_us - started_at_us <= 60000000 THEN next_at_us - started_at_us END AS wait_us
    FROM followed
)
SELECT
    by_value, count(*) AS exchanges, count(CASE WHEN is_retryable = 1 THEN 1 END) AS retryable, count(wait_us) AS repeated,
    count(CASE WHEN wait_us IS NOT NULL AND is_next_good = 1 THEN 1 END) AS recovered,
    arrayElementOrNull(arraySort(groupArray(wait_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(wait_us) + 999, 1000))) AS wait_p1_us,
    arrayElementOrNull(arraySort(groupArray(wait_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(wait_us) + 999, 1000))) AS wait_p2_us,
    arrayElementOrNull(arraySort(groupArray(wait_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(wait_us) + 999, 1000))) AS wait_p3_us,
    arrayElementOrNull(arraySort(groupArray(wait_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(wait_us) + 999, 1000))) AS wait_p4_us
FROM judged
GROUP BY by_value
ORDER BY retryable DESC, exchanges DESC, by_value NULLS FIRST;
