-- Payload sizes: percentiles of request and answer bytes on the wire.
-- Question: How large are requests and answers?
-- Parameters: the filters, and
--   by task: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   request_p1_bytes bytes: request body, percentile :p1
--   request_p2_bytes bytes: request body, percentile :p2
--   request_p3_bytes bytes: request body, percentile :p3
--   request_p4_bytes bytes: request body, percentile :p4
--   request_max_bytes bytes: the largest request
--   response_p1_bytes bytes: answer body, percentile :p1
--   response_p2_bytes bytes: answer body, percentile :p2
--   response_p3_bytes bytes: answer body, percentile :p3
--   response_p4_bytes bytes: answer body, percentile :p4
--   response_max_bytes bytes: the largest answer
-- Picture: bars request_p4_bytes
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'task') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'task') = 'task', task,
            coalesce({by:Nullable(String)}, 'task') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'task') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'task') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'task') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'task') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'task') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        request_body_bytes, response_body_bytes
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
    arrayElementOrNull(arraySort(groupArray(request_body_bytes)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(request_body_bytes) + 999, 1000))) AS request_p1_bytes,
    arrayElementOrNull(arraySort(groupArray(request_body_bytes)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(request_body_bytes) + 999, 1000))) AS request_p2_bytes,
    arrayElementOrNull(arraySort(groupArray(request_body_bytes)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(request_body_bytes) + 999, 1000))) AS request_p3_bytes,
    arrayElementOrNull(arraySort(groupArray(request_body_bytes)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(request_body_bytes) + 999, 1000))) AS request_p4_bytes,
    max(request_body_bytes) AS request_max_bytes,
    arrayElementOrNull(arraySort(groupArray(response_body_bytes)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(response_body_bytes) + 999, 1000))) AS response_p1_bytes,
    arrayElementOrNull(arraySort(groupArray(response_body_bytes)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(response_body_bytes) + 999, 1000))) AS response_p2_bytes,
    arrayElementOrNull(arraySort(groupArray(response_body_bytes)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(response_body_bytes) + 999, 1000))) AS response_p3_bytes,
    arrayElementOrNull(arraySort(groupArray(response_body_bytes)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(response_body_bytes) + 999, 1000))) AS response_p4_bytes,
    max(response_body_bytes) AS response_max_bytes
FROM selected
GROUP BY by_value
ORDER BY exchanges DESC, by_value NULLS FIRST;
