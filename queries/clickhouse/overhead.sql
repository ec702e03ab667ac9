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
        overhead_us
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
)
SELECT
    by_value, count(*) AS exchanges, count(overhead_us) AS measured,
    arrayElementOrNull(arraySort(groupArray(overhead_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(overhead_us) + 999, 1000))) AS overhead_p1_us,
    arrayElementOrNull(arraySort(groupArray(overhead_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(overhead_us) + 999, 1000))) AS overhead_p2_us,
    arrayElementOrNull(arraySort(groupArray(overhead_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(overhead_us) + 999, 1000))) AS overhead_p3_us,
    arrayElementOrNull(arraySort(groupArray(overhead_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(overhead_us) + 999, 1000))) AS overhead_p4_us,
    max(overhead_us) AS overhead_max_us
FROM selected
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
