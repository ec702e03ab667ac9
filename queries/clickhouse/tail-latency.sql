-- Tail latency: percentiles of duration and of time to first token.
-- Question: How long do exchanges take, and how long until the first token, in the middle and in the tail?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   duration_p1_us us: from the request's head to the end, percentile :p1
--   duration_p2_us us: from the request's head to the end, percentile :p2
--   duration_p3_us us: from the request's head to the end, percentile :p3
--   duration_p4_us us: from the request's head to the end, percentile :p4
--   streams_with_ttft count: streamed answers whose first token is known
--   ttft_p1_us us: time to first token, percentile :p1
--   ttft_p2_us us: time to first token, percentile :p2
--   ttft_p3_us us: time to first token, percentile :p3
--   ttft_p4_us us: time to first token, percentile :p4
-- Picture: latency
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
        duration_us, ttft_us
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
    by_value, count(*) AS exchanges,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(duration_us) + 999, 1000))) AS duration_p1_us,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(duration_us) + 999, 1000))) AS duration_p2_us,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(duration_us) + 999, 1000))) AS duration_p3_us,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(duration_us) + 999, 1000))) AS duration_p4_us,
    count(ttft_us) AS streams_with_ttft,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(ttft_us) + 999, 1000))) AS ttft_p1_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(ttft_us) + 999, 1000))) AS ttft_p2_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(ttft_us) + 999, 1000))) AS ttft_p3_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(ttft_us) + 999, 1000))) AS ttft_p4_us
FROM selected
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
